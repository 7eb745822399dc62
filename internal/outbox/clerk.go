package outbox

import (
	"context"
	"sync"

	"github.com/watchword/watchword/internal/check"
)

// clerk writes down the ends of messages that were never attempted, so that
// nobody who puts messages in waits for the disk.
type clerk struct {
	box  *Outbox
	wake chan struct{} // room for one

	mu    sync.Mutex
	notes []note
}

type note struct {
	d       check.Delivery
	outcome string
}

// note has an end written down soon.
func (c *clerk) note(d check.Delivery, outcome string) {
	c.mu.Lock()
	c.notes = append(c.notes, note{check.Delivery{ID: d.ID, Notifier: d.Notifier}, outcome})
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, and what is left then until hard does.
func (c *clerk) run(ctx, hard context.Context) {
	for {
		c.write(hard)
		select {
		case <-ctx.Done():
			c.write(hard)
			return
		case <-c.wake:
		}
	}
}

func (c *clerk) write(ctx context.Context) {
	for {
		c.mu.Lock()
		notes := c.notes
		c.notes = nil
		c.mu.Unlock()
		if len(notes) == 0 {
			return
		}
		for _, n := range notes {
			c.box.done(ctx, n.d, n.outcome)
		}
	}
}

// done writes down the end of a message and tells whom it concerns.
func (box *Outbox) done(ctx context.Context, d check.Delivery, outcome string) {
	ctx, cancel := context.WithTimeout(ctx, ledgerWait)
	defer cancel()
	if err := box.o.Ledger.Done(ctx, d.ID, outcome); err != nil {
		box.o.Unrecorded(d.Notifier)
	}
	box.o.Finished(d.Notifier, outcome)
}
