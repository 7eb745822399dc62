package board

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

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
