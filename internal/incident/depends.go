package incident

import (
	"maps"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// A monitor that depends on others is not announced while one of them fails:
// who hears of the one needs no word of the other. It is down all the same,
// belongs to no incident, and is held. So nothing of it is owed: it is announced
// later as if it went down then, or recovers and nobody hears of it.
//
// Nobody is announced, nor held, for what a parent was a while ago: it counts by
// a run that began when the child failed already. The agent has it run at once,
// and the child waits for that, for a bounded time: an alarm too many is better
// than one that is missed.

// hold is why a monitor that is down is not announced.
type hold struct {
	by    []string  // ids of who holds it or is asked; of one that is free, who held it last
	until time.Time // its parents are asked, and it waits for them until then; zero: it does not
	free  time.Time // since when nobody holds it: a run that fails and began later releases it; zero: somebody does
}

// held returns why a monitor is held, nil if it is not.
func (e *entry) held() *hold {
	if e.kin == nil {
		return nil
	}
	return e.kin.hold
}

// hold makes a monitor held, and says whether that is new.
func (t *Tracker) hold(e *entry) (news bool) {
	if e.kin.hold != nil {
		return false
	}
	e.kin.hold = &hold{}
	t.ties.held[e.state.ID] = e
	return true
}

// unhold lets go of a monitor.
func (t *Tracker) unhold(e *entry) {
	if e.held() != nil {
		e.kin.hold = nil
		delete(t.ties.held, e.state.ID)
		delete(t.ties.waiting, e.state.ID)
	}
}

// decide announces a monitor that is down, or holds it. The run that it failed
// in began at start.
func (t *Tracker) decide(e *entry, start, now time.Time) {
	if !t.withhold(e, start, now) {
		t.release(e, now)
	}
	t.dissolve(e, now)
}

func (t *Tracker) release(e *entry, now time.Time) {
	t.unhold(e)
	t.join(e, now)
}

// withhold says whether a monitor that is down is not to be announced now.
func (t *Tracker) withhold(e *entry, start, now time.Time) bool {
	if e.kin == nil || e.kin.hold == nil && len(e.policy.DependsOn) == 0 {
		return false
	}
	t.question(e, now)
	if by := t.holders(e); len(by) > 0 {
		t.keep(e, by)
		return true
	}
	if h := e.kin.hold; h != nil && h.until.IsZero() {
		t.free(e, now)
		if start.Before(h.free) {
			return true
		}
	}
	return t.wait(e, now)
}

// keep holds a monitor for those who fail.
func (t *Tracker) keep(e *entry, by []string) {
	news := t.hold(e)
	h := e.kin.hold
	news = news || !h.until.IsZero() || !h.free.IsZero()
	*h = hold{by: by}
	delete(t.ties.waiting, e.state.ID)
	if news && t.opts.Held != nil {
		t.opts.Held(e.state.ID, by)
	}
}

// free notes that nobody holds a monitor any more, and has it run.
func (t *Tracker) free(e *entry, now time.Time) {
	if h := e.kin.hold; h.free.IsZero() {
		h.free = now
		t.ties.freed = append(t.ties.freed, e)
	}
}

// wait says whether a monitor waits for parents that are asked; tire ends it.
func (t *Tracker) wait(e *entry, now time.Time) bool {
	var by []string
	var most time.Duration
	for _, p := range t.above(e) {
		if !p.answers(e) {
			by, most = append(by, p.state.ID), max(most, p.patience())
		}
	}
	if len(by) == 0 {
		return false
	}
	t.hold(e)
	h := e.kin.hold
	h.by, h.free = by, time.Time{}
	if h.until.IsZero() {
		h.until = now.Add(most)
		t.ties.waiting[e.state.ID] = e
	}
	return true
}

// reconsider looks again at a monitor that is held, without a run of its own.
func (t *Tracker) reconsider(e *entry, now time.Time) {
	h := e.held()
	if h == nil {
		return
	}
	if by := t.holders(e); len(by) > 0 {
		t.keep(e, by)
		return
	}
	if h.until.IsZero() {
		t.free(e, now)
		return
	}
	if t.wait(e, now) {
		t.question(e, now)
		return
	}
	t.giveUp(e, now)
}

// giveUp announces a monitor that has waited, unless it begins to recover.
func (t *Tracker) giveUp(e *entry, now time.Time) {
	if e.state.Passes == 0 {
		t.release(e, now)
		return
	}
	e.kin.hold.until = time.Time{}
	delete(t.ties.waiting, e.state.ID)
	t.free(e, now)
}

// tire announces those who waited for their parents long enough.
func (t *Tracker) tire(now time.Time) {
	if len(t.ties.waiting) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(t.ties.waiting)) {
		if e := t.ties.waiting[id]; !e.kin.hold.until.After(now) {
			t.giveUp(e, now)
		}
	}
}

// Held returns the monitors that are down and not announced because of those
// that they depend on, by id.
func (t *Tracker) Held() map[string]check.Hold {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[string]check.Hold, len(t.ties.held))
	for id, e := range t.ties.held {
		h := e.kin.hold
		all[id] = check.Hold{By: h.by, Failing: h.until.IsZero() && h.free.IsZero()}
	}
	return all
}
