package board

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// world is a board and a clock that is set by hand.
type world struct {
	t   *testing.T
	b   *Board
	now time.Time
	m   *check.Monitor
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), m: &check.Monitor{ID: "app", Name: "App", Type: "http", URL: "https://app.example.com/"}}
	w.b = New(func() time.Time { return w.now })
	w.b.Set([]*check.Monitor{w.m})
	w.b.Expect("app", 130*time.Second)
	return w
}

// run records a run that ends after d.
func (w *world) run(d time.Duration, s check.State) {
	w.t.Helper()
	w.now = w.now.Add(d)
	r := check.Result{Monitor: w.m, Start: w.now.Add(-100 * time.Millisecond), Took: 100 * time.Millisecond, StatusCode: 200}
	r.Phases.Processing = 100 * time.Millisecond
	if s == check.Down || s == check.Pending {
		r.StatusCode, r.Fault = 0, &check.Fault{Class: check.Network, Reason: check.Connect, Message: "refused"}
	}
	if !w.b.Record(r, check.MonitorState{ID: "app", Type: "http", State: s, Since: w.now}) {
		w.t.Fatalf("a result at %s was refused", w.now)
	}
}

// runs records n runs a minute apart.
func (w *world) runs(n int, s check.State) {
	w.t.Helper()
	for range n {
		w.run(time.Minute, s)
	}
}

func (w *world) view() View {
	w.t.Helper()
	v, ok := w.b.Get("app")
	if !ok {
		w.t.Fatal("the monitor is not on the board")
	}
	return v
}

func (w *world) uptime(day, week, month float64) {
	w.t.Helper()
	v := w.view()
	for _, c := range []struct {
		name      string
		got, want float64
	}{{"24h", v.Uptime24h, day}, {"7d", v.Uptime7d, week}, {"30d", v.Uptime30d, month}} {
		if math.IsNaN(c.want) != math.IsNaN(c.got) || math.Abs(c.got-c.want) > 1e-4 {
			w.t.Errorf("%s: uptime %s is %.5f, want %.5f", w.now.Format(time.RFC3339), c.name, c.got, c.want)
		}
	}
}

func TestNotYetRun(t *testing.T) {
	w := newWorld(t)
	v := w.view()
	if v.State != check.Pending || v.Last.Has || !v.Since.IsZero() || v.Last.Fault != nil || len(v.Strip()) != 0 || v.RunsOK+v.RunsFailed != 0 {
		t.Errorf("got %+v, want an empty pending view", v)
	}
	nan := math.NaN()
	w.uptime(nan, nan, nan)
	w.now = w.now.Add(3 * time.Hour)
	w.uptime(nan, nan, nan)
	if got := w.b.TakeRollups(); len(got) != 0 {
		t.Errorf("got roll-ups %v of a monitor that never ran", got)
	}
}

func TestLastRun(t *testing.T) {
	w := newWorld(t)
	w.run(time.Minute, check.Up)
	chain := &check.Chain{Fingerprint: "ab", NotAfter: w.now.Add(time.Hour)}
	r := check.Result{Monitor: w.m, Start: w.now, Took: time.Second, StatusCode: 500, Certs: chain, Phases: check.Phases{TLS: time.Millisecond},
		Fault: &check.Fault{Class: check.Target, Reason: check.Status, Message: "500", Hint: "look"}}
	w.now = w.now.Add(time.Second)
	w.b.Record(r, check.MonitorState{State: check.Down, Since: w.now})
	v := w.view()
	want := Last{Has: true, Start: r.Start, Took: time.Second, Phases: r.Phases, StatusCode: 500, Fault: v.Last.Fault, Chain: chain, CertExpiry: chain.NotAfter}
	if v.Last != want || *v.Last.Fault != *r.Fault.Text() {
		t.Errorf("got %+v (fault %+v), want %+v", v.Last, v.Last.Fault, want)
	}
	if v.State != check.Down || !v.Since.Equal(w.now) || v.RunsOK != 1 || v.RunsFailed != 1 || v.Monitor != w.m {
		t.Errorf("got %+v, want down since %s, 1 passed, 1 failed", v, w.now)
	}
	before := v.Last.Fault
	w.b.Record(r, check.MonitorState{State: check.Down, Since: w.now})
	if w.view().Last.Fault != before {
		t.Error("the same fault was kept a second time")
	}
	w.run(time.Minute, check.Up)
	if v = w.view(); v.Last.Fault != nil || v.Last.CertExpiry != chain.NotAfter {
		t.Errorf("got fault %v, expiry %s; want none, and the certificate seen last", v.Last.Fault, v.Last.CertExpiry)
	}
}

