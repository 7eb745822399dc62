package outbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// verdict is what an error of an attempt means.
type verdict struct {
	permanent    bool
	retryAfter   time.Duration
	possiblySent bool
	text         string
}

// judge reads an error. A service that answered did not take the message; one
// that was never reached did not see it; in between nobody knows.
func judge(err error) verdict {
	var e *check.DeliveryError
	if !errors.As(err, &e) {
		// A text of unknown origin may hold the URL, which is a secret.
		return verdict{possiblySent: true, text: fmt.Sprintf("unexpected error of type %T", err)}
	}
	return verdict{
		permanent:    e.Permanent,
		retryAfter:   e.RetryAfter,
		possiblySent: e.Status == 0 && !neverReached(e.Err),
		text:         e.Error(),
	}
}

func neverReached(err error) bool {
	var (
		dns *net.DNSError
		op  *net.OpError
	)
	if errors.As(err, &dns) || errors.Is(err, syscall.ECONNREFUSED) {
		return true
	}
	return errors.As(err, &op) && op.Op == "dial"
}

// tidy ends what need not be sent any more. q.mu is held.
func (q *queue) tidy(now time.Time) {
	q.trimReminders()
	q.mergeRecovered(func(it *item) bool { return now.Sub(it.d.At) > mergeAfter })
	if q.failures > 0 {
		q.dropOld(now)
	}
}

// waiting returns the messages that are not in flight.
func (q *queue) waiting() []*item {
	if q.flying != nil {
		return q.items[1:]
	}
	return q.items
}

// remove ends the messages that gone says.
func (q *queue) remove(outcome string, gone func(*item) bool) {
	n := len(q.items) - len(q.waiting())
	kept := slices.Clone(q.items[:n])
	for _, it := range q.items[n:] {
		if gone(it) {
			q.box.clerk.note(it.d, outcome)
			continue
		}
		kept = append(kept, it)
	}
	q.items = kept
}

// trim takes from a message the events that told says, and reports whether
// none is left.
func (it *item) trim(told func(check.Event) bool) bool {
	if !slices.ContainsFunc(it.d.Events, told) {
		return false
	}
	// The delivery's own slice belongs to others.
	it.d.Events = slices.DeleteFunc(slices.Clone(it.d.Events), told)
	return len(it.d.Events) == 0
}

// trimReminders supersedes what reminds of an incident that a later message is
// about.
func (q *queue) trimReminders() {
	if !slices.ContainsFunc(q.items, func(it *item) bool { return it.d.Kind == check.KindReminder }) {
		return
	}
	newer := map[string]bool{} // incidents of later messages
	over := map[*item]bool{}
	for _, it := range slices.Backward(q.waiting()) {
		incidents := it.d.Events
		if it.d.Kind == check.KindReminder && it.trim(func(e check.Event) bool { return newer[e.Incident] }) {
			over[it] = true
		}
		for _, e := range incidents {
			newer[e.Incident] = true
		}
	}
	if len(over) > 0 {
		q.remove(Superseded, func(it *item) bool { return over[it] })
	}
}

// mergeRecovered supersedes each Down whose Up waits as well, as far as old
// says so of both and the Down cannot have arrived: the Up tells it all.
func (q *queue) mergeRecovered(old func(*item) bool) {
	waiting := q.waiting()
	if len(waiting) < 2 || !slices.ContainsFunc(waiting, func(it *item) bool { return it.d.Kind == check.KindUp && old(it) }) {
		return
	}
	up := map[string]map[string]bool{} // by incident, the monitors that a later Up is about
	over := map[*item]bool{}
	for _, it := range slices.Backward(waiting) {
		if !old(it) {
			continue
		}
		if it.d.Kind == check.KindDown && !it.sent && it.trim(func(e check.Event) bool { return covered(e, up[e.Incident]) }) {
			over[it] = true
		}
		if it.d.Kind == check.KindUp {
			gather(up, it.d.Events)
		}
	}
	if len(over) > 0 {
		q.remove(Superseded, func(it *item) bool { return over[it] })
	}
}

func gather(up map[string]map[string]bool, events []check.Event) {
	for _, e := range events {
		if up[e.Incident] == nil {
			up[e.Incident] = map[string]bool{}
		}
		for _, m := range slices.Concat(e.Members, e.Failing) {
			up[e.Incident][m.ID] = true
		}
	}
}

func covered(e check.Event, up map[string]bool) bool {
	return up != nil && !slices.ContainsFunc(e.Members, func(m check.Member) bool { return !up[m.ID] })
}

// dropOld gives up what a failing notifier did not take for a day.
func (q *queue) dropOld(now time.Time) {
	old := func(it *item) bool { return now.Sub(it.d.At) > maxAge }
	if !slices.ContainsFunc(q.waiting(), old) {
		return
	}
	q.remove(Dropped, func(it *item) bool {
		if old(it) {
			q.logDropped(it, "it could not be delivered for 24 hours")
			return true
		}
		return false
	})
}

// makeRoom brings the queue back to its limit: reminders go first, the oldest
// before the others, then what recovered meanwhile, then the oldest of what is
// not about something broken, then the oldest. All of it is looked through, so
// put has it done for many at once.
func (q *queue) makeRoom() {
	excess := len(q.items) - q.box.o.Limit
	take := func(kind func(*item) bool) func(*item) bool {
		return func(it *item) bool {
			if excess <= 0 || !kind(it) {
				return false
			}
			excess--
			return true
		}
	}
	drop := func(kind func(*item) bool) {
		if excess > 0 {
			q.remove(Dropped, take(func(it *item) bool {
				if kind(it) {
					q.logDropped(it, "too many messages wait for this notifier")
					return true
				}
				return false
			}))
		}
	}
	q.remove(Superseded, take(func(it *item) bool { return it.d.Kind == check.KindReminder }))
	if excess > 0 {
		q.mergeRecovered(func(*item) bool { return true })
		excess = len(q.items) - q.box.o.Limit
	}
	drop(func(it *item) bool { return it.d.Kind != check.KindDown && it.d.Kind != check.KindExposed })
	drop(func(*item) bool { return true })
}

func (q *queue) logDropped(it *item, why string) {
	incidents := make([]string, 0, len(it.d.Events))
	for _, e := range it.d.Events {
		incidents = append(incidents, e.Incident)
	}
	q.box.o.Log.Error("notification dropped", slog.String("notifier", q.name), slog.Int64("delivery", it.d.ID), slog.String("kind", string(it.d.Kind)),
		slog.Any("incidents", incidents), slog.String("reason", why))
}
