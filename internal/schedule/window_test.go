package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func mustWindow(t testing.TB, o WindowOptions, zone string) *Window {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWindow(o, loc)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

const hour = time.Hour

// TestWindows goes through windows by Next and holds what it says to Span.
func TestWindows(t *testing.T) {
	for _, c := range []struct {
		name, zone, from string
		o                WindowOptions
		want             []string // begin and end, as local time; "never" is an end of all
	}{
		{"once, with offsets", "UTC", "2026-11-01T00:00:00Z", WindowOptions{From: "2026-12-01T20:00:00+01:00", To: "2026-12-01T23:00:00+01:00"},
			[]string{"2026-12-01T20:00:00+01:00", "2026-12-01T23:00:00+01:00", "never"}},
		{"once, by the clocks of a zone of its own", "UTC", "2026-06-01T00:00:00Z", WindowOptions{From: "2026-06-02 20:00", To: "2026-06-03 01:00:30", Timezone: "Europe/Berlin"},
			[]string{"2026-06-02T20:00:00+02:00", "2026-06-03T01:00:30+02:00", "never"}},
		{"once, dates alone: both days are of it", "Europe/Berlin", "2026-06-01T00:00:00Z", WindowOptions{From: "2026-06-02", To: "2026-06-03"},
			[]string{"2026-06-02T00:00:00+02:00", "2026-06-04T00:00:00+02:00", "never"}},
		{"once, asked when it is over", "UTC", "2026-06-05T00:00:00Z", WindowOptions{From: "2026-06-02", To: "2026-06-03"}, []string{"never"}},
		{"once, from a time that the clocks skip", "Europe/Berlin", "2026-03-01T00:00:00Z", WindowOptions{From: "2026-03-29T02:30", To: "2026-03-29T04:00"},
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00", "never"}},
		{"once, times that come twice are the first", "Europe/Berlin", "2026-10-01T00:00:00Z", WindowOptions{From: "2026-10-25T02:10", To: "2026-10-25T02:50"},
			[]string{"2026-10-25T02:10:00+02:00", "2026-10-25T02:50:00+02:00", "never"}},

		{"cron", "Europe/Berlin", "2026-06-01T00:00:00Z", WindowOptions{Cron: "0 2 * * SUN", Duration: 2 * hour},
			[]string{"2026-06-07T02:00:00+02:00", "2026-06-07T04:00:00+02:00", "2026-06-14T02:00:00+02:00", "2026-06-14T04:00:00+02:00"}},
		{"cron with a zone of its own", "UTC", "2026-06-01T00:00:00Z", WindowOptions{Cron: "CRON_TZ=Asia/Tokyo @daily", Duration: hour},
			[]string{"2026-06-02T00:00:00+09:00", "2026-06-02T01:00:00+09:00"}},
		{"weekdays, over midnight", "Europe/Berlin", "2026-06-01T00:00:00Z", WindowOptions{Weekdays: []string{"fri", "Monday"}, Start: "23:30", Duration: 90 * time.Minute},
			[]string{"2026-06-01T23:30:00+02:00", "2026-06-02T01:00:00+02:00", "2026-06-05T23:30:00+02:00", "2026-06-06T01:00:00+02:00", "2026-06-08T23:30:00+02:00"}},
		{"first and last day of the month", "UTC", "2026-01-30T00:00:00Z", WindowOptions{DaysOfMonth: []int{1, -1}, Start: "02:00", Duration: hour},
			[]string{"2026-01-31T02:00:00Z", "2026-01-31T03:00:00Z", "2026-02-01T02:00:00Z", "2026-02-01T03:00:00Z", "2026-02-28T02:00:00Z"}},
		{"the day before the last, and three before", "UTC", "2028-02-01T00:00:00Z", WindowOptions{DaysOfMonth: []int{-2, -4}, Start: "0:05", Duration: hour},
			[]string{"2028-02-26T00:05:00Z", "2028-02-26T01:05:00Z", "2028-02-28T00:05:00Z", "2028-02-28T01:05:00Z", "2028-03-28T00:05:00Z"}},
		{"a 31st that some months do not have", "UTC", "2026-01-31T03:00:00Z", WindowOptions{DaysOfMonth: []int{31}, Start: "02:00", Duration: hour},
			[]string{"2026-03-31T02:00:00Z", "2026-03-31T03:00:00Z", "2026-05-31T02:00:00Z"}},
		{"the 31st day from the end is a 1st", "UTC", "2026-02-01T00:00:00Z", WindowOptions{DaysOfMonth: []int{-31}, Start: "02:00", Duration: hour},
			[]string{"2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z", "2026-05-01T02:00:00Z"}},
		{"a leap day by cron", "Europe/Berlin", "2026-06-01T00:00:00Z", WindowOptions{Cron: "0 0 29 2 *", Duration: 24 * hour},
			[]string{"2028-02-29T00:00:00+01:00", "2028-03-01T00:00:00+01:00", "2032-02-29T00:00:00+01:00"}},
		{"a leap day by the day of the month", "UTC", "2028-02-01T00:00:00Z", WindowOptions{DaysOfMonth: []int{29}, Start: "12:00", Duration: hour},
			[]string{"2028-02-29T12:00:00Z", "2028-02-29T13:00:00Z", "2028-03-29T12:00:00Z"}},
		{"every three days, over a leap day", "UTC", "2028-02-01T00:00:00Z", WindowOptions{EveryDays: 3, From: "2028-02-26", Start: "02:00", Duration: hour},
			[]string{"2028-02-26T02:00:00Z", "2028-02-26T03:00:00Z", "2028-02-29T02:00:00Z", "2028-02-29T03:00:00Z", "2028-03-03T02:00:00Z"}},
		{"every other day, the day is that of the zone", "UTC", "2026-05-01T00:00:00Z", WindowOptions{EveryDays: 2, From: "2026-06-01T20:00:00Z", Start: "08:00", Duration: hour, Timezone: "Asia/Tokyo"},
			[]string{"2026-06-02T08:00:00+09:00", "2026-06-02T09:00:00+09:00", "2026-06-04T08:00:00+09:00"}},

		{"what overlaps is one", "UTC", "2026-06-01T00:00:00Z", WindowOptions{Weekdays: []string{"MON", "TUE", "WED"}, Start: "12:00", Duration: 30 * hour},
			[]string{"2026-06-01T12:00:00Z", "2026-06-04T18:00:00Z", "2026-06-08T12:00:00Z"}},
		{"what touches is one", "UTC", "2026-06-01T00:00:00Z", WindowOptions{Cron: "*/15 8-9 * * *", Duration: 15 * time.Minute},
			[]string{"2026-06-01T08:00:00Z", "2026-06-01T10:00:00Z", "2026-06-02T08:00:00Z"}},
		{"asked in the middle of one that overlaps", "UTC", "2026-06-03T15:00:00Z", WindowOptions{Weekdays: []string{"MON", "TUE", "WED"}, Start: "12:00", Duration: 30 * hour},
			[]string{"2026-06-04T18:00:00Z", "2026-06-08T12:00:00Z"}},
		{"nothing counts outside from and to", "UTC", "2026-06-01T00:00:00Z", WindowOptions{Cron: "0 12 * * *", Duration: 2 * hour, From: "2026-06-03T13:00:00Z", To: "2026-06-05T13:30:00Z"},
			[]string{"2026-06-03T13:00:00Z", "2026-06-03T14:00:00Z", "2026-06-04T12:00:00Z", "2026-06-04T14:00:00Z", "2026-06-05T12:00:00Z", "2026-06-05T13:30:00Z", "never"}},
		{"from is at the end of one", "UTC", "2026-06-01T00:00:00Z", WindowOptions{Cron: "0 12 * * *", Duration: 2 * hour, From: "2026-06-03T14:00:00Z", To: "2026-06-04T12:00:00Z"}, []string{"never"}},
		{"always, for a while", "UTC", "2026-06-01T00:00:00Z", WindowOptions{Cron: "* * * * *", Duration: 2 * time.Minute, From: "2026-06-02", To: "2026-06-02"},
			[]string{"2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z", "never"}},

		{"Berlin, spring: a begin that is skipped comes at the next minute, and lasts as long", "Europe/Berlin", "2026-03-28T12:00:00Z", WindowOptions{Cron: "30 2 * * *", Duration: 2 * hour},
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T05:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"Berlin, spring: two hours are two hours", "Europe/Berlin", "2026-03-28T12:00:00Z", WindowOptions{Weekdays: []string{"SUN"}, Start: "01:00", Duration: 2 * hour},
			[]string{"2026-03-29T01:00:00+01:00", "2026-03-29T04:00:00+02:00"}},
		{"Berlin, autumn: here too", "Europe/Berlin", "2026-10-24T12:00:00Z", WindowOptions{Weekdays: []string{"SUN"}, Start: "01:00", Duration: 2 * hour},
			[]string{"2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-11-01T01:00:00+01:00"}},
		{"Berlin, autumn: a begin that comes twice is one", "Europe/Berlin", "2026-10-24T12:00:00Z", WindowOptions{Cron: "30 2 * * *", Duration: 15 * time.Minute},
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:45:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"Berlin, autumn: asked in the second half past two", "Europe/Berlin", "2026-10-25T01:30:00Z", WindowOptions{DaysOfMonth: []int{25, 26}, Start: "02:30", Duration: 15 * time.Minute},
			[]string{"2026-10-26T02:30:00+01:00"}},
		{"Berlin, autumn: a day has 25 hours", "Europe/Berlin", "2026-10-24T12:00:00Z", WindowOptions{EveryDays: 1, From: "2026-10-25", To: "2026-10-25", Start: "00:00", Duration: 24 * hour},
			[]string{"2026-10-25T00:00:00+02:00", "2026-10-25T23:00:00+01:00", "never"}},
		{"New York, spring", "America/New_York", "2026-03-07T20:00:00Z", WindowOptions{Weekdays: []string{"SUN"}, Start: "02:15", Duration: hour},
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-08T04:00:00-04:00", "2026-03-15T02:15:00-04:00"}},
		{"New York, autumn", "America/New_York", "2026-10-31T20:00:00Z", WindowOptions{DaysOfMonth: []int{1}, Start: "01:15", Duration: hour},
			[]string{"2026-11-01T01:15:00-04:00", "2026-11-01T01:15:00-05:00", "2026-12-01T01:15:00-05:00"}},
		{"Lord Howe, spring: half an hour", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", WindowOptions{Weekdays: []string{"SUN"}, Start: "02:15", Duration: hour},
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-04T03:30:00+11:00"}},
		{"Lord Howe, autumn", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", WindowOptions{Weekdays: []string{"SUN"}, Start: "01:45", Duration: hour},
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-05T02:15:00+10:30"}},
		{"Santiago, spring: a day that begins at one", "America/Santiago", "2026-09-05T12:00:00Z", WindowOptions{EveryDays: 1, From: "2026-09-06", Start: "00:00", Duration: hour},
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-06T02:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"Beirut, autumn: midnight comes, and eleven again", "Asia/Beirut", "2026-10-24T12:00:00Z", WindowOptions{Weekdays: []string{"SAT", "SUN"}, Start: "23:30", Duration: hour},
			[]string{"2026-10-24T23:30:00+03:00", "2026-10-24T23:30:00+02:00", "2026-10-25T23:30:00+02:00"}},
		{"every hour goes by the time that passes", "Europe/Berlin", "2026-10-24T23:10:00Z", WindowOptions{Cron: "0 * * * *", Duration: 10 * time.Minute},
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:10:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:10:00+01:00"}},
		{"Apia, where a Friday was left out", "Pacific/Apia", "2011-12-29T12:00:00Z", WindowOptions{Weekdays: []string{"THU", "FRI"}, Start: "12:00", Duration: hour},
			[]string{"2011-12-29T12:00:00-10:00", "2011-12-29T13:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T01:00:00+14:00", "2012-01-05T12:00:00+14:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, at := mustWindow(t, c.o, c.zone), moment(t, c.from)
			for i, want := range c.want {
				_, to, before := w.Span(at)
				next := w.Next(at)
				if want == "never" {
					if !next.IsZero() || before {
						t.Fatalf("after %s: got %s, want nothing more", at, next)
					}
					return
				}
				if !next.Equal(moment(t, want)) || next.Location() != time.UTC {
					t.Fatalf("after %s: got %s, want %s", at, next, want)
				}
				if before && !to.Equal(next) {
					t.Errorf("at %s it ends at %s by Span, at %s by Next", at, to, next)
				}
				from, _, after := w.Span(next)
				if before == after || after && !from.Equal(next) {
					t.Errorf("at %s: in is %t, and was %t before; from %s", next, after, before, from)
				}
				begin, _, still := w.Span(next.Add(-1))
				if still != before || before && i > 0 && !begin.Equal(at) {
					t.Errorf("just before %s: in is %t from %s, want %t from %s", next, still, begin, before, at)
				}
				at = next
			}
		})
	}
}

// TestWindowAndAWallClockThatJumps: a window is what the clock says now, whatever
// it said before. Who asks again after the jump gets the right answer.
func TestWindowAndAWallClockThatJumps(t *testing.T) {
	w := mustWindow(t, WindowOptions{Cron: "0 2 * * *", Duration: 2 * hour}, "Europe/Berlin")
	for _, c := range []struct {
		what, says, next string
		in               bool
	}{
		{"before it", "2026-06-10T01:30:00+02:00", "2026-06-10T02:00:00+02:00", false},
		{"an hour forward, into it", "2026-06-10T02:30:00+02:00", "2026-06-10T04:00:00+02:00", true},
		{"an hour back, out of it", "2026-06-10T01:30:00+02:00", "2026-06-10T02:00:00+02:00", false},
		{"time passes, and it begins", "2026-06-10T02:00:00+02:00", "2026-06-10T04:00:00+02:00", true},
		{"time passes", "2026-06-10T03:30:00+02:00", "2026-06-10T04:00:00+02:00", true},
		{"an hour forward, past its end", "2026-06-10T04:30:00+02:00", "2026-06-11T02:00:00+02:00", false},
		{"an hour back, into it again", "2026-06-10T03:30:00+02:00", "2026-06-10T04:00:00+02:00", true},
		{"an hour back, within it", "2026-06-10T02:30:00+02:00", "2026-06-10T04:00:00+02:00", true},
		{"two days forward, over a whole one", "2026-06-12T01:00:00+02:00", "2026-06-12T02:00:00+02:00", false},
	} {
		at, next := moment(t, c.says), moment(t, c.next)
		from, to, in := w.Span(at)
		if in != c.in || !w.Next(at).Equal(next) || in && (!to.Equal(next) || !from.Equal(next.Add(-2*hour))) {
			t.Errorf("%s: it is %t from %s to %s, next %s; want %t, next %s", c.what, in, from, to, w.Next(at), c.in, next)
		}
	}
}

func TestWindowOptions(t *testing.T) {
	bad := func(key, message string, o WindowOptions) {
		t.Helper()
		all := CheckWindow(o, nil)
		_, err := NewWindow(o, nil)
		e, typed := errors.AsType[*WindowError](err)
		if len(all) != 1 || !typed {
			t.Errorf("%+v: got %v and %v, want one problem", o, all, err)
			return
		}
		if all[0].Path != key || !strings.Contains(all[0].Message, message) || e.Key != key || e.Message != all[0].Message {
			t.Errorf("%+v: got %+v and %v, want %q at %q", o, all, e, message, key)
		}
	}
	weekly := func(change func(o *WindowOptions)) WindowOptions {
		o := WindowOptions{Weekdays: []string{"MON"}, Start: "02:00", Duration: hour}
		change(&o)
		return o
	}
	bad("", "it says nowhere when it is", WindowOptions{})
	bad("to", "when does the window end?", WindowOptions{From: "2026-06-01"})
	bad("from", "when does the window begin?", WindowOptions{To: "2026-06-01"})
	bad("to", "2026-06-01T10:00 is not after 2026-06-01T12:00", WindowOptions{From: "2026-06-01T12:00", To: "2026-06-01T10:00"})
	bad("to", "is not after", WindowOptions{From: "2026-06-01T12:00", To: "2026-06-01T12:00"})
	bad("duration", "ends with `to`", WindowOptions{From: "2026-06-01", Duration: hour})
	bad("duration", "it is for a window that recurs", WindowOptions{From: "2026-06-01", To: "2026-06-02", Duration: hour})
	bad("start", "it is for weekdays", WindowOptions{From: "2026-06-01", To: "2026-06-02", Start: "02:00"})
	bad("from", `"1 June" is no time: write it like 2026-12-01T20:00:00+01:00, or without the offset for UTC`, WindowOptions{From: "1 June", To: "2026-06-02"})
	bad("to", `"2026-02-29" is no time`, WindowOptions{From: "2026-02-01", To: "2026-02-29"})
	bad("timezone", `unknown time zone "Berlin"`, weekly(func(o *WindowOptions) { o.Timezone = "Berlin" }))
	bad("timezone", `unknown time zone "Local"`, weekly(func(o *WindowOptions) { o.Timezone = "Local" }))
	bad("weekdays", "cron and weekdays exclude each other", weekly(func(o *WindowOptions) { o.Cron = "0 2 * * *" }))
	bad("every_days", "weekdays and every_days exclude each other", weekly(func(o *WindowOptions) { o.EveryDays, o.From = 2, "2026-06-01" }))
	bad("duration", "it is missing", weekly(func(o *WindowOptions) { o.Duration = 0 }))
	bad("duration", "at most 400d", weekly(func(o *WindowOptions) { o.Duration = 401 * 24 * hour }))
	bad("start", "weekdays wants the time", weekly(func(o *WindowOptions) { o.Start = "" }))
	bad("start", `"120" is no time of day`, weekly(func(o *WindowOptions) { o.Start = "120" }))
	bad("start", `"24:00" is no time of day`, weekly(func(o *WindowOptions) { o.Start = "24:00" }))
	bad("weekdays[1]", `"Tusday" is no day of the week, did you mean "TUE"?`, weekly(func(o *WindowOptions) { o.Weekdays = []string{"MON", "Tusday"} }))
	bad("weekdays[0]", `"Montag" is no day of the week, did you mean "MON"?`, weekly(func(o *WindowOptions) { o.Weekdays = []string{"Montag"} }))
	bad("weekdays[0]", `"1" is no day of the week: it is MON`, weekly(func(o *WindowOptions) { o.Weekdays = []string{"1"} }))
	bad("days_of_month[0]", "0 is no day of a month", WindowOptions{DaysOfMonth: []int{0}, Start: "02:00", Duration: hour})
	bad("days_of_month[1]", "-32 is no day of a month", WindowOptions{DaysOfMonth: []int{-31, -32}, Start: "02:00", Duration: hour})
	bad("every_days", "1 to 3660 is wanted", WindowOptions{EveryDays: -1, From: "2026-06-01", Start: "02:00", Duration: hour})
	bad("from", "every_days counts", WindowOptions{EveryDays: 2, Start: "02:00", Duration: hour})
	bad("start", "cron says itself", WindowOptions{Cron: "0 2 * * *", Start: "02:00", Duration: hour})
	bad("cron", `"0 0 31 2 *": there is no such day`, WindowOptions{Cron: "0 0 31 2 *", Duration: hour})
	bad("cron", "without a gap, so that it never ends", WindowOptions{Cron: "* * * * *", Duration: time.Minute})
	bad("weekdays", "without a gap", weekly(func(o *WindowOptions) { o.Duration = 7 * 24 * hour }))
	bad("every_days", "without a gap", WindowOptions{EveryDays: 1, From: "2026-06-01", Start: "02:00", Duration: 25 * hour})

	several := CheckWindow(WindowOptions{From: "x", Weekdays: []string{"x", "y"}, Start: "z", Timezone: "Moon"}, nil)
	if len(several) != 6 {
		t.Errorf("got %v, want all six mistakes at once", several)
	}
}

// counted counts how often a spec is asked.
type counted struct {
	Cron
	n int
}

func (c *counted) Next(t time.Time) time.Time {
	c.n++
	return c.Cron.Next(t)
}

// TestWindowIsQuick: no answer steps through years, or through what lies before
// and after the occurrences that hang together.
func TestWindowIsQuick(t *testing.T) {
	at := moment(t, "2026-06-01T00:00:00Z")
	for name, c := range map[string]struct {
		most int // questions for both answers
		o    WindowOptions
	}{
		"rare":       {10, WindowOptions{Cron: "0 0 29 2 *", Duration: hour}},
		"long":       {10, WindowOptions{Weekdays: []string{"MON"}, Start: "02:00", Duration: 6 * 24 * hour}},
		"rarest":     {10, WindowOptions{EveryDays: 3660, From: "2026-05-01", Start: "02:00", Duration: hour}},
		"long ago":   {10, WindowOptions{EveryDays: 1, From: "1970-01-01", Start: "02:00", Duration: hour}},
		"dense":      {2*23*60 + 10, WindowOptions{Cron: "* 0-22 * * *", Duration: time.Minute}},
		"overlaps":   {2*12*60 + 10, WindowOptions{Cron: "* 0-11 * * *", Duration: 11 * hour}},
		"for a year": {4 * (chainLinks + 10), WindowOptions{Cron: "* * * * *", Duration: time.Minute, From: "2026-01-01", To: "2026-12-31"}},
	} {
		w := mustWindow(t, c.o, "Europe/Berlin")
		asked := &counted{Cron: w.begins}
		w.begins = asked
		for i := range 4 {
			asked.n = 0
			now := at.Add(time.Duration(i) * 385 * time.Minute)
			w.Span(now)
			w.Next(now)
			if asked.n > c.most {
				t.Fatalf("%s: %d questions for an answer, want at most %d", name, asked.n, c.most)
			}
		}
	}
}
