package incident

import (
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// maxSilentJoin bounds how long after its opening an incident is joined
// without a word.
const maxSilentJoin = 10 * time.Minute

// join makes a monitor that went down a member of the incident of its cause.
func (t *Tracker) join(e *entry, now time.Time) {
	if e.quiet() {
		t.waits(e, now)
		return
	}
	cause := e.cause
	if t.heldByLine(e) && t.line.offline(now) {
		cause = check.Cause{Kind: check.CauseAgent, Key: "agent"}
	}
	inc := t.byCause[cause]
	if inc == nil {
		inc = t.open(cause, e, now)
	}
	t.enter(e, inc, now)
}

func (t *Tracker) open(cause check.Cause, e *entry, now time.Time) *incident {
	inc := &incident{
		id: t.opts.NewID(), cause: cause, fault: *e.state.Fault, opened: now, seen: now,
		members: map[string]*member{}, past: map[string]check.Member{}, said: map[string]*said{},
	}
	if cause.Kind == check.CauseAgent && e.cause.Kind != check.CauseAgent {
		inc.fault = t.line.fault(now, t.opts.Location)
	}
	t.incidents[inc.id], t.byCause[cause] = inc, inc
	return inc
}

func (t *Tracker) enter(e *entry, inc *incident, now time.Time) {
	m := e.policy.Monitor
	inc.shared = inc.shared || len(inc.members)+len(inc.past) > 0
	inc.members[m.ID] = &member{Member: check.Member{ID: m.ID, Name: m.Name, Group: m.Group, Since: e.state.Failing}, Cause: e.cause}
	delete(inc.past, m.ID)
	inc.span = max(inc.span, e.policy.Interval+time.Duration(e.policy.Retries)*e.policy.RetryInterval)
	if t.onCause(e, inc, now) {
		inc.seen = now
	}
	e.incident, e.state.Incident = inc, inc.id
	for _, name := range e.policy.Notify {
		t.announce(e, inc, name, now)
	}
	t.soon(inc, now)
	t.touched[m.ID] = e
}

// announce decides whether a notifier hears of a member by itself.
func (t *Tracker) announce(e *entry, inc *incident, name string, now time.Time) {
	if t.queues[name] == nil || e.quiet() {
		return
	}
	s := inc.said[name]
	if s == nil {
		s = &said{}
		inc.said[name] = s
	}
	if s.Up { // somebody fails again, or still, before the Up went out: the Down that was told holds
		s.Up, s.Gone, s.Failing = false, false, nil
	}
	id := e.state.ID
	if !s.add(id, e.policy.RemindEvery) {
		return
	}
	if len(s.Told) > 0 && len(s.Announce) == 0 && t.silently(e, inc) {
		s.Told = append(s.Told, id)
		return
	}
	s.Announce = append(s.Announce, id)
	t.enqueue(inc, name, now)
	if e.cohort != nil {
		s.hold = e.cohort.until
		e.cohort.held = append(e.cohort.held, held{inc, name})
	}
}

func (t *Tracker) silently(e *entry, inc *incident) bool {
	if e.released() && inc.opened.Before(e.state.Cover.To) { // nobody knew of it
		return false
	}
	window := min(inc.span+t.opts.GroupWait, maxSilentJoin)
	return !e.state.Failing.After(inc.opened.Add(window))
}

// stay records another failure of a member.
func (t *Tracker) stay(e *entry, now time.Time) {
	inc := e.incident
	m := inc.members[e.state.ID]
	m.Cause = e.cause
	if t.onCause(e, inc, now) {
		m.Off, inc.seen = 0, now
		if inc.tells(e) {
			inc.fault = *e.state.Fault
			t.soon(inc, now)
		}
		return
	}
	m.Off++
	t.endCause(inc, now)
}

// tells says whether the last failure of a monitor is news of the incident. The
// words for a shared cause differ from member to member and are not.
func (i *incident) tells(e *entry) bool {
	f := e.state.Fault
	switch {
	case i.cause != e.cause:
		return false
	case i.fault.Class == check.ExposedTo && f.Class != check.ExposedTo: // it was open, and nobody saw it shut since
		return false
	case i.fault.Class != f.Class || i.fault.Reason != f.Reason:
		return true
	default:
		return !i.cause.Shared() && i.fault != *f
	}
}

// onCause says whether the last failure of a monitor is one of the incident's
// cause. To an incident of one monitor every failure of that monitor belongs.
func (t *Tracker) onCause(e *entry, inc *incident, now time.Time) bool {
	switch inc.cause.Kind {
	case check.CauseMonitor:
		return true
	case check.CauseAgent:
		return e.cause == inc.cause || t.heldByLine(e) && t.line.offline(now)
	default:
		return e.cause == inc.cause
	}
}

// leave takes a monitor that recovered, or is no longer watched, out of its
// incident.
func (t *Tracker) leave(e *entry, now time.Time, gone bool) {
	inc, id := e.incident, e.state.ID
	m := inc.members[id]
	e.incident, e.state.Incident = nil, ""
	if m == nil {
		return
	}
	delete(inc.members, id)
	inc.past[id] = m.Member
	if !gone {
		inc.healed = now
	}
	for name, s := range inc.said {
		if s.in[id] {
			s.failing--
		}
		t.settle(inc, name, s, gone, now)
	}
	t.soon(inc, now)
	if len(inc.members) == 0 {
		t.end(inc, now)
		return
	}
	t.endCause(inc, now)
}

// settle makes an Up due once nobody of whom the notifier was told still fails.
func (t *Tracker) settle(inc *incident, name string, s *said, gone bool, now time.Time) {
	if len(s.in) == 0 || s.failing > 0 {
		return
	}
	if gone && inc.healed.IsZero() { // of whom nobody was told, nothing is owed
		s.Announce = nil
		s.index(inc.members)
		if len(s.Told) == 0 {
			return
		}
	}
	s.Up, s.Gone = true, gone && inc.healed.IsZero()
	t.enqueue(inc, name, now)
}

func (t *Tracker) end(inc *incident, now time.Time) {
	inc.ended = now
	if t.byCause[inc.cause] == inc {
		delete(t.byCause, inc.cause)
	}
	t.dirty[inc.id] = inc
}

// endCause ends a shared incident whose cause is over while some of its members
// still fail for other reasons: its Up says so and counts as theirs, and they
// get one new Down together after their retries. That a cause is over takes
// evidence: a member recovered after the cause was last seen, or several
// members have been failing for something else throughout their retries.
func (t *Tracker) endCause(inc *incident, now time.Time) {
	if !inc.cause.Shared() || !inc.ended.IsZero() || !inc.shared {
		return
	}
	settled := true
	for id, m := range inc.members {
		e := t.entries[id]
		if e == nil || m.Off == 0 { // its last failure was one of the cause
			return
		}
		settled = settled && m.Off > e.policy.Retries
	}
	if !settled && !inc.healed.After(inc.seen) {
		return
	}
	t.scatter(inc, now)
}

// cohort is a set of monitors that are to be announced together.
type cohort struct {
	waiting map[string]bool // who has neither gone down nor recovered yet
	until   time.Time
	held    []held
}

type held struct {
	inc  *incident
	name string
}

func (t *Tracker) scatter(inc *incident, now time.Time) {
	c := &cohort{waiting: map[string]bool{}, until: now.Add(min(inc.span+t.opts.GroupWait, maxSilentJoin))}
	var rest []*entry
	for id, m := range inc.members {
		inc.past[id] = m.Member
		rest = append(rest, t.entries[id])
		c.waiting[id] = true
	}
	slices.SortFunc(rest, func(a, b *entry) int { return strings.Compare(a.state.ID, b.state.ID) })
	for name, s := range inc.said {
		owed := s.owed()
		if len(owed) == 0 {
			continue
		}
		for _, e := range rest {
			if slices.Contains(owed, e.state.ID) {
				s.Failing = append(s.Failing, inc.past[e.state.ID])
			}
		}
		s.Up, s.failing = true, 0
		t.enqueue(inc, name, now)
	}
	clear(inc.members)
	t.end(inc, now)
	for _, e := range rest {
		e.incident, e.state.Incident, e.cohort = nil, "", c
		e.state.Fails, e.state.Failing = 1, now
		t.touched[e.state.ID] = e
	}
	for _, e := range rest {
		if e.policy.Retries > 0 && !e.quiet() {
			t.setState(e, check.Pending, now)
			continue
		}
		t.decide(e, now, now)
	}
}

// dissolve takes a monitor out of the cohort that it was to be announced with;
// the last one lets the others go.
func (t *Tracker) dissolve(e *entry, now time.Time) {
	c := e.cohort
	if c == nil {
		return
	}
	e.cohort = nil
	delete(c.waiting, e.state.ID)
	if len(c.waiting) > 0 {
		return
	}
	for _, h := range c.held {
		if s := h.inc.said[h.name]; s != nil && s.queued {
			s.hold = time.Time{}
			if q := t.queues[h.name]; q != nil && q.due.After(now.Add(t.opts.GroupWait)) {
				q.due = now.Add(t.opts.GroupWait)
			}
		}
	}
}
