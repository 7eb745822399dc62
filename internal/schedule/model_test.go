package schedule

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/check"
)

// TestModel lets anything happen in any order and holds the scheduler to what
// must be true at any time.
func TestModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { // there are no deadlines in virtual time
			m := newModel(t, rt)
			var wg sync.WaitGroup
			ctx, cancel := context.WithCancel(t.Context())
			wg.Go(func() {
				if err := m.s.Run(ctx); err != nil {
					t.Errorf("Run returned %v", err)
				}
			})
			for range rapid.IntRange(5, 40).Draw(rt, "steps") {
				m.step()
			}
			m.settle()
			cancel()
			wg.Wait()
			if m.d.atOnce() != 0 || m.s.workers != 0 {
				rt.Errorf("%d runs and %d goroutines after the end", m.d.running, m.s.workers)
			}
		})
	})
}

type model struct {
	rt   *rapid.T
	d    *diary
	s    *Scheduler
	took []*atomic.Int64 // of the jobs' runs
	now  map[string]bool // ids that there are

	paused map[string]int // with the runs they had begun by then
}

func newModel(t *testing.T, rt *rapid.T) *model {
	m := &model{rt: rt, d: newDiary(t), paused: map[string]int{}}
	o := m.d.options()
	o.MaxRunning, o.PerOrigin = rapid.IntRange(2, 8).Draw(rt, "running"), rapid.IntRange(0, 3).Draw(rt, "per origin")
	o.Observe = func(r check.Result) check.State {
		if r.Fault != nil {
			return check.Pending
		}
		return check.Up
	}
	for range 12 {
		m.took = append(m.took, &atomic.Int64{})
	}
	m.s = New(o)
	m.replace()
	return m
}

func (m *model) step() {
	switch rapid.SampledFrom([]string{"pass", "pass", "pass", "replace", "now", "took", "pause", "resume"}).Draw(m.rt, "what") {
	case "pass":
		pass(time.Duration(rapid.IntRange(0, 40_000).Draw(m.rt, "ms")) * time.Millisecond)
	case "replace":
		m.replace()
	case "now":
		id := m.id(rapid.IntRange(0, len(m.took)-1).Draw(m.rt, "which"))
		_, paused := m.paused[id]
		if got, want := m.s.RunNow(id), m.now[id] && !paused; got != want {
			m.rt.Fatalf("RunNow(%s) is %t, want %t", id, got, want)
		}
	case "pause":
		id := m.id(rapid.IntRange(0, len(m.took)-1).Draw(m.rt, "which"))
		m.s.Pause(id)
		synctest.Wait() // one that was handed over has begun
		m.paused[id] = len(m.d.of(id))
	case "resume":
		id := m.id(rapid.IntRange(0, len(m.took)-1).Draw(m.rt, "which"))
		m.s.Resume(id)
		delete(m.paused, id)
	case "took":
		m.took[rapid.IntRange(0, len(m.took)-1).Draw(m.rt, "which")].Store(rapid.Int64Range(0, 20_000).Draw(m.rt, "ms"))
	}
	synctest.Wait()
	m.check()
}

func (m *model) id(i int) string { return fmt.Sprint("m", i) }

func (m *model) replace() {
	m.now = map[string]bool{}
	var jobs []Job
	for i, took := range m.took {
		if rapid.IntRange(0, 3).Draw(m.rt, "there") == 0 {
			continue
		}
		id := m.id(i)
		m.now[id] = true
		j := Job{
			ID: id, Interval: time.Duration(rapid.IntRange(1, 100).Draw(m.rt, "interval")) * time.Second, RetryInterval: 5 * time.Second, Timeout: 10 * time.Second,
			Origin: rapid.SampledFrom([]string{"", "a", "b"}).Draw(m.rt, "origin"), Key: rapid.IntRange(0, 2).Draw(m.rt, "key"),
			Probe: m.d.probe(id, func() time.Duration { return time.Duration(took.Load()) * time.Millisecond }),
		}
		if rapid.IntRange(0, 3).Draw(m.rt, "cron") == 0 {
			j.Cron, j.Interval = everyMinute{}, 0
		}
		jobs = append(jobs, j)
	}
	m.s.Replace(jobs)
}

type everyMinute struct{}

func (everyMinute) Next(t time.Time) time.Time { return t.Truncate(time.Minute).Add(time.Minute) }

// check counts what the scheduler says of itself again.
func (m *model) check() {
	s := m.s
	s.mu.Lock()
	defer s.mu.Unlock()
	held := map[*entry]int{}
	for _, n := range s.queue {
		held[n.e]++
	}
	for i := range s.lanes {
		for _, e := range s.lanes[i].line.items[s.lanes[i].line.head:] {
			held[e]++
		}
		for _, o := range s.origins {
			for _, e := range o.line[i].items[o.line[i].head:] {
				held[e]++
			}
			ahead := o.running[i]
			for _, e := range s.lanes[i].line.items[s.lanes[i].line.head:] {
				if e.origin == o {
					ahead++
				}
			}
			if o.line[i].len() > 0 && ahead < s.lanes[i].perOrigin {
				m.rt.Fatal("runs wait for an origin that is free")
			}
		}
		if l := s.lanes[i]; l.running > l.places || l.running < 0 || l.line.len() > 0 && l.running < l.places {
			m.rt.Fatalf("lane %d: %d of %d run, %d wait", i, l.running, l.places, l.line.len())
		}
	}
	busyNow, crons := 0, 0
	for id, e := range s.entries {
		want := 1
		runs, paused := m.paused[id]
		if paused {
			want = 0
			if got := len(m.d.of(id)); got != runs {
				m.rt.Fatalf("%s began %d runs while paused", id, got-runs)
			}
		}
		if e.place == busy {
			busyNow++
			want = 0
		}
		if held[e] != want {
			m.rt.Fatalf("%s is in %d places, want %d", id, held[e], want)
		}
		if e.cron != nil {
			crons++
		}
		delete(held, e)
	}
	if len(held) != 0 || crons != s.crons || busyNow+len(s.leaving) != s.lanes[0].running+s.lanes[1].running {
		m.rt.Fatalf("%d left over, %d cron jobs counted as %d, %d running and %d leaving counted as %v", len(held), crons, s.crons, busyNow, len(s.leaving), s.lanes)
	}
}

// settle makes all targets healthy: then every job must run at its pace.
func (m *model) settle() {
	for i := range m.took {
		m.took[i].Store(10)
	}
	pass(2 * time.Minute)
	m.check()
	m.quiet()
	before := map[string]int{}
	for id := range m.now {
		before[id] = len(m.d.of(id))
	}
	pass(10 * time.Minute)
	m.quiet()
	for id := range m.now {
		m.s.mu.Lock()
		every := time.Duration(m.s.entries[id].period())
		m.s.mu.Unlock()
		got, want := len(m.d.of(id))-before[id], int(10*time.Minute/every)
		if _, paused := m.paused[id]; paused {
			want = -1 // with none at all, got is at most want+1
		}
		if got < want || got > want+1 {
			m.rt.Errorf("%s: %d runs in 10 min at an interval of %s", id, got, every)
		}
	}
}

// quiet passes time until nothing runs or waits for its turn: whoever was due has
// begun then, so that counting from one such moment to another leaves nobody out
// who had to wait at one of them.
func (m *model) quiet() {
	stirs := func() bool {
		m.s.mu.Lock()
		defer m.s.mu.Unlock()
		for id := range m.now {
			if p := m.s.entries[id].place; p == waiting || p == busy {
				return true
			}
		}
		return false
	}
	for stirs() {
		pass(3 * time.Millisecond)
	}
}
