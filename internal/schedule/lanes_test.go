package schedule

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// crowd is healthy and hung monitors of 1 s.
func (d *diary) crowd(healthy, hung int, took time.Duration, origin func(string) string) []Job {
	var jobs []Job
	for i := range healthy {
		id := fmt.Sprint("healthy", i)
		j := d.job(id, time.Second, took)
		j.Origin = origin(id)
		jobs = append(jobs, j)
	}
	for i := range hung {
		id := fmt.Sprint("hung", i)
		j := d.job(id, time.Second, time.Hour)
		j.Origin = origin(id)
		jobs = append(jobs, j)
	}
	return jobs
}

// share returns the smallest part of its runs that any of n jobs got.
func (d *diary) share(kind string, n int, over time.Duration) float64 {
	worst := 1.0
	for i := range n {
		worst = min(worst, float64(len(d.of(fmt.Sprint(kind, i))))/over.Seconds())
	}
	return worst
}

func TestHungTargetsStarveNobody(t *testing.T) {
	own := func(id string) string { return id }
	one := func(string) string { return "https://gate.example.com:443" }
	for _, c := range []struct {
		name                           string
		running, perOrigin, hung, over int
		origin                         func(string) string
		least                          float64 // of the hung
	}{
		{"default limits", 0, 0, 50, 120, own, 0.99},
		{"behind one origin", 0, 0, 50, 120, one, 0.99},
		{"more of them than places", 100, 0, 400, 300, own, 0.06},
		{"more of them than places behind one origin", 100, 60, 200, 300, one, 0.07},
		{"few places", 20, 0, 50, 300, own, 0.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary(t)
				o := d.options()
				o.MaxRunning, o.PerOrigin = c.running, c.perOrigin
				s := New(o)
				s.Replace(d.crowd(400, c.hung, 5*time.Millisecond, c.origin))
				over := time.Duration(c.over) * time.Second
				during(t, s, func() { pass(over) })
				if got := d.share("healthy", 400, over); got < 0.99 {
					t.Errorf("a healthy monitor got %.2f %% of its runs, want 99", got*100)
				}
				if got := d.share("hung", c.hung, over); got < c.least {
					t.Errorf("a hung monitor got %.2f %% of its runs, want %.2f", got*100, c.least*100)
				}
				if limit := c.running; limit > 0 && d.most > limit {
					t.Errorf("%d at once, want at most %d", d.most, limit)
				}
			})
		})
	}
}

func TestManyHealthyMonitorsShareOneOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		s.Replace(d.crowd(1000, 0, 200*time.Millisecond, func(string) string { return "https://gate.example.com:443" }))
		during(t, s, func() { pass(time.Minute) })
		if got := d.share("healthy", 1000, time.Minute); got < 0.99 || d.skipped != 0 {
			t.Errorf("a monitor got %.2f %% of its runs, %d skipped; want all and none", got*100, d.skipped)
		}
		if d.most > defaultPerOrigin {
			t.Errorf("%d at once to one origin, want at most %d", d.most, defaultPerOrigin)
		}
	})
}

func TestASlowOriginLeavesPlacesToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		o := d.options()
		o.MaxRunning = 80 // 60 of them in the ordinary lane
		s := New(o)
		var jobs []Job
		for i := range 200 { // slow, and not so slow that they count as hung
			j := d.job(fmt.Sprint("slow", i), 10*time.Second, 5*time.Second)
			j.Origin = "slow"
			jobs = append(jobs, j)
		}
		jobs = append(jobs, d.crowd(100, 0, 10*time.Millisecond, func(id string) string { return id })...)
		s.Replace(jobs)
		during(t, s, func() { pass(2 * time.Minute) })
		if got := d.share("healthy", 100, 2*time.Minute); got < 0.99 {
			t.Errorf("a healthy monitor got %.2f %% of its runs", got*100)
		}
		turns := map[int]int{}
		for i := range 200 {
			turns[len(d.of(fmt.Sprint("slow", i)))]++
		}
		for n := range turns { // 30 at once, 5 s each: 720 runs for 200
			if n < 3 || n > 4 {
				t.Errorf("runs per slow monitor: %v, want 3 or 4 for each", turns)
				break
			}
		}
	})
}

func TestARecoveredTargetLeavesTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		var took atomic.Int64
		j := Job{ID: "a", Interval: 24 * time.Hour, Timeout: 10 * time.Second, Probe: d.probe("a", func() time.Duration { return time.Duration(took.Load()) })}
		s.Replace([]Job{j})
		during(t, s, func() {
			pass(2 * time.Minute) // its first run
			for i, c := range []struct {
				took time.Duration
				slow bool
			}{{time.Hour, true}, {8 * time.Second, true}, {7 * time.Second, false}, {time.Hour, true}, {0, false}} {
				took.Store(int64(c.took))
				s.RunNow("a")
				pass(11 * time.Second)
				s.mu.Lock()
				if got := s.entries["a"].slow; got != c.slow {
					t.Errorf("after run %d, which took %s: slow is %t", i, min(c.took, j.Timeout), got)
				}
				s.mu.Unlock()
			}
		})
	})
}

func TestReplaceWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		o := d.options()
		o.MaxRunning, o.PerOrigin = 4, 1 // 3 in the ordinary lane
		s := New(o)
		jobs := d.crowd(8, 0, 20*time.Second, func(string) string { return "one" })
		for i := range jobs {
			jobs[i].Interval, jobs[i].Timeout, jobs[i].Key = 30*time.Minute, time.Minute, 1
		}
		s.Replace(jobs)
		during(t, s, func() {
			for i := range jobs {
				s.RunNow(jobs[i].ID)
			}
			pass(time.Second)
			if n := d.atOnce(); n != 1 {
				t.Fatalf("%d run, want the one that its origin allows", n)
			}
			next := append([]Job(nil), jobs[2:]...)
			for i := range 3 { // changed while they wait: to an origin of their own
				next[i].Key, next[i].Origin = 2, next[i].ID
			}
			s.Replace(next)
			pass(time.Second)
			if n := d.atOnce(); n != 3 {
				t.Errorf("%d run, want as many as the lane has places for", n)
			}
			pass(5 * time.Minute)
		})
		for i := range jobs {
			n := len(d.of(jobs[i].ID))
			if removed := i < 2; removed && n > 1 || !removed && (n < 1 || n > 3) {
				t.Errorf("%s ran %d times", jobs[i].ID, n)
			}
		}
	})
}

func TestFifo(t *testing.T) {
	var f fifo
	in, out := 0, 0
	all := make([]entry, 10_000)
	for round := range 200 {
		for range round % 50 {
			f.push(&all[in])
			in++
		}
		for range (round + 7) % 47 {
			e := f.pop()
			if e == nil {
				if f.len() != 0 || in != out {
					t.Fatalf("empty at %d of %d", out, in)
				}
				break
			}
			if e != &all[out] {
				t.Fatalf("place %d: wrong order", out)
			}
			out++
		}
		if f.len() != in-out {
			t.Fatalf("len is %d, want %d", f.len(), in-out)
		}
	}
	if got := len(f.take()); got != in-out || f.len() != 0 || len(f.items) > 2*(in-out)+64 {
		t.Errorf("took %d, want %d", got, in-out)
	}
}

func TestWorkersDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		s := New(d.options())
		s.Replace(d.crowd(500, 0, 400*time.Millisecond, func(string) string { return "" }))
		during(t, s, func() {
			pass(10 * time.Second)
			s.Replace(nil)
			pass(time.Minute)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.workers > keep || len(s.idle) != s.workers {
				t.Errorf("%d goroutines are kept, %d of them idle; want at most %d", s.workers, len(s.idle), keep)
			}
		})
		if s.workers != 0 {
			t.Errorf("%d goroutines after the end", s.workers)
		}
	})
}

// BenchmarkRun measures what the scheduler adds to a run, without the switch
// between goroutines, and beside it the context that it has to make.
func BenchmarkRun(b *testing.B) {
	b.Run("context alone", func(b *testing.B) {
		ctx, end := context.WithCancel(b.Context())
		defer end()
		b.ReportAllocs()
		for b.Loop() {
			_, cancel := context.WithTimeout(ctx, time.Second)
			cancel()
		}
	})
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := New(Options{})
			jobs := make([]Job, n)
			for i := range jobs {
				jobs[i] = Job{ID: fmt.Sprint("m", i), Interval: time.Hour, Timeout: time.Second, Origin: fmt.Sprint("o", i%100), Probe: func(context.Context) check.Result { return check.Result{} }}
			}
			s.Replace(jobs)
			ctx, end := context.WithCancel(b.Context())
			defer end()
			if err := s.open(ctx); err != nil {
				b.Fatal(err)
			}
			w := &worker{next: make(chan *entry, 1)}
			s.idle, s.workers = append(s.idle, w), 1
			b.ReportAllocs()
			for b.Loop() {
				s.mu.Lock()
				s.admit(s.queue.pop())
				s.mu.Unlock()
				e := <-w.next
				state, took := s.probe(ctx, e.running)
				s.finish(w, e, outcome{0, took, state})
			}
		})
	}
}
