package schedule

import (
	"time"
)

const (
	// A chain of occurrences that follow one another without a gap is followed so
	// far, from the time asked about into both directions. A window whose chain is
	// longer is refused, unless `to` ends it.
	chainLinks = 10_000
	chainReach = 400 * 24 * time.Hour
)

// WindowOptions say when a maintenance window is: once, from From to To, or again
// and again, by one of Cron, Weekdays, DaysOfMonth and EveryDays.
type WindowOptions struct {
	// When the window begins, as 2026-12-01T20:00:00+01:00; without an offset it is
	// the time that clocks show in timezone. A date alone is its beginning. With
	// cron, weekdays, days_of_month or every_days: nothing before it counts.
	From string `koanf:"from"`
	// When the window ends, written like from; a date alone is its end. With cron,
	// weekdays, days_of_month or every_days: nothing after it counts. Default: those
	// never end.
	To string `koanf:"to"`
	// When each occurrence begins: minute, hour, day of month, month, day of week,
	// such as "0 2 * * SUN"; or @hourly, @daily, @weekly, @monthly, @yearly.
	Cron string `koanf:"cron"`
	// The days of the week on which it begins, at start: MON, TUE, WED, THU, FRI,
	// SAT, SUN.
	Weekdays []string `koanf:"weekdays"`
	// The days of the month on which it begins, at start: 1 to 31, or -1 for the last
	// day, -2 for the one before, down to -31. A month without such a day is left out.
	DaysOfMonth []int `koanf:"days_of_month"`
	// It begins on the date of from and every so many days after it, at start: 1 is
	// every day, 14 every other week.
	EveryDays int `koanf:"every_days"`
	// The time of day at which it begins, as 02:00; with weekdays, days_of_month and
	// every_days.
	Start string `koanf:"start"`
	// How long each occurrence lasts, such as 2h, in time that passes: also where
	// clocks change. Occurrences that touch or overlap are one.
	Duration time.Duration `koanf:"duration"`
	// The time zone of all this: a name of the IANA database, such as Europe/Berlin.
	// Default: that of the top level.
	Timezone string `koanf:"timezone"`
}

// Window is a maintenance window as a function of the wall clock: it has no clock
// of its own, and whoever asks may do so with any time, in any order. It is safe
// for use by several goroutines.
type Window struct {
	begins   Cron // of the occurrences; nil: one, from from to to
	duration time.Duration
	from, to time.Time // nothing outside of them counts; zero: not bounded
}

// NewWindow returns the window that o describes; times without a zone of their
// own are in zone, nil for UTC. The error is the first of CheckWindow.
func NewWindow(o WindowOptions, zone *time.Location) (*Window, error) {
	r := reader{o: o}
	w := r.read(zone)
	if len(r.problems) > 0 {
		return nil, &WindowError{r.problems[0].Path, r.problems[0].Message}
	}
	return w, nil
}

// WindowError says what is wrong with the options of a window.
type WindowError struct {
	Key     string // such as "days_of_month"
	Message string
}

func (e *WindowError) Error() string { return "maintenance window: " + e.Key + ": " + e.Message }

// Span returns the occurrence that holds now: in says whether there is one, from
// when it began, and to when it ends, the first instant that is no longer of it.
// Occurrences that touch or overlap are one. Both times are in UTC. Of more than
// 10,000 occurrences, or 400 days before or after now, without a gap it returns a
// part: Next then names a time at which nothing changes.
func (w *Window) Span(now time.Time) (from, to time.Time, in bool) {
	now = now.UTC().Round(0)
	if now.Before(w.from) || w.over(now) {
		return time.Time{}, time.Time{}, false
	}
	if w.begins == nil {
		return w.from, w.to, true
	}
	begin := w.begins.Next(now.Add(-w.duration))
	if begin.IsZero() || begin.After(now) {
		return time.Time{}, time.Time{}, false
	}
	from, to = w.first(begin, now), w.last(begin, now).Add(w.duration)
	if from.Before(w.from) {
		from = w.from
	}
	if w.over(to) {
		to = w.to
	}
	return from, to, true
}

// Next returns the first time after now at which the window begins or ends, in
// UTC, and the zero time if there is none, or none within five years. A clock
// that is set makes it stale: ask again, with what the clock says then.
func (w *Window) Next(now time.Time) time.Time {
	now = now.UTC().Round(0)
	if _, to, in := w.Span(now); in {
		return to
	}
	if now.Before(w.from) {
		if _, _, in := w.Span(w.from); in || w.begins == nil {
			return w.from
		}
		now = w.from
	}
	if w.begins == nil || w.over(now) {
		return time.Time{}
	}
	begin := w.begins.Next(now)
	if begin.IsZero() || w.over(begin) {
		return time.Time{}
	}
	return begin.UTC()
}

// over says whether t lies at the end of the window or after it.
func (w *Window) over(t time.Time) bool { return !w.to.IsZero() && !t.Before(w.to) }

// first returns where the chain of occurrences that begin belongs to begins.
func (w *Window) first(begin, now time.Time) time.Time {
	for range chainLinks {
		if !begin.After(w.from) || now.Sub(begin) > chainReach {
			break
		}
		before := w.begins.Next(begin.Add(-w.duration - 1))
		if !before.Before(begin) {
			break
		}
		begin = before
	}
	return begin.UTC()
}

// last returns where the last occurrence of that chain begins.
func (w *Window) last(begin, now time.Time) time.Time {
	for range chainLinks {
		end := begin.Add(w.duration)
		if w.over(end) || end.Sub(now) > chainReach {
			break
		}
		next := w.begins.Next(begin)
		if next.IsZero() || next.After(end) {
			break
		}
		begin = next
	}
	return begin.UTC()
}

// endless says whether the chain that begins at begin is longer than what is
// followed, and nothing bounds it.
func (w *Window) endless(begin time.Time) bool {
	if begin.IsZero() || !w.to.IsZero() {
		return false
	}
	last := w.last(begin, begin)
	next := w.begins.Next(last)
	return !next.IsZero() && !next.After(last.Add(w.duration))
}
