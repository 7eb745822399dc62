package schedule

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestCronJobsThroughTheChangeOfClocks has the scheduler itself go through the
// night: when do jobs run, by the clock on the wall?
func TestCronJobsThroughTheChangeOfClocks(t *testing.T) {
	for _, c := range []struct {
		name, spec, zone, from string
		hours                  int
		want                   []string // after the first run, which is soon
	}{
		{"Berlin, spring", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 48,
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"Berlin, autumn", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 48,
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"New York, spring", "15,45 2 * * *", "America/New_York", "2026-03-07T20:00:00Z", 48,
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00", "2026-03-09T02:45:00-04:00"}},
		{"New York, autumn", "15 1 * * *", "America/New_York", "2026-10-31T20:00:00Z", 48,
			[]string{"2026-11-01T01:15:00-04:00", "2026-11-02T01:15:00-05:00"}},
		{"New York, autumn, every hour", "0 * * * *", "America/New_York", "2026-11-01T04:30:00Z", 3,
			[]string{"2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"}},
		{"Lord Howe, half an hour in spring", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 30,
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"Lord Howe, half an hour in autumn", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", 30,
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"Beirut, a day that begins at one", "0 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00Z", 36,
			[]string{"2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00"}},
		{"Beirut, a day that ends twice", "30 23 * * *", "Asia/Beirut", "2026-10-24T12:00:00Z", 36,
			[]string{"2026-10-24T23:30:00+03:00", "2026-10-25T23:30:00+02:00"}},
		{"Santiago, midnight after a day that ends twice", "0 0 * * *", "America/Santiago", "2026-04-04T12:00:00Z", 48,
			[]string{"2026-04-05T00:00:00-04:00", "2026-04-06T00:00:00-04:00"}},
		{"a leap day", "0 0 29 2 *", "Europe/Berlin", "2028-02-27T12:00:00Z", 48,
			[]string{"2028-02-29T00:00:00+01:00"}},
		{"no leap day", "0 12 28,29 2 *", "Europe/Berlin", "2026-02-27T12:00:00Z", 72,
			[]string{"2026-02-28T12:00:00+01:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := wallRuns(t, c.spec, c.zone, c.from, func(_ *wall) { pass(time.Duration(c.hours) * time.Hour) })
			compare(t, got, c.want)
		})
	}
}

// TestWallClockJumpsAnHour: the clock on the wall is set by an hour, at half past
// eleven. What it jumps over runs once, at once; what comes round again does not
// run twice, unless nobody would be watched for longer than the spec says.
func TestWallClockJumpsAnHour(t *testing.T) {
	const from, zone = "2026-06-01T11:20:10Z", "UTC"
	for _, c := range []struct {
		name, spec string
		jump       time.Duration
		want       []string // what the clock on the wall says at each run after the first
	}{
		{"forward, daily, over it", "0 12 * * *", time.Hour, []string{"2026-06-01T12:30:10Z"}},
		{"forward, daily, not over it", "0 14 * * *", time.Hour, []string{"2026-06-01T14:00:00Z"}},
		{"forward, hourly", "0 * * * *", time.Hour, []string{"2026-06-01T12:30:10Z", "2026-06-01T13:00:00Z", "2026-06-01T14:00:00Z", "2026-06-01T15:00:00Z"}},
		{"forward, every half hour", "*/30 * * * *", time.Hour, []string{"2026-06-01T11:30:00Z", "2026-06-01T12:30:10Z", "2026-06-01T13:00:00Z", "2026-06-01T13:30:00Z", "2026-06-01T14:00:00Z", "2026-06-01T14:30:00Z", "2026-06-01T15:00:00Z", "2026-06-01T15:30:00Z"}},
		{"back, daily, it comes round again", "25 11 * * *", -time.Hour, []string{"2026-06-01T11:25:00Z"}},
		{"back, daily, not yet", "0 12 * * *", -time.Hour, []string{"2026-06-01T12:00:00Z"}},
		{"back, hourly: an hour after the last one", "25 * * * *", -time.Hour, []string{"2026-06-01T11:25:00Z", "2026-06-01T11:25:00Z", "2026-06-01T12:25:00Z", "2026-06-01T13:25:00Z"}},
		{"back, every half hour", "*/30 * * * *", -time.Hour, []string{"2026-06-01T11:30:00Z", "2026-06-01T11:00:00Z", "2026-06-01T11:30:00Z", "2026-06-01T12:00:00Z", "2026-06-01T12:30:00Z", "2026-06-01T13:00:00Z", "2026-06-01T13:30:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := wallRuns(t, c.spec, zone, from, func(w *wall) {
				pass(10 * time.Minute) // 11:30:10
				w.jump(c.jump)
				pass(3 * time.Hour)
			})
			compare(t, got, c.want)
		})
	}
}

// wallRuns returns what the wall clock said at the runs of a job with spec, but
// for its first.
func wallRuns(t *testing.T, spec, zone, from string, f func(w *wall)) (runs []time.Time) {
	synctest.Test(t, func(t *testing.T) {
		d, w := newDiary(t), &wall{}
		w.jump(time.Until(moment(t, from)))
		o := d.options()
		o.Wall = w.now
		s := New(o)
		s.Replace([]Job{{ID: "a", Cron: mustCron(t, spec, zone), Probe: d.probe("a", func() time.Duration {
			runs = append(runs, w.now())
			return 0
		})}})
		during(t, s, func() { f(w) })
		if len(runs) == 0 || runs[0].Sub(moment(t, from)) > time.Minute {
			t.Fatalf("runs at %v, want the first within a minute", runs)
		}
		runs = runs[1:]
	})
	return runs
}

// compare holds runs to the times wanted; a jump is seen up to half a minute late.
func compare(t *testing.T, got []time.Time, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("a run at %s that is not wanted", got[i].UTC())
		case i >= len(got):
			t.Errorf("no run at %s", want[i])
		case got[i].Sub(moment(t, want[i])) < -time.Second || got[i].Sub(moment(t, want[i])) > 30*time.Second:
			t.Errorf("run %d was at %s, want %s", i+1, got[i].UTC(), want[i])
		}
	}
}

// TestLeapDays: the 29th of February is found over the years between, as far as
// five years see.
func TestLeapDays(t *testing.T) {
	leap := mustCron(t, "30 6 29 2 *", "Europe/Berlin")
	for from, want := range map[string]string{
		"2026-06-01T00:00:00Z": "2028-02-29T06:30:00+01:00",
		"2028-02-29T05:29:59Z": "2028-02-29T06:30:00+01:00",
		"2028-02-29T05:30:00Z": "2032-02-29T06:30:00+01:00",
		"2095-01-01T00:00:00Z": "2096-02-29T06:30:00+01:00",
		"2100-01-01T00:00:00Z": "2104-02-29T06:30:00+01:00", // 2100 has none
	} {
		if got := leap.Next(moment(t, from)); !got.Equal(moment(t, want)) {
			t.Errorf("after %s: got %s, want %s", from, got, want)
		}
	}
	if got := leap.Next(moment(t, "2097-01-01T00:00:00Z")); !got.IsZero() {
		t.Errorf("got %s, want nothing within five years", got)
	}
}