func TestUptimeIsByTime(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Up)
	w.runs(30, check.Up) // 30 minutes up
	w.uptime(1, 1, 1)
	w.run(time.Minute, check.Pending) // 31 up
	w.run(20*time.Second, check.Down) // 20 s pending: not up
	w.runs(9, check.Down)             // 9 minutes down
	w.run(40*time.Second, check.Up)   // and 40 s
	up, known := 31*60.0, 41*60.0     // so far
	w.uptime(up/known, up/known, up/known)
	w.runs(19, check.Up)
	up, known = up+19*60, known+19*60
	w.uptime(up/known, up/known, up/known)
	w.now = w.now.Add(30 * time.Second) // a page looks between two runs
	w.uptime((up+30)/(known+30), (up+30)/(known+30), (up+30)/(known+30))
}

func TestWindowsForget(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Down)
	w.runs(6*60, check.Down)
	w.runs(24*60, check.Up)
	w.uptime(1-1/1440.0, 1439/1800.0, 1439/1800.0) // the minute before the first Up was down
	w.runs(20, check.Up)
	w.uptime(1, 1459/1820.0, 1459/1820.0)
	w.runs(7*24*60, check.Up)
	w.uptime(1, 1, 1-361/(1820.0+7*24*60))
	w.runs(24*24*60, check.Up)
	w.uptime(1, 1, 1)
}

func TestWhatDoesNotCount(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Up)
	w.runs(10, check.Up)

	w.now = w.now.Add(5 * time.Hour) // nothing ran: 130 s are known, the rest is not
	w.uptime(1, 1, 1)
	w.run(0, check.Down)
	w.runs(10, check.Down)
	up, known := 600.0+130, 1200.0+130
	w.uptime(up/known, up/known, up/known)

	w.b.SetState("app", check.MonitorState{State: check.Maintenance, Since: w.now})
	w.runs(60, check.Maintenance)
	w.uptime(up/known, up/known, up/known)
	w.b.SetState("app", check.MonitorState{State: check.Up, Since: w.now})
	w.runs(10, check.Up)
	up, known = up+600, known+600
	w.uptime(up/known, up/known, up/known)

	w.b.SetState("app", check.MonitorState{State: check.Paused, Since: w.now})
	if v := w.view(); v.State != check.Paused || !v.Since.Equal(w.now) {
		t.Errorf("got %s since %s, want paused since %s", v.State, v.Since, w.now)
	}
	w.now = w.now.Add(time.Minute)
	w.b.SetState("app", check.MonitorState{State: check.Pending, Since: w.now})
	w.run(time.Minute, check.Up) // not known what was before it
	w.uptime(up/known, up/known, up/known)
}

func TestAShareThatIsNotWholeIsNotRounded(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Pending)
	w.run(300*time.Millisecond, check.Up)
	w.runs(60, check.Up)
	if v := w.view(); v.Uptime24h >= 1 || v.Uptime30d >= 1 {
		t.Errorf("got %v and %v, want less than 1 after 300 ms of pending", v.Uptime24h, v.Uptime30d)
	}
}

func TestStrip(t *testing.T) {
	w := newWorld(t)
	all := states()
	var want []Beat
	for i := range 200 {
		w.now = w.now.Add(time.Minute)
		b := Beat{State: all[i%len(all)], Start: w.now, Took: time.Duration(i) * 10 * time.Microsecond}
		if i == 199 {
			b.Took = 40 * time.Second
		}
		w.b.Record(check.Result{Monitor: w.m, Start: b.Start, Took: b.Took}, check.MonitorState{State: b.State})
		want = append(want, b)
		v := w.view()
		if got := v.Strip(); !slices.Equal(got, want[max(0, len(want)-90):]) {
			t.Fatalf("after %d runs: got %v", i+1, got)
		}
	}
	if got := (&View{}).Strip(); got != nil {
		t.Errorf("got %v of an empty view", got)
	}
}

