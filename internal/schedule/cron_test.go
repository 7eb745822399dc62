package schedule

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/watchword/watchword/internal/check"
)

func mustCron(t *testing.T, spec, zone string) Cron {
	t.Helper()
	c, err := ParseCron(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCronThroughTheChangeOfClocks(t *testing.T) {
	for _, c := range []struct {
		name, spec, zone, from string
		want                   []string // as local time
	}{
		{"Berlin, spring: what is skipped runs at the next minute", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"Berlin, spring: several that are skipped run once", "*/10 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"Berlin, spring: together with what is planned for then", "*/30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"Berlin, autumn: what comes round twice runs once", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"Berlin, autumn: asked between the two", "30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z",
			[]string{"2026-10-26T02:30:00+01:00"}},
		{"Berlin, autumn: asked in the second", "*/20 1,2,3 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z",
			[]string{"2026-10-25T03:00:00+01:00", "2026-10-25T03:20:00+01:00"}},
		{"Berlin, autumn: at the hour", "0 2,3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"New York, spring", "15 2 * * *", "America/New_York", "2026-03-07T20:00:00Z",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00"}},
		{"New York, autumn", "15 1 * * *", "America/New_York", "2026-10-31T20:00:00Z",
			[]string{"2026-11-01T01:15:00-04:00", "2026-11-02T01:15:00-05:00"}},
		{"Lord Howe, half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"Santiago, a day that begins at one", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"every hour, spring: one hour after the other", "30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"}},
		{"every hour, autumn: and here too", "0 * * * *", "Europe/Berlin", "2026-10-24T23:10:00Z",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"}},
		{"every quarter, autumn", "@hourly", "America/New_York", "2026-11-01T05:30:00Z",
			[]string{"2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"}},
		{"every minute of one day, over a change", "59 * 31 12 *", "Europe/Berlin", "2026-01-01T00:00:00Z",
			[]string{"2026-12-31T00:59:00+01:00", "2026-12-31T01:59:00+01:00"}},
		{"no change", "*/5 8-18 * * MON-FRI", "Europe/Berlin", "2026-11-20T17:52:00Z",
			[]string{"2026-11-20T18:55:00+01:00", "2026-11-23T08:00:00+01:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cron, at := mustCron(t, c.spec, c.zone), moment(t, c.from)
			for _, want := range c.want {
				if at = cron.Next(at); !at.Equal(moment(t, want)) {
					t.Fatalf("got %s, want %s", at, want)
				}
			}
		})
	}
}

func TestCronCountsOverAYear(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"} {
		for spec, want := range map[string]int{"30 2 * * *": 365, "0 0 * * *": 365, "@hourly": 8760, "*/20 0-23 * * *": 3 * 8760, "15 */2 * * *": 12 * 365} {
			cron := mustCron(t, spec, zone)
			n, at := 0, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			for end := at.AddDate(1, 0, 0); ; n++ {
				next := cron.Next(at)
				if !next.After(at) {
					t.Fatalf("%s in %s: %s is not after %s", spec, zone, next, at)
				}
				if at = next; at.After(end) {
					break
				}
			}
			if zone == "Australia/Lord_Howe" && want >= 8760 {
				want-- // its clocks change by half an hour: from 1:00 to 3:00 is one and a half
			}
			if n != want {
				t.Errorf("%s in %s: %d times in a year, want %d", spec, zone, n, want)
			}
		}
	}
}

func TestParseCron(t *testing.T) {
	for spec, want := range map[string]string{
		"0 12 * * *":                        "2026-06-01T10:00:00Z",
		"TZ=America/New_York 0 12 * * *":    "2026-06-01T16:00:00Z",
		"CRON_TZ=Asia/Tokyo 0 12 * * *":     "2026-06-01T03:00:00Z",
		"  CRON_TZ=Asia/Tokyo  0 12 * * * ": "2026-06-01T03:00:00Z",
		"@daily":                            "2026-06-01T22:00:00Z",
		"CRON_TZ=UTC @monthly":              "2026-07-01T00:00:00Z",
		"0 0 29 2 *":                        "2028-02-28T23:00:00Z",
	} {
		if got := mustCron(t, spec, "Europe/Berlin").Next(moment(t, "2026-06-01T00:00:00Z")); !got.Equal(moment(t, want)) {
			t.Errorf("%q: got %s, want %s", spec, got, want)
		}
	}
	for spec, want := range map[string]string{
		"":                        `cron "": no fields`,
		"CRON_TZ=Europe/Berlin":   `cron "CRON_TZ=Europe/Berlin": no fields`,
		"TZ=Europe/Berlin ":       "no fields",
		"TZ= 0 12 * * *":          "no time zone",
		"TZ=Moon/Base 0 12 * * *": `time zone "Moon/Base" of cron "TZ=Moon/Base 0 12 * * *"`,
		"TZ=UTC CRON_TZ=UTC":      "second time zone",
		"TZ=UTC TZ=UTC * * * * *": "second time zone",
		"0 0 31 2 *":              "never run",
		"0 0 30 feb *":            "never run",
		"@every 5m":               "write interval: 5m instead",
		"@reboot":                 `cron "@reboot"`,
		"* * * *":                 `cron "* * * *"`,
		"0 0 12 * * *":            `cron "0 0 12 * * *"`,
		"61 * * * *":              `cron "61 * * * *"`,
		"*/0 * * * *":             `cron "*/0 * * * *"`,
		"0 0 * * 7":               `cron "0 0 * * 7"`,
	} {
		if _, err := ParseCron(spec, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", spec, err, want)
		}
	}
	if _, err := ParseCron("0 12 * * *", "Nowhere"); err == nil {
		t.Error("an unknown zone is taken")
	}
}

func FuzzParseCron(f *testing.F) {
	for _, spec := range []string{"0 12 * * *", "CRON_TZ=UTC", "TZ= *", "@daily", "*/5 8-18 * * MON-FRI", "0 0 31 2 *"} {
		f.Add(spec)
	}
	from := time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, spec string) {
		c, err := ParseCron(spec, "Europe/Berlin")
		if err != nil {
			return
		}
		for at := from; !at.IsZero() && at.Before(from.AddDate(0, 0, 3)); {
			next := c.Next(at)
			if !next.IsZero() && !next.After(at) {
				t.Fatalf("%q: %s is not after %s", spec, next, at)
			}
			at = next
		}
	})
}

