package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// keeper is where changes are kept; sender delivers what is due.
type keeper interface {
	Commit(ctx context.Context, c check.Change) error
}

type sender interface {
	Enqueue(ds ...check.Delivery)
}

// pipe takes changes from the probes' goroutines, which must not wait, to the
// disk and then to the outbox, in order. An alert is on disk before it is sent;
// where the disk takes too long it is sent from memory.
type pipe struct {
	keep   keeper
	send   sender
	log    *slog.Logger
	mu     sync.Mutex
	queue  []check.Change
	wake   chan struct{}
	unsafe bool // the last commit did not reach the disk
}

func newPipe(k keeper, s sender, log *slog.Logger) *pipe {
	return &pipe{keep: k, send: s, log: log, wake: make(chan struct{}, 1)}
}

// push never waits.
func (p *pipe) push(c check.Change) {
	if c.Empty() {
		return
	}
	p.mu.Lock()
	p.queue = append(p.queue, c)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends and everything pushed before is through.
func (p *pipe) run(ctx context.Context) {
	for {
		select {
		case <-p.wake:
			p.drain(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			p.drain(last)
			return
		}
	}
}

func (p *pipe) drain(ctx context.Context) {
	for {
		c, ok := p.take()
		if !ok {
			return
		}
		p.commit(ctx, c)
		p.send.Enqueue(c.Deliveries...)
	}
}

// take merges all that waits, so that a slow disk is waited for once.
func (p *pipe) take() (check.Change, bool) {
	p.mu.Lock()
	queue := p.queue
	p.queue = nil
	p.mu.Unlock()
	if len(queue) == 0 {
		return check.Change{}, false
	}
	c := queue[0]
	for _, more := range queue[1:] {
		c = merge(c, more)
	}
	return c, true
}

func merge(a, b check.Change) check.Change {
	for _, s := range b.States { // an id that was forgotten and came back is kept
		a.Removed = slices.DeleteFunc(a.Removed, func(id string) bool { return id == s.ID })
	}
	return check.Change{
		States:     append(a.States, b.States...),
		Removed:    append(a.Removed, b.Removed...),
		Incidents:  append(a.Incidents, b.Incidents...),
		Deliveries: append(a.Deliveries, b.Deliveries...),
	}
}

func (p *pipe) commit(ctx context.Context, c check.Change) {
	err := p.keep.Commit(context.WithoutCancel(ctx), c)
	switch {
	case err == nil:
		if p.unsafe {
			p.log.Info("the database can be written again")
		}
		p.unsafe = false
	case errors.Is(err, context.Canceled):
	default:
		if !p.unsafe {
			p.log.Error("the database cannot be written; alerts go out from memory", "error", err)
		}
		p.unsafe = true
	}
}