func TestSetKeepsByIDAndType(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Up)
	stale := w.m
	w.m = &check.Monitor{ID: "app", Type: "http", URL: stale.URL}
	other := &check.Monitor{ID: "other", Type: "http"}
	w.b.Set([]*check.Monitor{other, w.m, other})
	if w.b.Record(check.Result{Monitor: stale, Start: w.now}, check.MonitorState{State: check.Down}) {
		t.Error("a stale result was taken")
	}
	if v := w.view(); v.State != check.Up || v.RunsOK != 1 || v.Monitor != w.m {
		t.Errorf("got %+v, want what was there under the new monitor", v)
	}
	var order []string
	w.b.Each(func(v *View) bool { order = append(order, v.Monitor.ID); return true })
	if !slices.Equal(order, []string{"other", "app"}) || w.b.Len() != 2 {
		t.Errorf("got %v, want the configured order", order)
	}
	w.b.Each(func(*View) bool { order = nil; return false })
	if order != nil {
		t.Error("Each went on")
	}

	w.b.TakeRollups()
	w.b.Set([]*check.Monitor{{ID: "app", Type: "guard"}})
	if v := w.view(); v.State != check.Pending || v.Last.Has {
		t.Errorf("got %+v, want a new monitor for a new type", v)
	}
	if got := w.b.TakeRollups(); len(got) != 3 || got[0].Monitor != "app" || got[0].Runs != 1 {
		t.Errorf("got %v, want the running roll-ups of what was removed", got)
	}
	if w.b.Record(check.Result{Monitor: w.m, Start: w.now}, check.MonitorState{}) || w.b.Record(check.Result{Monitor: other, Start: w.now}, check.MonitorState{}) {
		t.Error("a result of a removed monitor was taken")
	}
	if _, ok := w.b.Get("other"); ok || w.b.SetState("other", check.MonitorState{}) {
		t.Error("a removed monitor is still there")
	}
}

func TestRollups(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(-9 * time.Hour) // 23:00 of the day before
	w.b = New(func() time.Time { return w.now })
	w.b.Set([]*check.Monitor{w.m})
	w.run(0, check.Up)
	w.runs(65, check.Up)
	w.run(time.Minute, check.Down)
	w.runs(13, check.Down) // 00:19
	w.now = w.now.Add(10 * time.Minute)
	got := map[string]check.Rollup{}
	for _, r := range w.b.TakeRollups() {
		got[fmt.Sprintf("%s %s", r.Start.Format("02T15:04"), r.Span)] = r
	}
	for key, want := range map[string]check.Rollup{
		"01T23:00 10m0s":   {Runs: 10, Up: 10 * time.Minute, Known: 10 * time.Minute, Took: time.Second},
		"01T23:00 1h0m0s":  {Runs: 60, Up: time.Hour, Known: time.Hour, Took: 6 * time.Second},
		"01T00:00 24h0m0s": {Runs: 60, Up: time.Hour, Known: time.Hour, Took: 6 * time.Second},
		"02T00:00 10m0s":   {Runs: 10, Failures: 4, Up: 6 * time.Minute, Known: 10 * time.Minute, Took: 600 * time.Millisecond},
		"02T00:00 1h0m0s":  {Runs: 20, Failures: 14, Up: 6 * time.Minute, Known: 20 * time.Minute, Took: 600 * time.Millisecond},
	} {
		r, ok := got[key]
		if !ok {
			t.Errorf("no roll-up %s in %v", key, got)
			continue
		}
		want.Monitor, want.Span, want.Start = "app", r.Span, r.Start
		if want.Phases.Processing = time.Duration(want.Runs) * 100 * time.Millisecond; r != want {
			t.Errorf("%s: got %+v, want %+v", key, r, want)
		}
	}
	if len(got) != 11 {
		t.Errorf("got %d roll-ups, want 8 of ten minutes, 2 of hours, 1 of a day: %v", len(got), got)
	}
	if again := w.b.TakeRollups(); len(again) != 0 {
		t.Errorf("handed out twice: %v", again)
	}
}

// keep does what the store does: a roll-up takes the place of an older one of
// the same span.
type keep map[string]check.Rollup

func (k keep) save(rs []check.Rollup) {
	for _, r := range rs {
		k[fmt.Sprint(r.Monitor, r.Span, r.Start)] = r
	}
}

func (k keep) all() (rs []check.Rollup) {
	for _, r := range k {
		rs = append(rs, r)
	}
	return rs
}

