package incident

import (
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Observe takes one result in and returns the state of its monitor after it
// and what is to be committed. A result of a monitor that is not, or no longer,
// configured, or that is paused, changes nothing and returns the zero state.
func (t *Tracker) Observe(r check.Result) (check.MonitorState, check.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[r.Monitor.ID]
	if e == nil || e.policy.Monitor != r.Monitor || e.state.State == check.Paused {
		return check.MonitorState{}, check.Change{}
	}
	now := r.Start.Add(r.Took)
	t.line.observe(r, now)
	if r.Fault == nil {
		t.pass(e, now)
	} else {
		t.fail(e, r, now)
	}
	t.known(e, r.Start, now)
	t.ranAt(e, r.Start, now)
	t.tire(now)
	t.watchLine(now)
	t.watchChain(e, r.Certs, now)
	t.flush(now)
	return e.shown(), t.take(now)
}

func (t *Tracker) pass(e *entry, now time.Time) {
	s := &e.state
	switch {
	case s.State == check.Up:
		return
	case isDown(s.State) && s.Passes+1 < e.policy.Recoveries:
		s.Passes++
	default:
		if e.incident != nil {
			t.leave(e, now, false)
		}
		from := s.State
		*s = check.MonitorState{ID: s.ID, Type: s.Type, State: check.Up, Since: now, Warned: s.Warned, Cover: s.Cover}
		e.cause = check.Cause{}
		t.unhold(e)
		t.changed(e, from)
		t.dissolve(e, now)
	}
	t.touched[s.ID] = e
}

func (t *Tracker) fail(e *entry, r check.Result, now time.Time) {
	s := &e.state
	news := e.note(r.Fault)
	e.remote = r.Remote
	if r.Fault.Class == check.ExposedTo && (s.State != check.Exposed || e.incident == nil) {
		t.touched[s.ID] = e
		t.expose(e, r.Start, now)
		return
	}
	if isDown(s.State) && (e.incident != nil || e.held() != nil) {
		if news {
			t.touched[s.ID] = e
		}
		t.goOn(e, r.Start, now)
		return
	}
	if s.Failing.IsZero() {
		s.Failing = r.Start
		e.doubt(now)
	}
	s.Fails++
	t.touched[s.ID] = e
	t.failed(e, r.Start, now)
}

// failed says what becomes of a monitor that failed once more and is not down.
func (t *Tracker) failed(e *entry, start, now time.Time) {
	s := &e.state
	if e.quiet() || e.stale(start) {
		t.waits(e, now)
		return
	}
	if s.Fails <= e.policy.Retries && !isDown(s.State) {
		t.setState(e, check.Pending, now)
		t.question(e, now)
		return
	}
	t.setState(e, check.Down, now)
	t.decide(e, start, now)
}

// goOn records another failure of a monitor that is down.
func (t *Tracker) goOn(e *entry, start, now time.Time) {
	if e.incident != nil {
		t.stay(e, now)
		return
	}
	t.decide(e, start, now)
}

// note keeps what a monitor failed for, and says whether that is news.
func (e *entry) note(f *check.Fault) (news bool) {
	s := &e.state
	news = s.Fault == nil || s.Fault.Class != f.Class || s.Fault.Reason != f.Reason || s.Passes > 0
	s.Fault, s.Passes, e.cause = f.Text(), 0, f.Cause
	if e.cause == (check.Cause{}) {
		e.cause = check.Cause{Kind: check.CauseMonitor, Key: s.ID}
	}
	return news
}

// isDown says whether a monitor failed for good and was announced.
func isDown(s check.State) bool { return s == check.Down || s == check.Exposed }

func (t *Tracker) setState(e *entry, to check.State, now time.Time) {
	if from := e.state.State; from != to {
		e.state.State, e.state.Since = to, now
		t.changed(e, from)
	}
}

func (t *Tracker) changed(e *entry, from check.State) {
	if t.opts.Transition != nil {
		t.opts.Transition(e.state.ID, from, e.state.State)
	}
	t.stilled(e, from)
}

// Advance tells the tracker that it is now. It returns what became due and when
// it wants to be called again; the zero time means not before the next Observe.
func (t *Tracker) Advance(now time.Time) (check.Change, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remind(now)
	t.tire(now)
	t.watchLine(now)
	t.flush(now)
	return t.take(now), t.next()
}

// Next returns when Advance wants to be called; the zero time: not before the
// next Observe or Configure.
func (t *Tracker) Next() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next()
}
