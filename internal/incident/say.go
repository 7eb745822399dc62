package incident

import (
	"time"

	"github.com/watchword/watchword/internal/check"
)

// queue holds what is due for one notifier: what comes within group_wait goes
// out together.
type queue struct {
	channel Channel
	due     time.Time // zero: nothing is waiting
	items   []*incident
}

func (q *queue) wants(k check.Kind) bool { return q.channel.Wants == nil || q.channel.Wants(k) }

func (t *Tracker) configureQueues(cs []Channel, now time.Time) {
	old := t.queues
	t.queues = make(map[string]*queue, len(cs))
	for _, c := range cs {
		q := old[c.Name]
		if q == nil {
			q = &queue{}
		}
		q.channel = c
		t.queues[c.Name] = q
	}
	for _, inc := range t.incidents { // notifiers that are gone are owed nothing; what a restart found waiting goes on waiting
		if inc.finished() {
			t.dirty[inc.id] = inc
		}
		for name, s := range inc.said {
			if t.queues[name] == nil {
				delete(inc.said, name)
				t.dirty[inc.id] = inc
			} else if inc.pending(s) && !s.queued {
				due := s.Due
				t.enqueue(inc, name, now)
				if q := t.queues[name]; due.Before(q.due) {
					q.due = due
				}
			}
		}
	}
}

func (t *Tracker) enqueue(inc *incident, name string, now time.Time) {
	q, s := t.queues[name], inc.said[name]
	if q == nil || s == nil {
		return
	}
	if due := now.Add(t.opts.GroupWait); q.due.IsZero() || due.Before(q.due) {
		q.due = due
	}
	s.Due = q.due
	if s.queued && !s.Up { // that something is due is on disk already
		t.soon(inc, now)
		return
	}
	t.dirty[inc.id] = inc
	if !s.queued {
		s.queued = true
		q.items = append(q.items, inc)
	}
}

// recordAfter is how long a record may lag behind who belongs to an incident:
// writing it costs as much as it has members, and a restart finds them by their
// states as well.
const recordAfter = time.Second

// soon has an incident recorded together with what else comes shortly.
func (t *Tracker) soon(inc *incident, now time.Time) {
	if len(t.later) == 0 {
		t.laterAt = now.Add(recordAfter)
	}
	t.later[inc.id] = inc
}

// flush sends out what is due.
func (t *Tracker) flush(now time.Time) {
	for name, q := range t.queues {
		if !q.due.IsZero() && !q.due.After(now) {
			t.flushQueue(name, q, now)
		}
	}
	t.warn(now)
}

// spoken sorts events into messages: first the recoveries that were owed from
// before, then what came and went meanwhile, then what is new: what is said last
// is how things stand.
type spoken struct{ ups, gone, ajar, brief, late, exposed, downs, reminders []check.Event }

func (t *Tracker) flushQueue(name string, q *queue, now time.Time) {
	var out spoken
	var rest []*incident
	q.due = time.Time{}
	for _, inc := range q.items {
		s := inc.said[name]
		if s == nil {
			continue
		}
		if until := t.heldUntil(inc, s, now); until.After(now) {
			rest = append(rest, inc)
			if q.due.IsZero() || until.Before(q.due) {
				q.due = until
			}
			continue
		}
		t.speak(inc, s, &out, now)
		s.queued, s.Due, s.hold = false, time.Time{}, time.Time{}
		t.dirty[inc.id] = inc
	}
	q.items = rest
	t.emit(q, now, out)
}

func (t *Tracker) speak(inc *incident, s *said, out *spoken, now time.Time) {
	before := len(s.Told) > 0
	late := !before || len(s.Announce) > 0
	if len(s.Announce) > 0 {
		e := t.event(inc, check.KindDown, inc.people(s.Announce), now)
		e.Joined = before
		out.news(e, s.Up)
		s.Told, s.Announce, s.Last, s.Remind = s.owed(), nil, now, false
		if s.Since.IsZero() || !before {
			s.Since = e.Since
		}
	}
	if ms := t.reminded(inc, s); s.Remind && !s.Up && len(ms) > 0 {
		e := t.event(inc, check.KindReminder, ms, now)
		e.Since, s.Last = s.Since, now
		out.reminders = append(out.reminders, e)
	}
	s.Remind = false
	if s.Up {
		t.speakUp(inc, s, out, late, now)
	}
}

