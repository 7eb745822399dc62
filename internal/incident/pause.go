package incident

import (
	"time"

	"github.com/watchword/watchword/internal/check"
)

// A paused monitor is not run, and nobody knows how it stands. A Down that was
// delivered is answered all the same, by a note that says so: nobody is to wait
// for an Up, and nobody to take the note for one.

// pause takes a monitor out of all that goes on.
func (t *Tracker) pause(e *entry, now time.Time) {
	t.dissolve(e, now)
	t.withdraw(e, now)
	if inc := e.incident; inc != nil {
		if m := inc.members[e.state.ID]; m != nil {
			m.Paused = true
		}
		t.leave(e, now, true)
	}
	t.restart(e, check.Paused, now)
}

// resume has a monitor begin anew, as one that is watched for the first time.
func (t *Tracker) resume(e *entry, now time.Time) {
	e.freed = now
	t.restart(e, check.Pending, now)
}

func (t *Tracker) restart(e *entry, as check.State, now time.Time) {
	s := &e.state
	from := s.State
	*s = check.MonitorState{ID: s.ID, Type: s.Type, State: as, Since: now, Warned: s.Warned}
	e.cause, e.remote, e.chain = check.Cause{}, "", nil
	t.changed(e, from)
	t.touched[s.ID] = e
}

// stillPaused drops the mark of those who were resumed meanwhile, unless that
// they were paused is what is told.
func (t *Tracker) stillPaused(ms []check.Member, note bool) []check.Member {
	for i := range ms {
		if e := t.entries[ms[i].ID]; ms[i].Paused && !note && e != nil && e.state.State != check.Paused {
			ms[i].Paused = false
		}
	}
	return ms
}