// wall is a wall clock that can be set.
type wall struct{ off atomic.Int64 }

func (w *wall) now() time.Time { return time.Now().Add(time.Duration(w.off.Load())) }

func (w *wall) jump(d time.Duration) { w.off.Add(int64(d)) }

// cronWorld runs a job with spec, from a wall clock that says `from`.
func cronWorld(t *testing.T, spec, from string, f func(d *diary, w *wall, s *Scheduler)) {
	synctest.Test(t, func(t *testing.T) {
		d, w := newDiary(t), &wall{}
		w.jump(time.Until(moment(t, from)))
		o := d.options()
		o.Wall = w.now
		s := New(o)
		j := d.job("a", 0, time.Second)
		j.Timeout, j.Cron = 10*time.Second, mustCron(t, spec, "Europe/Berlin")
		s.Replace([]Job{j})
		during(t, s, func() { f(d, w, s) })
	})
}

func TestCronJob(t *testing.T) {
	cronWorld(t, "*/5 * * * *", "2026-06-01T11:57:30Z", func(d *diary, _ *wall, _ *Scheduler) {
		pass(time.Hour)
		got := d.of("a")
		if got[0] > time.Minute {
			t.Errorf("first run after %s, want it within a minute", got[0])
		}
		for i, at := range got[1:] {
			if want := 2*time.Minute + 30*time.Second + time.Duration(i)*5*time.Minute; at != want {
				t.Errorf("run %d came at %s, want %s", i+1, at, want)
			}
		}
		if len(got) != 13 || d.skipped != 0 {
			t.Errorf("got %d runs, %d skipped, want 13 and none", len(got), d.skipped)
		}
	})
}

func TestCronJobComesBeforeItsFirstRun(t *testing.T) {
	cronWorld(t, "*/5 * * * *", "2026-06-01T11:59:59Z", func(d *diary, _ *wall, _ *Scheduler) {
		pass(6 * time.Minute)
		if got := d.of("a"); len(got) != 2 || got[0] != time.Second || got[1] != time.Second+5*time.Minute {
			t.Errorf("got runs at %v, want the spec's alone", got)
		}
	})
}

func TestCronJobSkipsWhatARunSleptThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		j := d.job("a", 0, 150*time.Second)
		j.Timeout, j.Cron = 10*time.Minute, mustCron(t, "* * * * *", "")
		s.Replace([]Job{j})
		during(t, s, func() { pass(30 * time.Minute) })
		got := d.of("a")
		for i := 2; i < len(got); i++ {
			if got[i]-got[i-1] != 3*time.Minute {
				t.Errorf("runs %d and %d are %s apart, want 3m", i-1, i, got[i]-got[i-1])
			}
		}
		if want := 2 * (len(got) - 1); d.skipped < want-2 || d.skipped > want+2 {
			t.Errorf("%d skipped by %d runs, want 2 each", d.skipped, len(got))
		}
	})
}

