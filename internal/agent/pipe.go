package agent

import (
	"context"
	"log/slog"
	"sync"

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
	next   waiting
	wake   chan struct{}
	unsafe bool // the last commit did not reach the disk
}

// waiting is what is committed next, in one transaction, so that a slow disk is
// waited for once. Of each monitor and each incident it keeps the newest only:
// an incident of thousands changes with each of them, and weighs megabytes.
type waiting struct {
	states     map[string]*check.MonitorState // nil: to be forgotten
	incidents  map[string]check.IncidentRecord
	deliveries []check.Delivery
}

func newWaiting() waiting {
	return waiting{states: map[string]*check.MonitorState{}, incidents: map[string]check.IncidentRecord{}}
}

// add takes a change in. What it removes goes first: a monitor of a new type
// comes back under its old id.
func (w *waiting) add(c check.Change) {
	for _, id := range c.Removed {
		w.states[id] = nil
	}
	for i := range c.States {
		w.states[c.States[i].ID] = &c.States[i]
	}
	for _, r := range c.Incidents {
		w.incidents[r.ID] = r
	}
	w.deliveries = append(w.deliveries, c.Deliveries...)
}

func (w *waiting) change() check.Change {
	c := check.Change{Deliveries: w.deliveries}
	for id, s := range w.states {
		if s == nil {
			c.Removed = append(c.Removed, id)
			continue
		}
		c.States = append(c.States, *s)
	}
	for _, r := range w.incidents {
		c.Incidents = append(c.Incidents, r)
	}
	return c
}

func newPipe(k keeper, s sender, log *slog.Logger) *pipe {
	return &pipe{keep: k, send: s, log: log, next: newWaiting(), wake: make(chan struct{}, 1)}
}

// push never waits.
func (p *pipe) push(c check.Change) {
	if c.Empty() {
		return
	}
	p.mu.Lock()
	p.next.add(c)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends and everything pushed before is through. It waits
// for the disk no longer than the keeper does.
func (p *pipe) run(ctx context.Context) {
	for {
		select {
		case <-p.wake:
			p.drain(ctx)
		case <-ctx.Done():
			p.drain(ctx)
			return
		}
	}
}

func (p *pipe) drain(ctx context.Context) {
	for {
		p.mu.Lock()
		c := p.next.change()
		p.next = newWaiting()
		p.mu.Unlock()
		if c.Empty() {
			return
		}
		p.commit(context.WithoutCancel(ctx), c)
		p.send.Enqueue(c.Deliveries...)
	}
}

func (p *pipe) commit(ctx context.Context, c check.Change) {
	err := p.keep.Commit(ctx, c)
	if err == nil {
		if p.unsafe {
			p.log.Info("the database can be written again")
		}
		p.unsafe = false
		return
	}
	if !p.unsafe {
		p.log.Error("the database cannot be written; alerts go out from memory", "error", err)
	}
	p.unsafe = true
}
