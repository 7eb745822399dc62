package schedule

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		jobs := []Job{d.job("a", time.Minute, 0), d.job("b", time.Minute, 0)}
		for i := range jobs {
			jobs[i].Key = i
		}
		s.Pause("a") // before there is one of that name
		s.Replace(jobs)
		if s.RunNow("a") {
			t.Error("RunNow takes a paused job")
		}
		s.Resume("nobody")
		during(t, s, func() {
			pass(10 * time.Minute)
			changed := d.job("a", 10*time.Minute, 0)
			changed.Key = 7
			s.Replace([]Job{changed, jobs[1]})
			pass(10 * time.Minute)
			s.Replace(jobs[1:])
			s.Replace(jobs)
			pass(10 * time.Minute)
			if got := d.of("a"); len(got) != 0 || s.RunNow("a") {
				t.Errorf("a paused job ran at %v", got)
			}
			s.Resume("a")
			s.Resume("a")
			pass(time.Minute)
			if got := d.of("a"); len(got) != 1 || got[0] > 31*time.Minute {
				t.Errorf("it ran at %v, want once within the minute after it was resumed", got)
			}
			pass(9 * time.Minute)
			if got := d.of("a"); len(got) != 10 || got[9]-got[0] != 9*time.Minute {
				t.Errorf("it ran at %v, want every minute", got)
			}
			s.Pause("a")
			s.Pause("a")
			pass(10 * time.Minute)
		})
		if a, b := d.of("a"), d.of("b"); len(a) != 10 || len(b) != 50 || d.skipped != 0 {
			t.Errorf("%d runs, %d of the other, %d skipped; want 10, 50 and none", len(a), len(b), d.skipped)
		}
	})
}

func TestPauseWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		s.Replace([]Job{d.job("a", time.Minute, 20*time.Second)})
		s.RunNow("a")
		during(t, s, func() {
			pass(5 * time.Second)
			s.RunNow("a")
			s.Pause("a")
			pass(10 * time.Minute)
			if got := d.of("a"); len(got) != 1 || d.atOnce() != 0 {
				t.Fatalf("runs at %v, %d now; want the one that was in progress, ended", got, d.atOnce())
			}
			s.Resume("a")
			s.RunNow("a")
			pass(5 * time.Second)
			s.Pause("a")
			s.Resume("a") // both while it runs
			pass(15*time.Second + 10*time.Minute)
			if got := d.of("a"); len(got) != 12 {
				t.Errorf("runs at %v, want ten more in the ten minutes after the second", got)
			}
		})
	})
}

func TestPauseOfOneInTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		o := d.options()
		o.PerOrigin = 1
		s := New(o)
		var jobs []Job
		for _, id := range []string{"a", "b", "c"} {
			j := d.job(id, time.Hour, 10*time.Second)
			j.Origin = "gate"
			jobs = append(jobs, j)
		}
		s.Replace(jobs)
		during(t, s, func() {
			for _, j := range jobs {
				s.RunNow(j.ID)
				pass(time.Second)
			}
			s.Pause("b") // it waits for a, and c for b
			pass(30 * time.Second)
			if a, b, c := d.of("a"), d.of("b"), d.of("c"); len(a) != 1 || len(b) != 0 || len(c) != 1 || c[0] != 10*time.Second {
				t.Errorf("runs at %v, %v and %v; want c at once after a", a, b, c)
			}
		})
	})
}

// TestPausedCronJob: an occurrence that passes meanwhile is not made up for, and
// the first run after it comes soon.
func TestPausedCronJob(t *testing.T) {
	cronWorld(t, "0 * * * *", "2026-06-01T11:57:30Z", func(d *diary, _ *wall, s *Scheduler) {
		pass(3 * time.Minute) // 12:00:30
		before := len(d.of("a"))
		s.Pause("a")
		pass(3 * time.Hour)
		if got := d.of("a"); len(got) != before {
			t.Errorf("a paused job ran at %v", got)
		}
		s.Resume("a") // 15:00:30
		pass(time.Minute)
		if got := d.of("a"); len(got) != before+1 {
			t.Errorf("it ran at %v, want once within the minute after it was resumed", got)
		}
		pass(time.Hour)
		if got := d.of("a"); len(got) != before+2 || got[before+1] != 4*time.Hour+2*time.Minute+30*time.Second {
			t.Errorf("it ran at %v, want once more at 16:00", got)
		}
		if d.skipped != 0 {
			t.Errorf("%d skipped, want none", d.skipped)
		}
	})
}
