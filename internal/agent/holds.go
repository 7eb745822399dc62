package agent

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Who is paused and who is in maintenance follows from the configuration, from
// what was ordered by hand and from the wall clock. The driver works it out at
// each edge of a window, and at least every 30 s, since the clock may be set; it
// tells tracker, board and scheduler.

// keptOver is how long a maintenance that is over is remembered: a clock that was
// set ahead by mistake and is set back finds it again.
const keptOver = 25 * time.Hour

// holds is what was ordered, and what came of it.
type holds struct {
	applying sync.Mutex             // orders what the driver does; before observing
	last     map[string]check.State // who was held
	active   map[string]bool        // windows that were in force, by id

	keeping sync.Mutex // orders what goes to the disk
	woken   chan struct{}

	mu      sync.Mutex
	pauses  pauses
	ordered map[string]ordered   // by id
	unkept  []check.Order        // that are not on their way to the disk yet
	ended   map[string]time.Time // windows of the configuration that were ended by hand, and the end of that occurrence
}

func newHolds() *holds {
	return &holds{
		active: map[string]bool{}, woken: make(chan struct{}, 1),
		pauses: newPauses(), ordered: map[string]ordered{}, ended: map[string]time.Time{},
	}
}

// wake has the driver look again.
func (h *holds) wake() {
	select {
	case h.woken <- struct{}{}:
	default:
	}
}

// restore takes in what a former run was ordered, where nothing newer is known.
func (h *holds) restore(orders []check.Order, log *slog.Logger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range orders {
		if err := h.restoreOne(o); err != nil {
			log.Error("an order of the former run cannot be read and is left out", "kind", o.Kind, "name", o.Name, "error", err)
		}
	}
}

func (h *holds) restoreOne(o check.Order) error {
	switch o.Kind {
	case orderPause:
		return restoreInto(h.pauses.monitors, o, func(b pauseBody) bool { return b.Paused })
	case orderPauseGroup:
		return restoreInto(h.pauses.groups, o, func(b pauseBody) bool { return b.Paused })
	case orderWindow:
		return restoreInto(h.ordered, o, func(b ordered) ordered { return b })
	case orderEnded:
		return restoreInto(h.ended, o, func(b time.Time) time.Time { return b })
	}
	return nil
}

func restoreInto[B, V any](into map[string]V, o check.Order, value func(B) V) error {
	var body B
	if err := json.Unmarshal(o.Body, &body); err != nil {
		return err
	}
	if _, newer := into[o.Name]; !newer {
		into[o.Name] = value(body)
	}
	return nil
}

// windows returns all windows, those of the configuration first.
func (h *holds) windows(p *plan) []*window {
	all := slices.Clone(p.windows)
	for _, id := range slices.Sorted(maps.Keys(h.ordered)) {
		all = append(all, h.ordered[id].window())
	}
	return all
}

// isActive says whether a window is in force at a time.
func (h *holds) isActive(w *window, now time.Time) bool {
	_, to, in := w.when.Span(now)
	return in && to.After(h.ended[w.id])
}

// of works out who is held, and why. A paused monitor is paused, whatever else.
func (h *holds) of(p *plan, now time.Time) (held map[string]check.State, active []*window) {
	h.mu.Lock()
	defer h.mu.Unlock()
	held = map[string]check.State{}
	for _, w := range h.windows(p) {
		if !h.isActive(w, now) {
			continue
		}
		active = append(active, w)
		for _, id := range w.covers(p.monitors) {
			held[id] = check.Maintenance
		}
	}
	for _, m := range p.monitors {
		if h.pauses.paused(m.check) {
			held[m.cfg.ID] = check.Paused
		}
	}
	return held, active
}

// wait returns how long until the next edge of a window.
func (h *holds) wait(p *plan, now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	wait := lookAgain
	for _, w := range h.windows(p) {
		if next := w.when.Next(now); !next.IsZero() {
			wait = min(wait, max(next.Sub(now), time.Millisecond))
		}
	}
	return wait
}

// tidy takes back orders that are over, and those about monitors that are gone.
func (h *holds) tidy(p *plan, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unkept = append(h.unkept, h.pauses.forget(p.checks())...)
	for id, o := range h.ordered {
		if now.Sub(o.To) > keptOver {
			h.drop(id)
		}
	}
	for id, until := range h.ended {
		if now.Sub(until) > keptOver {
			delete(h.ended, id)
			h.unkept = append(h.unkept, check.Order{Kind: orderEnded, Name: id})
		}
	}
}

// take hands out, once, what is to be stored.
func (h *holds) take() []check.Order {
	h.mu.Lock()
	defer h.mu.Unlock()
	orders := h.unkept
	h.unkept = nil
	return orders
}

// keepWindows is the driver.
func (a *Agent) keepWindows(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-a.holds.woken:
		case <-ctx.Done():
			return
		}
		a.holds.tidy(a.plan.Load(), a.wall().Round(0))
		a.hold()
		a.keep(ctx)
		timer.Reset(a.holds.wait(a.plan.Load(), a.wall().Round(0)))
	}
}

// keep stores what was ordered, in that order. What cannot be written yet holds
// all the same, and is written when it can be.
func (a *Agent) keep(ctx context.Context) {
	a.holds.keeping.Lock()
	defer a.holds.keeping.Unlock()
	if err := a.store.Keep(ctx, a.holds.take()...); err != nil {
		a.log.Warn("what was ordered is in memory only for now", "error", err)
	}
}

// hold brings everybody up to what holds now.
func (a *Agent) hold() {
	a.holds.applying.Lock()
	defer a.holds.applying.Unlock()
	held := a.holdsOf(a.plan.Load())
	if maps.Equal(held, a.holds.last) {
		return
	}
	a.observing.Lock()
	c := a.tracker.Suspend(held, time.Now())
	a.show(c, "")
	a.push(c)
	a.observing.Unlock()
	a.wake(c)
	a.steer(held)
	a.runNow(c)
}

// holdsOf works out who is held now, and logs which windows began and ended.
func (a *Agent) holdsOf(p *plan) map[string]check.State {
	held, active := a.holds.of(p, a.wall().Round(0))
	now := map[string]bool{}
	for _, w := range active {
		now[w.id] = true
		if !a.holds.active[w.id] {
			a.log.Info("maintenance begins", "id", w.id, "name", w.about.Name, "monitors", len(w.covers(p.monitors)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.holds.active)) {
		if !now[id] {
			a.log.Info("maintenance is over", "id", id)
		}
	}
	a.holds.active = now
	return held
}

// steer has the scheduler leave those alone who are paused.
func (a *Agent) steer(held map[string]check.State) {
	for id, as := range held {
		if as == check.Paused && a.holds.last[id] != check.Paused {
			a.scheduler.Pause(id)
		}
	}
	for id, was := range a.holds.last {
		if was == check.Paused && held[id] != check.Paused {
			a.scheduler.Resume(id)
		}
	}
	a.holds.last = held
}
