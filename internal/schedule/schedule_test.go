package schedule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		s.Replace([]Job{d.job("a", 7*time.Second, time.Second), d.job("b", time.Minute, 40*time.Second), d.job("c", 10*time.Minute, 0)})
		during(t, s, func() { pass(10 * time.Hour) })
		for id, interval := range map[string]time.Duration{"a": 7 * time.Second, "b": time.Minute} {
			got := d.of(id)
			if want := int(10 * time.Hour / interval); len(got) < want || len(got) > want+1 {
				t.Errorf("%s: %d runs, want %d", id, len(got), want)
			}
			for i := 1; i < len(got); i++ {
				if got[i]-got[i-1] != interval {
					t.Fatalf("%s: run %d came %s after the one before, want %s", id, i, got[i]-got[i-1], interval)
				}
			}
		}
		c := d.of("c")
		if c[0] > time.Minute {
			t.Errorf("c: first run after %s, want it within a minute", c[0])
		}
		for i := 2; i < len(c); i++ {
			if c[i]-c[i-1] != 10*time.Minute {
				t.Errorf("c: run %d came %s after the one before", i, c[i]-c[i-1])
			}
		}
		if d.skipped != 0 || d.lag != 0 {
			t.Errorf("%d skipped, lag %s; want none", d.skipped, d.lag)
		}
	})
}

func TestPhaseOutlivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phases := map[string]time.Duration{}
		for restart := range 5 {
			d := newDiary(t)
			s := New(d.options())
			var jobs []Job
			for i := range 50 {
				jobs = append(jobs, d.job(fmt.Sprint("m", i), time.Duration(1+i%9)*10*time.Second, 0))
			}
			s.Replace(jobs)
			during(t, s, func() { pass(3*time.Minute + time.Duration(restart)*1234*time.Millisecond) })
			for _, j := range jobs {
				starts := d.of(j.ID)
				last := d.began.Add(starts[len(starts)-1]).UnixNano() % int64(j.Interval)
				if was, ok := phases[j.ID]; ok && was != time.Duration(last) {
					t.Errorf("%s: phase %s, was %s before the restart", j.ID, time.Duration(last), was)
				}
				phases[j.ID] = time.Duration(last)
			}
		}
	})
}

func TestNothingBunches(t *testing.T) {
	for _, name := range []string{"m%d", "monitor-%04d", "https-%d-example-com"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDiary(t)
			s := New(d.options())
			var jobs []Job
			for i := range 1000 {
				interval := time.Minute
				if i%2 == 0 {
					interval = time.Hour // their first runs are spread as well
				}
				jobs = append(jobs, d.job(fmt.Sprintf(name, i), interval, 0))
			}
			s.Replace(jobs)
			during(t, s, func() { pass(time.Minute) })
			seconds := map[time.Duration]int{}
			for _, j := range jobs {
				starts := d.of(j.ID)
				if len(starts) == 0 || starts[0] > time.Minute {
					t.Fatalf("%s: no run within its first minute", j.ID)
				}
				seconds[starts[0]/time.Second]++
			}
			for second, n := range seconds {
				if n > 3*1000/60 {
					t.Errorf("%s: %d runs in second %d, want at most three times the mean", name, n, second)
				}
			}
		})
	}
}

func TestRunLongerThanItsIntervalSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		j := d.job("a", 10*time.Second, 25*time.Second)
		j.Timeout = time.Minute
		s.Replace([]Job{j})
		during(t, s, func() { pass(10 * time.Minute) })
		got := d.of("a")
		for i := 1; i < len(got); i++ {
			if got[i]-got[i-1] != 30*time.Second {
				t.Errorf("run %d came %s after the one before, want the next of its phase after the end", i, got[i]-got[i-1])
			}
		}
		if want := 2 * (len(got) - 1); d.skipped < want || d.skipped > want+2 {
			t.Errorf("%d skipped, want %d", d.skipped, want)
		}
	})
}

func TestRetryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		o := d.options()
		states := []check.State{check.Up, check.Pending, check.Pending, check.Down, check.Pending, check.Up}
		n := 0
		o.Observe = func(check.Result) check.State {
			n++
			return states[(n-1)%len(states)]
		}
		s := New(o)
		j := d.job("a", time.Minute, 2*time.Second)
		j.RetryInterval = 20 * time.Second
		s.Replace([]Job{j})
		during(t, s, func() { pass(5 * time.Minute) })
		want := []time.Duration{0, 60, 80, 100, 120, 140, 180, 240}
		got := d.of("a")
		for i := range min(len(got), len(want)) {
			if got[i]-got[0] != want[i]*time.Second {
				t.Errorf("run %d came at %s, want %s", i, got[i]-got[0], want[i]*time.Second)
			}
		}
		if d.skipped != 0 {
			t.Errorf("%d skipped, want none: retries take the place of ordinary runs", d.skipped)
		}
	})
}

func TestRetryAfterALongRunComesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		o := d.options()
		o.Observe = func(check.Result) check.State { return check.Pending }
		s := New(o)
		j := d.job("a", time.Minute, 30*time.Second)
		j.RetryInterval = 20 * time.Second
		s.Replace([]Job{j})
		during(t, s, func() { pass(3 * time.Minute) })
		for i, got := 1, d.of("a"); i < len(got); i++ {
			if got[i]-got[i-1] != 30*time.Second {
				t.Errorf("run %d came %s after the one before, want it when that ended", i, got[i]-got[i-1])
			}
		}
	})
}

func TestRunNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		j := d.job("a", 10*time.Minute, 5*time.Second)
		s.Replace([]Job{j})
		if s.RunNow("b") {
			t.Error("RunNow knows a job that is not there")
		}
		if !s.RunNow("a") {
			t.Error("RunNow does not know a job that is there")
		}
		during(t, s, func() {
			pass(time.Second)
			if got := d.of("a"); len(got) != 1 {
				t.Fatalf("got runs %v, want the one asked for before the start", got)
			}
			for range 3 {
				s.RunNow("a") // it runs: once more after that
			}
			pass(20 * time.Second)
			if got := d.of("a"); len(got) != 2 || got[1]-got[0] != 5*time.Second {
				t.Fatalf("got runs %v, want a second when the first ended", got)
			}
			s.RunNow("a")
			pass(30 * time.Minute)
		})
		got := d.of("a")
		phase := d.began.Add(got[3]).UnixNano() % int64(10*time.Minute)
		for _, at := range got[3:] {
			if d.began.Add(at).UnixNano()%int64(10*time.Minute) != phase {
				t.Errorf("got runs %v, want the phase of before after those on demand", got)
			}
		}
		if len(got) < 5 || len(got) > 7 || got[2] != got[0]+21*time.Second {
			t.Errorf("got runs %v", got)
		}
	})
}

func TestShutdownCutsRunsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		o := d.options()
		observed := 0
		o.Observe = func(check.Result) check.State { observed++; return check.Up }
		s := New(o)
		s.Replace([]Job{d.job("a", time.Minute, time.Hour)})
		s.RunNow("a")
		during(t, s, func() { pass(time.Second) })
		if observed != 0 || d.running != 0 || len(d.of("a")) != 1 {
			t.Errorf("%d observed, %d running, runs %v; want one run that was cut short and not observed", observed, d.running, d.of("a"))
		}
		if err := s.Run(t.Context()); err == nil {
			t.Error("Run can be called twice")
		}
	})
}

func TestShutdownWaitsForTheDrainAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newDiary(t).options()
		o.Drain = 3 * time.Second
		s := New(o)
		s.Replace([]Job{
			{ID: "deaf", Interval: time.Minute, Probe: func(context.Context) check.Result { time.Sleep(30 * time.Second); return check.Result{} }},
			{ID: "slow", Interval: time.Minute, Probe: func(ctx context.Context) check.Result { <-ctx.Done(); time.Sleep(time.Second); return check.Result{} }},
		})
		s.RunNow("deaf")
		s.RunNow("slow")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		pass(time.Second)
		cancel()
		began := time.Now()
		err := <-done
		if took := time.Since(began); took != 3*time.Second || err == nil || !strings.Contains(err.Error(), "1 runs did not stop within 3s") {
			t.Errorf("Run returned %v after %s, want it to give up on one after 3s", err, took)
		}
		pass(time.Minute)
	})
}

func TestPanicIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		n := 0
		s.Replace([]Job{{ID: "a", Interval: time.Minute, Probe: func(context.Context) check.Result { n++; panic("no") }}, d.job("b", time.Minute, 0)})
		during(t, s, func() { pass(10 * time.Minute) })
		if n < 10 || len(d.of("b")) < 10 {
			t.Errorf("%d runs of the job that panics, %d of the other; want 10 of both", n, len(d.of("b")))
		}
	})
}

func TestTimeoutIsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []time.Duration
		s := New(Options{Lag: func(time.Duration) {}})
		s.Replace([]Job{
			{ID: "a", Interval: time.Minute, Timeout: 7 * time.Second, Probe: func(ctx context.Context) check.Result {
				at, _ := ctx.Deadline()
				left = append(left, time.Until(at))
				return check.Result{}
			}},
		})
		during(t, s, func() { pass(time.Minute) })
		if !slices.Equal(left, []time.Duration{7 * time.Second}) {
			t.Errorf("got %v until the deadline, want 7s", left)
		}
	})
}

func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		keep, change, gone := d.job("keep", time.Minute, 0), d.job("change", time.Minute, 0), d.job("gone", time.Minute, 0)
		for _, j := range []*Job{&keep, &change, &gone} {
			j.Key = 1
		}
		s.Replace([]Job{keep, change, gone})
		during(t, s, func() {
			pass(5 * time.Minute)
			before, runsGone := d.of("change"), len(d.of("gone"))
			changed := d.job("change", 30*time.Second, 0)
			changed.Key = 2
			keep.Probe = nil // not looked at: its Key is as before
			s.Replace([]Job{changed, keep, d.job("new", time.Hour, 0), d.job("new", time.Second, 0)})
			pass(5 * time.Minute)
			after := d.of("change")[len(before):]
			if len(after) != 10 {
				t.Errorf("%d runs of a job changed to 30 s in 5 min, want 10", len(after))
			}
			for _, at := range after {
				if (at-before[0])%(30*time.Second) != 0 {
					t.Errorf("run at %s, want the phase of before (%s)", at, before[0])
				}
			}
			if got := len(d.of("gone")); got != runsGone {
				t.Errorf("%d runs of a removed job", got-runsGone)
			}
			if got := d.of("new"); len(got) != 1 || got[0] > 6*time.Minute {
				t.Errorf("runs of a new job at %v, want one within its first minute", got)
			}
			if got := d.of("keep"); len(got) != 10 {
				t.Errorf("%d runs of an unchanged job in 10 min, want 10", len(got))
			}
		})
	})
}

func TestReplaceWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		j := d.job("a", time.Minute, 40*time.Second)
		j.Key = 1
		s.Replace([]Job{j})
		s.RunNow("a")
		during(t, s, func() {
			pass(time.Second)
			s.Replace(nil) // removed while it runs
			if s.RunNow("a") {
				t.Error("RunNow knows a removed job")
			}
			pass(time.Second)
			short := d.job("a", time.Second, 0)
			short.Key = 2
			s.Replace([]Job{short}) // and back, changed: it must wait for the old run
			pass(30 * time.Second)
			if got := d.of("a"); len(got) != 1 {
				t.Fatalf("runs at %v while the old one goes on", got)
			}
			pass(10 * time.Second)
			if got := d.of("a"); len(got) < 2 || got[1] < 40*time.Second {
				t.Fatalf("runs at %v, want the second after 40s", got)
			}
			s.Replace(nil)
			pass(time.Second)
			if len(s.leaving) != 0 || len(s.entries) != 0 || len(s.queue) != 0 || len(s.origins) != 0 {
				t.Errorf("something is left of what was removed: %v %v %v", s.leaving, s.entries, s.queue)
			}
		})
	})
}

func TestKeysThatCannotBeCompared(t *testing.T) {
	if sameKey([]int{1}, []int{1}) || sameKey(nil, 1) || sameKey([]int{1}, nil) || !sameKey(nil, nil) || !sameKey("a", "a") {
		t.Error("keys are compared wrongly")
	}
}