func TestRestoreGoesOnWhereItWas(t *testing.T) {
	for _, minutes := range []int{5, 13, 65, 200, 26*60 + 7, 9*24*60 + 31} {
		t.Run(fmt.Sprint(minutes), func(t *testing.T) {
			w := newWorld(t)
			kept := keep{}
			w.run(0, check.Up)
			for i := range minutes {
				w.run(time.Minute, []check.State{check.Up, check.Up, check.Down}[i/7%3])
				kept.save(w.b.TakeRollups())
			}
			before := w.view()
			kept.save(w.b.Flush())
			w.b = New(func() time.Time { return w.now })
			w.b.Set([]*check.Monitor{w.m})
			w.b.Expect("app", 130*time.Second)
			w.b.Restore(kept.all())
			w.b.Restore(nil, check.MonitorState{ID: "app", Type: "http", State: before.State, Since: before.Since, Fault: before.Last.Fault}, check.MonitorState{ID: "gone"})
			after := w.view()
			if after.State != before.State || !after.Since.Equal(before.Since) || after.Last.Fault != before.Last.Fault || after.Last.Has {
				t.Errorf("got %+v, want the state of %+v", after, before)
			}
			w.uptime(before.Uptime24h, before.Uptime7d, before.Uptime30d)
			if got := w.b.Flush(); len(got) > 0 {
				fresh := keep{}
				fresh.save(got)
				for key, r := range fresh {
					if r != kept[key] {
						t.Errorf("the running span came back as %+v, was %+v", r, kept[key])
					}
				}
			}
		})
	}
}

func TestRestoreLeavesTheAbsenceOut(t *testing.T) {
	w := newWorld(t)
	w.run(0, check.Up)
	w.runs(20, check.Up)
	kept := keep{}
	kept.save(w.b.Flush())
	w.now = w.now.Add(3 * time.Hour)
	w.b = New(func() time.Time { return w.now })
	w.b.Set([]*check.Monitor{w.m})
	w.b.Restore(kept.all(), check.MonitorState{ID: "app", Type: "http", State: check.Up})
	w.run(30*time.Second, check.Down)
	w.run(20*time.Minute, check.Up) // of these 5 minutes are known
	w.uptime(0.8, 0.8, 0.8)
}

func TestRestoreForAnotherTypeOrTooLate(t *testing.T) {
	w := newWorld(t)
	w.b.Restore(nil, check.MonitorState{ID: "app", Type: "guard", State: check.Down})
	if v := w.view(); v.State != check.Pending {
		t.Errorf("got %s, want the state of another type left out", v.State)
	}
	w.b.Restore([]check.Rollup{
		{Monitor: "app", Span: 10 * time.Minute, Start: w.now.Add(-25 * time.Hour), Known: time.Minute},
		{Monitor: "app", Span: 10 * time.Minute, Start: w.now.Add(time.Hour), Known: time.Minute},
		{Monitor: "app", Span: time.Hour, Start: w.now.Add(-31 * 24 * time.Hour), Known: time.Minute},
		{Monitor: "app", Span: time.Hour, Start: w.now, Known: time.Minute},
		{Monitor: "app", Span: 24 * time.Hour, Start: w.now.Add(-48 * time.Hour), Known: time.Minute},
	})
	nan := math.NaN()
	w.uptime(nan, nan, nan)
}

func TestRestoreRuns(t *testing.T) {
	w := newWorld(t)
	w.b.RestoreRuns([]check.Run{
		{Monitor: "app", Start: w.now.Add(-time.Minute), State: check.Down, Took: time.Second},
		{Monitor: "app", Start: w.now.Add(-2 * time.Minute), State: check.Up, Took: time.Second},
		{Monitor: "gone", Start: w.now},
	})
	v := w.view()
	want := []Beat{{check.Up, w.now.Add(-2 * time.Minute), time.Second}, {check.Down, w.now.Add(-time.Minute), time.Second}}
	if got := v.Strip(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestClockIsSet(t *testing.T) {
	for _, jump := range []time.Duration{-2 * time.Second, -time.Hour, -50 * time.Hour, -40 * 24 * time.Hour, time.Hour, 40 * 24 * time.Hour, 20 * 365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			w := newWorld(t)
			w.run(0, check.Down)
			w.runs(180, check.Down)
			w.now = w.now.Add(jump)
			w.b.TakeRollups()
			w.run(time.Minute, check.Up)
			w.runs(48*60, check.Up)
			if v := w.view(); v.Uptime24h != 1 {
				t.Errorf("uptime is %v, want 1 two days after the clock was set", v.Uptime24h)
			}
			if v := w.view(); !(v.Uptime7d > 0.9) || v.Uptime7d > 1 {
				t.Errorf("uptime of 7 days is %v, want nearly 1", v.Uptime7d)
			}
			for _, r := range w.b.Flush() {
				if r.Known > r.Span || r.Up > r.Known {
					t.Errorf("got %+v, which knows more than there was", r)
				}
			}
		})
	}
}