// news sorts in a Down; over says that its Up follows in the same flush.
func (out *spoken) news(e check.Event, over bool) {
	to, brief := &out.downs, &out.brief
	if e.Fault.Class == check.ExposedTo {
		e.Kind = check.KindExposed
		to, brief = &out.exposed, &out.ajar
	}
	if over {
		to = brief
	}
	*to = append(*to, e)
}

// speakUp answers what was told; late says that a Down of this very flush comes
// before it.
func (t *Tracker) speakUp(inc *incident, s *said, out *spoken, late bool, now time.Time) {
	e := t.event(inc, check.KindUp, t.stillPaused(inc.people(s.Told), s.Gone), now)
	e.Since, e.Failing, e.Severity = s.Since, t.stillFailing(s.Failing), check.Info
	e.Ended = inc.ended
	if e.Ended.IsZero() {
		e.Ended = inc.healed
	}
	switch {
	case s.Gone:
		e.Kind = check.KindClosed
		out.gone = append(out.gone, e)
	case late:
		out.late = append(out.late, e)
	default:
		out.ups = append(out.ups, e)
	}
	*s = said{}
}

func (t *Tracker) event(inc *incident, k check.Kind, ms []check.Member, now time.Time) check.Event {
	e := check.Event{
		Incident: inc.id, Kind: k, At: now, Since: begun(ms, now), Cause: inc.cause, Severity: check.Critical,
		Fault: inc.fault, Members: ms,
	}
	if k == check.KindDown || k == check.KindReminder {
		e.Held = t.silenced(ms)
	}
	if t.opts.Link != nil {
		e.Link = t.opts.Link(inc.id)
	}
	return e
}

func (t *Tracker) emit(q *queue, now time.Time, out spoken) {
	for _, es := range [][]check.Event{out.ups, out.gone, out.ajar, out.brief, out.late, out.exposed, out.downs, out.reminders} {
		if len(es) == 0 || !q.wants(es[0].Kind) {
			continue
		}
		if !q.channel.Keyed {
			t.deliver(q, now, es)
			continue
		}
		for i := range es {
			t.deliver(q, now, es[i:i+1])
		}
	}
}

func (t *Tracker) deliver(q *queue, now time.Time, es []check.Event) {
	t.out = append(t.out, check.Delivery{ID: t.opts.DeliveryID(), Notifier: q.channel.Name, Kind: es[0].Kind, At: now, Events: es})
}

// remind makes the reminders due that are.
func (t *Tracker) remind(now time.Time) {
	if !t.reminding {
		return
	}
	for _, inc := range t.incidents {
		for name, s := range inc.said {
			at := reminderAt(inc, s)
			if at.IsZero() || at.After(now) {
				continue
			}
			s.every = t.remindEvery(inc, s.Told) // the most impatient may have recovered
			if at = reminderAt(inc, s); !at.IsZero() && !at.After(now) {
				s.Remind = true
				t.enqueue(inc, name, now)
			}
		}
	}
}

// reminderAt returns a time before which the notifier is not to be reminded of
// the incident; the zero time for never.
func reminderAt(inc *incident, s *said) time.Time {
	if s.every == 0 || len(s.Told) == 0 || s.Up || s.queued || !inc.ended.IsZero() {
		return time.Time{}
	}
	return s.Last.Add(s.every)
}

// remindEvery returns how often the most impatient of those who fail wants to be
// reminded of.
func (t *Tracker) remindEvery(inc *incident, ids []string) time.Duration {
	var every time.Duration
	for _, id := range ids {
		e := t.entries[id]
		if e == nil || inc.members[id] == nil || e.policy.RemindEvery <= 0 || !e.reminds() {
			continue
		}
		if every == 0 || e.policy.RemindEvery < every {
			every = e.policy.RemindEvery
		}
	}
	return every
}

func (t *Tracker) next() time.Time {
	var next time.Time
	sooner := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, q := range t.queues {
		sooner(q.due)
	}
	sooner(t.warnAt)
	sooner(t.nextTies())
	if len(t.later) > 0 {
		sooner(t.laterAt)
	}
	if t.reminding {
		for _, inc := range t.incidents {
			for _, s := range inc.said {
				sooner(reminderAt(inc, s))
			}
		}
	}
	return next
}
