package board

import (
	"fmt"
	"math"
	"reflect"
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
	if !reflect.DeepEqual(v.Last, want) || *v.Last.Fault != *r.Fault.Text() {
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

// keep does what the store does: a roll-up takes the place of an older one of
// the same span.
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