func TestNobodyTakesTheRollups(t *testing.T) {
	w := newWorld(t)
	w.runs(30*24*60, check.Up)
	if got := len(w.b.TakeRollups()); got == 0 || got > maxPending {
		t.Errorf("got %d roll-ups, want at most %d", got, maxPending)
	}
}

func TestConcurrentUse(t *testing.T) {
	b := New(nil)
	monitors := make([]*check.Monitor, 20)
	for i := range monitors {
		monitors[i] = &check.Monitor{ID: fmt.Sprint("m", i), Type: "http"}
	}
	b.Set(monitors)
	var wg sync.WaitGroup
	for _, m := range monitors {
		wg.Go(func() {
			for range 200 {
				b.Record(check.Result{Monitor: m, Start: time.Now()}, check.MonitorState{State: check.Up})
			}
		})
	}
	wg.Go(func() {
		for i := range 50 {
			b.Set(monitors[i%2:])
			b.Expect("m3", time.Minute)
			b.SetState("m1", check.MonitorState{State: check.Paused})
		}
	})
	wg.Go(func() {
		for range 50 {
			b.Each(func(v *View) bool { return len(v.Strip()) <= 90 })
			b.TakeRollups()
			b.Restore(nil, check.MonitorState{ID: "m2", Type: "http", State: check.Up})
		}
	})
	wg.Wait()
	for _, m := range monitors[1:] {
		if v, ok := b.Get(m.ID); !ok || v.RunsOK != 200 {
			t.Errorf("%s: got %d runs, want 200", m.ID, v.RunsOK)
		}
	}
}

// fill has n monitors run once an hour for a month.
func fill(n, hours int) *Board {
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	b := New(func() time.Time { return now })
	monitors := make([]*check.Monitor, n)
	for i := range monitors {
		monitors[i] = &check.Monitor{ID: fmt.Sprint("monitor-", i), Type: "http"}
	}
	b.Set(monitors)
	for range hours {
		for _, m := range monitors {
			b.Record(check.Result{Monitor: m, Start: now}, check.MonitorState{State: check.Up})
		}
		now = now.Add(time.Hour)
		b.TakeRollups()
	}
	return b
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMemoryPerMonitor(t *testing.T) {
	for _, c := range []struct { // with their Monitors and the map
		name            string
		n, hours, bound int
	}{{"young", 10_000, 2, 2500}, {"after a month", 1000, 31 * 24, 5400}} {
		before := heapInUse()
		b := fill(c.n, c.hours)
		per := int(heapInUse()-before) / c.n
		t.Logf("%s: %d bytes per monitor", c.name, per)
		if per > c.bound {
			t.Errorf("%s: %d bytes per monitor, want at most %d", c.name, per, c.bound)
		}
		runtime.KeepAlive(b)
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	b := fill(1, 1)
	m := b.table.Load().list[0].monitor
	r := check.Result{Monitor: m, Start: time.Now(), Took: time.Millisecond, StatusCode: 200}
	s := check.MonitorState{State: check.Up}
	if got := testing.AllocsPerRun(1000, func() { b.Record(r, s) }); got > 0 {
		t.Errorf("got %v allocations per result, want none", got)
	}
}

func BenchmarkRecord(b *testing.B) {
	board := fill(1000, 1)
	list := board.table.Load().list
	s := check.MonitorState{State: check.Up}
	start := time.Now()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		board.Record(check.Result{Monitor: list[i%1000].monitor, Start: start, Took: time.Millisecond, StatusCode: 200}, s)
	}
}

func BenchmarkEach(b *testing.B) {
	board := fill(10_000, 1)
	b.ReportAllocs()
	for b.Loop() {
		board.Each(func(*View) bool { return true })
	}
}