func TestWallClockJumpsForward(t *testing.T) {
	cronWorld(t, "*/5 * * * *", "2026-06-01T11:57:30Z", func(d *diary, w *wall, _ *Scheduler) {
		pass(3 * time.Minute) // 12:00:30; it ran at 12:00
		before := len(d.of("a"))
		w.jump(time.Hour) // 13:00:30
		pass(31 * time.Second)
		if got := d.of("a"); len(got) != before+1 {
			t.Fatalf("%d runs within half a minute after the jump, want 1", len(got)-before)
		}
		pass(4 * time.Minute) // 13:05:01
		got := d.of("a")
		if len(got) != before+2 || got[before+1] != 7*time.Minute+30*time.Second {
			t.Errorf("got runs at %v, want the next at 13:05 of the new time", got)
		}
	})
}

func TestWallClockJumpsBack(t *testing.T) {
	cronWorld(t, "*/5 * * * *", "2026-06-01T11:57:30Z", func(d *diary, w *wall, _ *Scheduler) {
		pass(2*time.Minute + 35*time.Second) // 12:00:05; it ran at 12:00
		before := len(d.of("a"))
		w.jump(-10 * time.Second) // 11:59:55: 12:00 comes round again
		pass(4 * time.Minute)
		if got := d.of("a"); len(got) != before {
			t.Errorf("the same occurrence ran twice: %v", got)
		}
		pass(65 * time.Second) // 12:05:00
		if got := d.of("a"); len(got) != before+1 {
			t.Errorf("got runs at %v, want one at 12:05", got)
		}
		w.jump(-2 * time.Hour) // 10:05: watching goes on at once, though 12:05 lies ahead
		pass(20 * time.Minute)
		if got := len(d.of("a")) - before - 1; got < 3 || got > 4 {
			t.Errorf("%d runs in the 20 minutes after the jump, want 4", got)
		}
	})
}

func TestWallClockJumpsBackOverADailyRun(t *testing.T) {
	cronWorld(t, "0 3 * * *", "2026-06-01T00:59:00Z", func(d *diary, w *wall, _ *Scheduler) {
		pass(2 * time.Minute) // 03:01 in Berlin
		before := len(d.of("a"))
		w.jump(-time.Hour)
		pass(4 * time.Hour)
		if got := d.of("a"); len(got) != before {
			t.Errorf("got runs at %v: the same occurrence ran twice", got)
		}
		pass(22 * time.Hour) // 03:00 of the next day comes an hour late
		if got := d.of("a"); len(got) != before+1 {
			t.Errorf("got runs at %v, want the one of the next day", got)
		}
	})
}

func TestWallClockIsSlewed(t *testing.T) {
	cronWorld(t, "*/5 * * * *", "2026-06-01T12:00:00Z", func(d *diary, w *wall, _ *Scheduler) {
		for range 600 { // it loses and gains
			pass(6 * time.Second)
			w.jump(3 * time.Millisecond)
		}
		for range 1200 {
			pass(6 * time.Second)
			w.jump(-3 * time.Millisecond)
		}
		got := d.of("a")
		for i := 2; i < len(got); i++ {
			if gap := got[i] - got[i-1]; (gap - 5*time.Minute).Abs() > time.Second {
				t.Errorf("runs %d and %d are %s apart, want 5m", i-1, i, gap)
			}
		}
		if len(got) < 36 || len(got) > 38 {
			t.Errorf("%d runs in 3 h, want 36 and the first", len(got))
		}
	})
}

func TestCronJobRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		o := d.options()
		n := 0
		o.Observe = func(check.Result) check.State {
			if n++; n == 2 {
				return check.Pending
			}
			return check.Up
		}
		s := New(o)
		j := d.job("a", 0, 0)
		j.Timeout, j.RetryInterval, j.Cron = 10*time.Second, 20*time.Second, mustCron(t, "0 * * * *", "")
		s.Replace([]Job{j})
		during(t, s, func() { pass(3*time.Hour + time.Minute) })
		got := d.of("a")
		if len(got) < 4 || got[2]-got[1] != 20*time.Second || got[3]-got[1] != time.Hour {
			t.Errorf("got runs at %v, want one 20s after the second, then the spec's", got)
		}
	})
}

// never is a spec that has no occurrence until it gets one.
type never struct{ at time.Time }

func (n never) Next(t time.Time) time.Time {
	if n.at.After(t) && n.at.Sub(t) < 100*time.Hour {
		return n.at
	}
	return time.Time{}
}

func TestCronWithoutOccurrenceIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		at := time.Now().Add(10*24*time.Hour + time.Minute)
		s.Replace([]Job{{ID: "a", Cron: never{at}, Probe: d.probe("a", func() time.Duration { return 0 })}})
		during(t, s, func() { pass(20 * 24 * time.Hour) })
		if got := d.of("a"); len(got) != 2 || got[1] != 10*24*time.Hour+time.Minute {
			t.Errorf("got runs at %v, want the first and the one occurrence", got)
		}
	})
}
