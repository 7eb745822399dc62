package agent

import (
	"context"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/outbox"
	"github.com/watchword/watchword/internal/store"
)

// longestPast bounds how long probes wait at start for the history of uptime.
const longestPast = 15 * time.Second

// restore takes in what a former run left and puts the first plan in force.
func (a *Agent) restore(ctx context.Context, p *plan) error {
	found, err := a.store.Load(ctx)
	if err != nil {
		return err
	}
	a.ids.atLeast(found.LastDelivery)
	a.tellBehind(found.Newest)
	a.tracker = a.newTracker(p)
	if err := a.tracker.Restore(found.States, found.Open); err != nil {
		a.log.Error("incidents of the former run were left out", "error", err)
	}
	a.board.Set(p.checks())
	past, cancel := context.WithTimeout(ctx, longestPast)
	defer cancel()
	if err := a.store.EachRollup(past, func(rs []check.Rollup) error { a.board.Restore(rs); return nil }); err != nil {
		a.log.Warn("the history of uptime could not be read", "error", err)
	}
	a.board.Restore(nil, found.States...)
	a.holds.restore(found.Orders, a.log)
	a.enforce(p)
	a.outbox.Restore(stored(found.Deliveries))
	return nil
}

// lately is what the store may find at any time from its opening on, also
// before there is an outbox to take it.
type lately struct {
	mu    sync.Mutex
	ready bool
	found *store.Snapshot
}

// late takes in what was found in a database that could not be read at start:
// messages that still wait. Monitors have been judged anew meanwhile.
func (a *Agent) late(found store.Snapshot) {
	a.found.mu.Lock()
	defer a.found.mu.Unlock()
	if !a.found.ready {
		a.found.found = &found
		return
	}
	a.takeLate(found)
}

// beReady is called once everything is built.
func (a *Agent) beReady() {
	a.found.mu.Lock()
	defer a.found.mu.Unlock()
	a.found.ready = true
	if a.found.found != nil {
		a.takeLate(*a.found.found)
	}
}

func (a *Agent) takeLate(found store.Snapshot) {
	a.ids.atLeast(found.LastDelivery)
	a.log.Info("the database can be read again", "messages", len(found.Deliveries), "incidents", len(found.Open))
	a.outbox.Restore(stored(found.Deliveries))
	a.holds.restore(found.Orders, a.log)
	a.holds.wake()
	// What still fails has an incident of its own by now. The former ones would
	// come back at the next start with members that nothing takes out of them.
	for i := range found.Open {
		found.Open[i].Closed = time.Now()
	}
	a.push(check.Change{Incidents: found.Open})
}

func stored(ds []store.StoredDelivery) []outbox.Stored {
	ss := make([]outbox.Stored, 0, len(ds))
	for _, d := range ds {
		ss = append(ss, outbox.Stored{Delivery: d.Delivery, Sending: d.Sending})
	}
	return ss
}

// enforce puts a plan in force: whom to tell, what to watch, when.
func (a *Agent) enforce(p *plan) {
	a.holds.applying.Lock()
	defer a.holds.applying.Unlock()
	a.metrics.SetNames(tokenNames(p), channelNames(p))
	a.metrics.SetCompat(p.cfg.Metrics.Compat)
	a.outbox.SetChannels(p.outboxChannels())
	a.mirror.Set(p.mirrored)
	now := time.Now()
	a.holds.tidy(p, a.wall().Round(0))
	held := a.holdsOf(p)
	a.steer(held)
	a.observing.Lock()
	a.plan.Store(p)
	a.board.Set(p.checks())
	for _, m := range p.monitors {
		a.board.Expect(m.cfg.ID, 2*m.every(now)+m.cfg.Timeout)
	}
	c := a.tracker.Configure(a.incidentOptions(p), p.policies(now, held), p.incidentChannels(), now)
	a.show(c, "")
	a.push(c)
	a.observing.Unlock()
	a.wake(c)
	a.scheduler.Replace(p.jobs())
	a.runNow(c)
	a.holds.wake()
}
