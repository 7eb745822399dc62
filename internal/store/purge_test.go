package store

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// clock is a wall clock that tests set.
type clock struct{ n atomic.Int64 }

func (c *clock) now() time.Time         { return time.Unix(0, c.n.Load()) }
func (c *clock) set(t time.Time) *clock { c.n.Store(t.UnixNano()); return c }

// count counts the rows of a table of a closed database.
func count(t *testing.T, path, table string) int {
	t.Helper()
	d := raw(t, path)
	defer d.close()
	n := 0
	if err := d.conn.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	path := file(t)
	c := new(clock).set(at(0))
	o := Options{Path: path, Now: c.now, flushEvery: 5 * time.Millisecond}
	s := open(t, o)
	closed := incident("closed", 1)
	closed.Closed = at(2)
	commit(t, s, check.Change{Incidents: []check.IncidentRecord{closed, incident("open", 1)}, Deliveries: []check.Delivery{delivery(1), delivery(2), delivery(3)}})
	for _, id := range []int64{1, 3} {
		if err := s.Done(t.Context(), id, "delivered"); err != nil {
			t.Fatal(err)
		}
	}
	// A long history: the purge takes several steps.
	for i := range 2500 {
		s.AppendRuns([]check.Run{{Monitor: fmt.Sprint("m", i%7), Start: at(i), State: check.Up}})
	}
	s.SaveRollups([]check.Rollup{{Monitor: "a", Span: 10 * time.Minute, Start: at(0)}, {Monitor: "a", Span: time.Hour, Start: at(0)}, {Monitor: "a", Span: day, Start: at(0)}})
	closeStore(t, s)
	for table, want := range map[string]int{"runs": 2500, "rollups": 3, "incidents": 2, "deliveries": 3} {
		if n := count(t, path, table); n != want {
			t.Fatalf("%s: %d rows, want %d", table, n, want)
		}
	}
	for _, step := range []struct {
		after time.Duration
		want  map[string]int
	}{
		{23 * time.Hour, map[string]int{"runs": 2500, "rollups": 3, "incidents": 2, "deliveries": 3}},
		{25 * time.Hour, map[string]int{"runs": 0, "slots": 0, "rollups": 3, "incidents": 2, "deliveries": 3}},
		{9 * day, map[string]int{"rollups": 2, "incidents": 2, "deliveries": 2}}, // the waiting one and the last
		{101 * day, map[string]int{"rollups": 1, "incidents": 1, "deliveries": 2}},
		{800 * day, map[string]int{"rollups": 0, "incidents": 1, "deliveries": 2}},
	} {
		c.set(at(0).Add(step.after))
		g := &gate{}
		o.before = g.before
		s := open(t, o)
		until(t, "the purge went round twice", func() bool { return g.count("purge") > 20 })
		closeStore(t, s)
		for table, want := range step.want {
			if n := count(t, path, table); n != want {
				t.Errorf("after %v %s has %d rows, want %d", step.after, table, n, want)
			}
		}
	}
}

// A clock that was far ahead and is set right does not keep runs for ever.
func TestRunsOfAClockThatWasAheadAreForgotten(t *testing.T) {
	path := file(t)
	c := new(clock).set(at(0).Add(400 * day))
	g := &gate{}
	s := open(t, Options{Path: path, Now: c.now, flushEvery: 5 * time.Millisecond, before: g.before})
	appendOne := func() {
		before := g.count("runs")
		s.AppendRuns([]check.Run{{Monitor: "m", Start: c.now(), State: check.Up}})
		until(t, "it is being written", func() bool { return g.count("runs") > before })
		rounds := g.count("purge")
		until(t, "the purge that comes after it", func() bool { return g.count("purge") > rounds+20 })
	}
	appendOne()
	c.set(at(0))
	until(t, "what was ahead is forgotten", func() bool { runs, err := s.Runs(t.Context(), "m", 10); return err == nil && len(runs) == 0 })
	appendOne()
	if runs, err := s.Runs(t.Context(), "m", 10); err != nil || len(runs) != 1 || !runs[0].Start.Equal(at(0).Truncate(time.Millisecond)) {
		t.Errorf("%d runs are left (%v), want the last", len(runs), err)
	}
}

func TestTheOldestRunsMakeRoom(t *testing.T) {
	path := file(t)
	g := &gate{}
	s := open(t, Options{Path: path, flushEvery: 5 * time.Millisecond, MaxBytes: 1 << 20, before: g.before})
	message := strings.Repeat("m", 200)
	for i := range 20 {
		rows := make([]check.Run, 1000)
		for j := range rows {
			rows[j] = check.Run{Monitor: fmt.Sprint("m", j), Start: at(i), State: check.Down, Class: check.Network, Reason: check.DNS, Message: message}
		}
		before := g.count("runs")
		s.AppendRuns(rows)
		until(t, "the rows are written", func() bool { return g.count("runs") > before })
	}
	rounds := g.count("purge")
	until(t, "room is made", func() bool { return g.count("purge") > rounds+40 })
	runs, err := s.Runs(t.Context(), "m1", 100)
	if err != nil || len(runs) == 0 || len(runs) > 8 || !runs[0].Start.Equal(at(19).Truncate(time.Millisecond)) {
		t.Errorf("%d runs of one monitor are left (%v), want the newest few", len(runs), err)
	}
}

func TestStateGoesBeforeHistory(t *testing.T) {
	g := &gate{only: "runs"}
	s := open(t, Options{Path: file(t), flushEvery: time.Millisecond, before: g.before})
	t.Cleanup(g.release)
	g.shut()
	rows := make([]check.Run, 8000)
	for i := range rows {
		rows[i] = check.Run{Monitor: "a", Start: at(i)}
	}
	s.AppendRuns(rows)
	until(t, "the flush has begun", func() bool { return g.count("runs") > 0 })
	done := make(chan error, 1)
	go func() { done <- s.Commit(t.Context(), change(1)) }()
	until(t, "the change waits", func() bool { return s.Stats().Unwritten > 0 })
	g.release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := g.count("runs"); n > 3 {
		t.Errorf("%d transactions of history went before the state", n)
	}
}

func TestTheRunsOfAMonitorAreNotSorted(t *testing.T) {
	path := file(t)
	closeStore(t, openPlain(t, path))
	d := raw(t, path)
	defer d.close()
	rows, err := d.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+runsQuery, "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var a, b, c int
		var text string
		if err := rows.Scan(&a, &b, &c, &text); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, text)
	}
	if all := strings.Join(plan, "\n"); strings.Contains(all, "TEMP B-TREE") || !strings.Contains(all, "(slot=? AND mon=?)") {
		t.Errorf("the plan sorts or scans:\n%s", all)
	}
}
