package schedule

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary notes when which job started, as time since the test began.
type diary struct {
	t       *testing.T
	mu      sync.Mutex
	began   time.Time
	starts  map[string][]time.Duration
	now     map[string]int
	most    int // running at once
	running int
	skipped int
	lag     time.Duration // the worst
}

func newDiary(t *testing.T) *diary {
	return &diary{t: t, began: time.Now(), starts: map[string][]time.Duration{}, now: map[string]int{}}
}

// options are those of a scheduler that keeps this diary.
func (d *diary) options() Options {
	return Options{
		Observe: func(r check.Result) check.State {
			if r.Fault != nil {
				return check.Down
			}
			return check.Up
		},
		Skipped: func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.skipped++
		},
		Lag: func(l time.Duration) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.lag = max(d.lag, l)
		},
	}
}

// job is a job whose runs take took, or as long as they may.
func (d *diary) job(id string, interval, took time.Duration) Job {
	return Job{ID: id, Interval: interval, Timeout: interval * 4 / 5, Probe: d.probe(id, func() time.Duration { return took })}
}

func (d *diary) probe(id string, took func() time.Duration) check.ProbeFunc {
	return func(ctx context.Context) check.Result {
		d.begin(id)
		defer d.end(id)
		select {
		case <-time.After(took()):
			return check.Result{}
		case <-ctx.Done():
			return check.Result{Fault: &check.Fault{}}
		}
	}
}

func (d *diary) begin(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.starts[id] = append(d.starts[id], time.Since(d.began))
	d.running++
	d.most = max(d.most, d.running)
	if d.now[id]++; d.now[id] > 1 {
		d.t.Errorf("%s: two runs at once", id)
	}
}

func (d *diary) end(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running--
	d.now[id]--
}

// of returns the starts of a job so far.
func (d *diary) of(id string) []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Duration(nil), d.starts[id]...)
}

// atOnce returns how many runs go on.
func (d *diary) atOnce() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running
}

// during runs s while f does, in virtual time, and waits for its end.
func during(t *testing.T, s *Scheduler, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { err = s.Run(ctx) })
	f()
	cancel()
	wg.Wait()
	if err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
