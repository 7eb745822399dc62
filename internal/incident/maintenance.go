package incident

import (
	"maps"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// A monitor in maintenance runs on, and what it does is recorded; but nobody is
// told of it, except that a gate is open. What was told before goes on to hold:
// it is not told again, and a recovery answers it at once. What begins inside
// and still fails in a run after the end goes down then.
//
// Within the tracker the state of an entry is what it would be without the
// maintenance, so that the end of one brings nothing back by guessing; shown and
// uncovered translate from and to what others see.

// Suspend says who is in maintenance or paused from now on, by id; who is not
// named is neither.
func (t *Tracker) Suspend(who map[string]check.State, now time.Time) check.Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(t.entries)) {
		t.suspend(t.entries[id], who[id], now)
	}
	t.flush(now)
	return t.take(now)
}

func (t *Tracker) suspend(e *entry, to check.State, now time.Time) {
	switch paused := e.state.State == check.Paused; {
	case paused && to != check.Paused:
		t.resume(e, now)
	case !paused && to == check.Paused:
		t.pause(e, now)
	}
	switch {
	case to == check.Maintenance && !e.covered():
		t.cover(e, now)
	case to != check.Maintenance && e.covered():
		t.uncover(e, now)
	}
}

// covered says whether a monitor is in maintenance.
func (e *entry) covered() bool { return e.state.Cover != nil && e.state.Cover.To.IsZero() }

// quiet says whether nobody is to be told of a monitor. An open gate is told
// all the same.
func (e *entry) quiet() bool { return e.covered() && e.state.State != check.Exposed }

// released says whether a maintenance of the monitor has ended, and no run has
// said since how it stands.
func (e *entry) released() bool { return e.state.Cover != nil && !e.covered() }

// stale says whether a run that began at start was in flight when the monitor was
// let go: what it saw fail may have been the maintenance.
func (e *entry) stale(start time.Time) bool { return start.Before(e.freed) }

// shown is the state as others see it and as it is stored.
func (e *entry) shown() check.MonitorState {
	s := e.state
	if e.quiet() {
		h := *s.Cover
		h.State, h.Since = s.State, s.Since
		s.State, s.Since, s.Cover = check.Maintenance, h.From, &h
	}
	return s
}

// uncovered is the reverse of shown.
func uncovered(s check.MonitorState) check.MonitorState {
	if s.State != check.Maintenance {
		return s
	}
	h := check.Cover{From: s.Since, State: check.Pending, Since: s.Since}
	if s.Cover != nil {
		h = *s.Cover
	}
	s.State, s.Since, s.Cover = h.State, h.Since, &h
	return s
}

// cover begins a maintenance.
func (t *Tracker) cover(e *entry, now time.Time) {
	e.state.Cover = &check.Cover{From: now}
	t.touched[e.state.ID] = e
	t.dissolve(e, now) // the others are not to wait for it
	t.unhold(e)
	t.withdraw(e, now)
	if e.incident == nil && isDown(e.state.State) {
		t.waits(e, now)
	}
	if e.incident != nil { // nobody is to find it by its state alone after a restart
		t.dirty[e.incident.id] = e.incident
	}
	t.tellChildren(e, now)
}

// uncover ends one. What failed is to be seen failing once more: until then
// nobody is told of it, and nobody reminded.
func (t *Tracker) uncover(e *entry, now time.Time) {
	defer t.tellChildren(e, now)
	t.touched[e.state.ID], e.freed = e, now
	if e.chain != nil && e.due(now) > 0 {
		t.warnAt = now.Add(max(t.opts.GroupWait, warnGather))
	}
	if e.state.State == check.Up || e.state.State == check.Exposed {
		e.state.Cover = nil
		return
	}
	h := *e.state.Cover // the former may be on its way to the disk
	h.To = now
	e.state.Cover = &h
	t.ties.ask = append(t.ties.ask, e.state.ID)
}

// known takes the first run after a maintenance in, which began at start: what it
// was told of goes on, what it was not is told now.
func (t *Tracker) known(e *entry, start, now time.Time) {
	if !e.released() || e.stale(start) && e.state.Fault != nil {
		return
	}
	if e.incident == nil && e.state.State != check.Up {
		return // its retries are not over
	}
	if e.incident != nil {
		t.carryOn(e, e.incident, now)
	}
	e.state.Cover = nil
	t.touched[e.state.ID] = e
}

// carryOn has a member told of to whom it was not yet, and others reminded again.
func (t *Tracker) carryOn(e *entry, inc *incident, now time.Time) {
	for _, name := range e.policy.Notify {
		s := inc.said[name]
		switch {
		case s != nil && s.in[e.state.ID]:
			s.hurry(e.policy.RemindEvery)
		case e.state.Passes == 0: // else it is about to recover
			t.announce(e, inc, name, now)
		}
	}
}

// waits records that a monitor fails, and that nobody is told of it yet.
func (t *Tracker) waits(e *entry, now time.Time) {
	e.incident, e.state.Incident = nil, ""
	e.state.Fails = min(e.state.Fails, e.policy.Retries+1)
	t.setState(e, check.Pending, now)
	t.touched[e.state.ID] = e
}

// withdraw takes back what is due to be told of a monitor and was not yet, of a
// failure that is over by now as well, but not that a gate is open. One of whom
// nobody was told then leaves its incident.
func (t *Tracker) withdraw(e *entry, now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(t.incidents)) {
		inc := t.incidents[id]
		if inc.fault.Class == check.ExposedTo {
			continue
		}
		if back, told := t.takeBack(inc, e.state.ID, now); back && !told && e.incident == inc {
			t.leave(e, now, true)
		}
	}
}

// takeBack is withdraw for one incident: back says whether there was anything,
// told whether somebody was told of the monitor before.
func (t *Tracker) takeBack(inc *incident, id string, now time.Time) (back, told bool) {
	for name, s := range inc.said {
		told = told || slices.Contains(s.Told, id)
		i := slices.Index(s.Announce, id)
		if i < 0 {
			continue
		}
		back = true
		s.Announce = slices.Delete(s.Announce, i, i+1)
		delete(s.in, id)
		if inc.members[id] != nil {
			s.failing--
		}
		s.Failing = slices.DeleteFunc(s.Failing, func(m check.Member) bool { return m.ID == id })
		if !s.Up {
			t.settle(inc, name, s, true, now)
		} else if len(s.in) == 0 { // nothing is left that it would answer
			s.Up, s.Gone = false, false
		}
		t.dirty[inc.id] = inc
	}
	return back, told
}

// reminded returns the members that a reminder is about.
func (t *Tracker) reminded(inc *incident, s *said) []check.Member {
	return inc.people(slices.DeleteFunc(slices.Clone(s.Told), func(id string) bool {
		e := t.entries[id]
		return inc.members[id] == nil || e != nil && !e.reminds()
	}))
}

// reminds says whether people are reminded of a monitor while it fails.
func (e *entry) reminds() bool { return !e.quiet() && !e.released() }
