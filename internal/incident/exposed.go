package incident

import (
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// expose records that the gate which a monitor guards is open. That bears no
// retries and waits for nobody: it opens an incident of its own, whatever the
// monitor failed for before, and is told at once. The monitor stays exposed
// until a run sees the gate shut; what fails meanwhile does not say that.
func (t *Tracker) expose(e *entry, since, now time.Time) {
	t.unhold(e)
	former := e.incident
	if former != nil {
		t.depart(e, now)
	}
	e.cause = check.Cause{Kind: check.CauseMonitor, Key: e.state.ID}
	e.state.Fails, e.state.Failing = 1, since
	t.setState(e, check.Exposed, now)
	inc := t.open(e.cause, e, now)
	t.enter(e, inc, now)
	t.dissolve(e, now)
	if former != nil && !former.ended.IsZero() {
		t.atOnce(now, former, inc) // the one says that the monitor still fails, the other for what
		return
	}
	t.atOnce(now, inc)
}

// depart takes a monitor out of its incident although it goes on failing, for
// another reason: the Up that is owed says so.
func (t *Tracker) depart(e *entry, now time.Time) {
	inc, id := e.incident, e.state.ID
	if m := inc.members[id]; m != nil {
		for _, s := range inc.said {
			if s.in[id] {
				s.Failing = append(s.Failing, m.Member)
			}
		}
	}
	t.leave(e, now, false)
}

// atOnce sends what is due of incidents without waiting for what else comes
// within group_wait.
func (t *Tracker) atOnce(now time.Time, incs ...*incident) {
	for _, q := range t.queues {
		var out spoken
		for _, inc := range incs {
			s := inc.said[q.channel.Name]
			if s == nil || !s.queued {
				continue
			}
			t.speak(inc, s, &out, now)
			s.queued, s.Due, s.hold = false, time.Time{}, time.Time{}
			t.dirty[inc.id] = inc
			q.items = slices.DeleteFunc(q.items, func(i *incident) bool { return i == inc })
		}
		if len(q.items) == 0 {
			q.due = time.Time{}
		}
		t.emit(q, now, out)
	}
}

// stillFailing leaves those out who recovered since they were noted.
func (t *Tracker) stillFailing(ms []check.Member) []check.Member {
	return slices.DeleteFunc(slices.Clone(ms), func(m check.Member) bool {
		e := t.entries[m.ID]
		return e == nil || e.state.State == check.Up
	})
}
