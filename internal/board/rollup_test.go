package board

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

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

func TestNobodyTakesTheRollups(t *testing.T) {
	w := newWorld(t)
	w.runs(30*24*60, check.Up)
	if got := len(w.b.TakeRollups()); got == 0 || got > maxPending {
		t.Errorf("got %d roll-ups, want at most %d", got, maxPending)
	}
}
