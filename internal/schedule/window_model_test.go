package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWindowModel holds windows around changes of the clocks to a reading of the
// rules that goes through every minute: when does a clock on the wall first show,
// or skip, what the window names?
func TestWindowModel(t *testing.T) {
	changes := map[string][]string{
		"Europe/Berlin":       {"2026-03-29", "2026-10-25"},
		"America/New_York":    {"2026-03-08", "2026-11-01"},
		"Australia/Lord_Howe": {"2026-04-05", "2026-10-04"},
		"America/Santiago":    {"2026-04-05", "2026-09-06"},
		"Asia/Beirut":         {"2026-03-29", "2026-10-25"},
		"Africa/Casablanca":   {"2026-02-15", "2026-03-22"},
		"Asia/Kolkata":        {"2028-02-29"},
	}
	zones := make([]string, 0, len(changes))
	for zone := range changes {
		zones = append(zones, zone)
	}
	slices.Sort(zones)
	rapid.Check(t, func(rt *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(rt, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			rt.Fatal(err)
		}
		change, err := time.Parse(time.DateOnly, rapid.SampledFrom(changes[zone]).Draw(rt, "change"))
		if err != nil {
			rt.Fatal(err)
		}
		n := drawNamed(rt, change)
		w, err := NewWindow(n.o, loc)
		if err != nil {
			n.endless(rt, err, loc, change)
			return
		}
		n.hold(rt, w, loc, change)
	})
}

// named is a window and what it says in plain: the days and the time of day that
// it names.
type named struct {
	o      WindowOptions
	day    func(date time.Time) bool
	minute int // of the day
}

func drawNamed(rt *rapid.T, change time.Time) named {
	n := named{minute: 5 * rapid.IntRange(0, 12*24-1).Draw(rt, "start")}
	if rapid.Bool().Draw(rt, "at night") {
		n.minute %= 4 * 60
	}
	n.o.Start = fmt.Sprintf("%02d:%02d", n.minute/60, n.minute%60)
	n.o.Duration = time.Duration(5*rapid.IntRange(1, 12*30).Draw(rt, "duration")) * time.Minute
	switch rapid.SampledFrom([]string{"cron", "weekdays", "days_of_month", "every_days"}).Draw(rt, "form") {
	case "cron":
		n.o.Start, n.o.Cron = "", fmt.Sprintf("%d %d * * *", n.minute%60, n.minute/60)
		n.day = func(time.Time) bool { return true }
	case "weekdays":
		days := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 6, rapid.ID).Draw(rt, "weekdays")
		for _, d := range days {
			n.o.Weekdays = append(n.o.Weekdays, time.Weekday(d).String())
		}
		n.day = func(date time.Time) bool { return slices.Contains(days, int(date.Weekday())) }
	case "days_of_month":
		n.o.DaysOfMonth = []int{rapid.IntRange(1, 31).Draw(rt, "day"), -rapid.IntRange(1, 31).Draw(rt, "day from the end"), change.Day()}
		n.day = func(date time.Time) bool {
			next := date.AddDate(0, 0, 1-date.Day()).AddDate(0, 1, 0) // the first of the next month
			fromEnd := int(date.Sub(next).Hours() / 24)
			return slices.Contains(n.o.DaysOfMonth, date.Day()) || slices.Contains(n.o.DaysOfMonth, fromEnd)
		}
	default:
		first := change.AddDate(0, 0, -rapid.IntRange(0, 20).Draw(rt, "days before"))
		n.o.EveryDays, n.o.From = rapid.IntRange(1, 9).Draw(rt, "every"), first.Format(time.DateOnly)
		n.day = func(date time.Time) bool {
			since := int(date.Sub(first).Hours() / 24)
			return since >= 0 && since%n.o.EveryDays == 0
		}
	}
	return n
}

const step = 5 * time.Minute

// endless holds what was refused to its reason: once begun, it leaves no gap.
func (n named) endless(rt *rapid.T, err error, loc *time.Location, change time.Time) {
	if !strings.Contains(err.Error(), "without a gap") {
		rt.Fatalf("%+v in %s: %v", n.o, loc, err)
	}
	begin, end := change.AddDate(0, 0, -10), change.AddDate(0, 0, 11)
	covered := n.covered(loc, begin.AddDate(0, 0, -25), end)
	begun := false
	for at := begin; at.Before(end); at = at.Add(step) {
		if begun && !covered[at] {
			rt.Fatalf("%+v in %s was refused (%v), and has a gap at %s", n.o, loc, err, at.In(loc))
		}
		begun = begun || covered[at]
	}
	if !begun {
		rt.Fatalf("%+v in %s was refused (%v), and does not begin", n.o, loc, err)
	}
}

// hold goes through three weeks around a change.
func (n named) hold(rt *rapid.T, w *Window, loc *time.Location, change time.Time) {
	begin, end := change.AddDate(0, 0, -10), change.AddDate(0, 0, 11)
	early, late := begin.AddDate(0, 0, -25), end.AddDate(0, 0, 25)
	covered := n.covered(loc, early, late)
	var edges []time.Time
	for at := begin; at.Before(end); at = at.Add(step) {
		from, to, in := w.Span(at)
		if in != covered[at] {
			rt.Fatalf("%+v in %s at %s: in is %t", n.o, loc, at.In(loc), in)
		}
		begins := from.Before(early) || covered[from] && !covered[from.Add(-step)] // 24h a day go on for months
		ends := !to.Before(late) || covered[to.Add(-step)] && !covered[to]
		if in && (!begins || !ends || at.Before(from) || !at.Before(to)) {
			rt.Fatalf("%+v in %s at %s: the span from %s to %s", n.o, loc, at.In(loc), from.In(loc), to.In(loc))
		}
		if at.After(begin) && covered[at] != covered[at.Add(-step)] {
			edges = append(edges, at)
		}
	}
	var stepped []time.Time
	for at := w.Next(begin); !at.IsZero() && at.Before(end); at = w.Next(at) {
		stepped = append(stepped, at)
	}
	if !slices.EqualFunc(edges, stepped, time.Time.Equal) {
		rt.Fatalf("%+v in %s: Next says %v, Span %v", n.o, loc, stepped, edges)
	}
}

// covered says of every five minutes whether the window holds them.
func (n named) covered(loc *time.Location, begin, end time.Time) map[time.Time]bool {
	all := map[time.Time]bool{}
	var latest time.Time // what the clock showed at most so far
	var until time.Time
	for at := begin; at.Before(end); at = at.Add(step) {
		local := at.In(loc)
		shown := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		if latest.IsZero() {
			latest = shown.Add(-step)
		}
		for latest.Before(shown) { // more than once where some are skipped, not at all where they come again
			latest = latest.Add(step)
			if n.names(latest) {
				until = at.Add(n.o.Duration)
			}
		}
		all[at] = at.Before(until)
	}
	return all
}

func (n named) names(shown time.Time) bool {
	return shown.Hour()*60+shown.Minute() == n.minute && n.day(shown.Truncate(24*time.Hour))
}
