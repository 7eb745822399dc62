package store

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func at(seconds int) time.Time { return time.Unix(1_700_000_000+int64(seconds), 123456789).UTC() }

// open opens a store that is closed with the test.
func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "watchword.db") }

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, s *Store, c check.Change) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func load1(t *testing.T, s *Store) Snapshot {
	t.Helper()
	found, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func state(id string, fails int) check.MonitorState {
	return check.MonitorState{ID: id, Type: "http", State: check.Down, Since: at(fails), Failing: at(0), Fails: fails, Passes: 1, Incident: "i1",
		Fault: &check.FaultText{Class: check.IDP, Reason: check.TokenTimeout, Message: "m", Hint: "h"}}
}

func warned() []check.Warned {
	return []check.Warned{{Fingerprint: "ab12", Threshold: 7 * 24 * time.Hour, NotAfter: at(5), Told: []string{"ops"}}}
}

func incident(id string, opened int) check.IncidentRecord {
	return check.IncidentRecord{ID: id, Cause: check.Cause{Kind: check.CauseProvider, Key: "https://auth.example.com"}, Fault: check.FaultText{Class: check.IDP, Reason: check.TokenTimeout, Message: "m"},
		Opened: at(opened), Members: []check.Member{{ID: "a", Name: "A", Since: at(0)}}, Ledger: json.RawMessage(`{"told":["ops"]}`)}
}

func delivery(id int64) check.Delivery {
	return check.Delivery{ID: id, Notifier: "ops", Kind: check.KindDown, At: at(int(id)), Events: []check.Event{{
		Incident: "i1", Kind: check.KindDown, At: at(1), Since: at(0), Cause: check.Cause{Kind: check.CauseMonitor, Key: "a"}, Severity: check.Critical,
		Fault: check.FaultText{Class: check.Network, Reason: check.DNS, Message: "m"}, Members: []check.Member{{ID: "a", Name: "A"}}}}}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestEverythingComesBack(t *testing.T) {
	path := file(t)
	s := open(t, Options{Path: path})
	found := load1(t, s)
	equal(t, "a new database", found, Snapshot{})
	closed := incident("i0", 1)
	closed.Closed = at(5)
	commit(t, s, check.Change{
		States:     []check.MonitorState{state("a", 3), state("b", 1), {ID: "c", Type: "http", State: check.Up}},
		Incidents:  []check.IncidentRecord{incident("i1", 2), closed},
		Deliveries: []check.Delivery{delivery(7), delivery(8), delivery(9)},
	})
	c := state("c", 2)
	c.Warned = warned()
	commit(t, s, check.Change{Removed: []string{"b", "c"}, States: []check.MonitorState{c}})
	for _, err := range []error{s.Sending(t.Context(), 7), s.Done(t.Context(), 7, "delivered"), s.Sending(t.Context(), 8)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)

	s = open(t, Options{Path: path})
	found = load1(t, s)
	equal(t, "after a restart", found, Snapshot{
		States:       []check.MonitorState{state("a", 3), c},
		Open:         []check.IncidentRecord{incident("i1", 2)},
		Deliveries:   []StoredDelivery{{delivery(8), true}, {delivery(9), false}},
		LastDelivery: 9,
		Newest:       at(3).Truncate(time.Second),
	})
	for state, want := range map[string][]check.IncidentRecord{"open": {incident("i1", 2)}, "all": {incident("i1", 2), closed}} {
		got, err := s.Incidents(t.Context(), state, 10)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, state+" incidents", got, want)
	}
	if st := s.Stats(); !st.Writable || st.Errors != 0 || st.Unwritten != 0 || st.Bytes == 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestRunsComeBackNewestFirst(t *testing.T) {
	path := file(t)
	now := at(0)
	s := open(t, Options{Path: path, Now: func() time.Time { return now }})
	run := func(id string, second int) check.Run {
		return check.Run{Monitor: id, Start: at(second).Truncate(time.Millisecond), Took: 1234 * time.Microsecond, Status: 200, State: check.Up, Location: "eu",
			Phases: check.Phases{Token: 1 * time.Microsecond, Resolve: 2 * time.Microsecond, Connect: 3 * time.Microsecond, TLS: 4 * time.Microsecond, Processing: 5 * time.Microsecond, Transfer: time.Minute}}
	}
	failed := run("a", 4)
	failed.State, failed.Class, failed.Reason, failed.Message = check.Down, check.IDP, check.TokenTimeout, "m"
	s.AppendRuns([]check.Run{run("b", 1), run("a", 2), run("b", 3), failed})
	expect := func(what string, limit int, want ...check.Run) {
		t.Helper()
		got, err := s.Runs(t.Context(), "a", limit)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, what, got, want)
	}
	expect("before the flush", 5, failed, run("a", 2))
	closeStore(t, s)
	s = open(t, Options{Path: path, Now: func() time.Time { return now }})
	expect("after a restart", 5, failed, run("a", 2))
	s.AppendRuns([]check.Run{run("a", 6), run("a", 5)})
	expect("in both places", 3, run("a", 6), run("a", 5), failed)
	closeStore(t, s)
	s = open(t, Options{Path: path})
	expect("from two slots", 3, run("a", 6), run("a", 5), failed)
}

func TestRollupsAreReplacedAndRead(t *testing.T) {
	path := file(t)
	now := time.Date(2026, 5, 4, 12, 5, 0, 0, time.UTC)
	o := Options{Path: path, Now: func() time.Time { return now }}
	s := open(t, o)
	roll := func(span time.Duration, back time.Duration, runs int) check.Rollup {
		return check.Rollup{Monitor: "a", Span: span, Start: now.Add(-back).Truncate(span), Runs: runs, Failures: 1, Up: time.Minute, Known: span, Took: time.Second,
			Phases: check.Phases{Token: time.Second, Transfer: time.Millisecond}}
	}
	s.SaveRollups([]check.Rollup{roll(time.Hour, 0, 1), roll(time.Hour, 0, 2)})
	s.SaveRollups([]check.Rollup{roll(time.Hour, 0, 3), roll(10*time.Minute, time.Hour, 4), roll(10*time.Minute, 25*time.Hour, 5), roll(time.Hour, 31*day, 6), roll(time.Hour, 29*day, 7), roll(day, day, 8)})
	closeStore(t, s)
	s = open(t, o)
	var got []check.Rollup
	if err := s.EachRollup(t.Context(), func(rs []check.Rollup) error { got = append(got, rs...); return nil }); err != nil {
		t.Fatal(err)
	}
	equal(t, "roll-ups", got, []check.Rollup{roll(time.Hour, 29*day, 7), roll(time.Hour, 0, 3), roll(10*time.Minute, time.Hour, 4)})
}

func TestMemoryOnly(t *testing.T) {
	s := open(t, Options{})
	commit(t, s, check.Change{States: []check.MonitorState{state("a", 1)}, Incidents: []check.IncidentRecord{incident("i1", 1)}, Deliveries: []check.Delivery{delivery(1)}})
	for i := range 3000 {
		r := incident(fmt.Sprintf("c%d", i), i)
		r.Closed = at(i + 1)
		commit(t, s, check.Change{Incidents: []check.IncidentRecord{r}})
	}
	if err := s.Done(t.Context(), 1, "delivered"); err != nil {
		t.Fatal(err)
	}
	s.AppendRuns([]check.Run{{Monitor: "a"}})
	s.SaveRollups([]check.Rollup{{Monitor: "a"}})
	open, err := s.Incidents(t.Context(), "open", 5)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "open", open, []check.IncidentRecord{incident("i1", 1)})
	all, err := s.Incidents(t.Context(), "all", 5000)
	if err != nil || len(all) < keptClosed || len(all) > keptClosed*11/10 || all[0].ID != "c2999" {
		t.Errorf("got %d incidents, %v; want about the newest %d", len(all), err, keptClosed)
	}
	if runs, err := s.Runs(t.Context(), "a", 5); err != nil || len(runs) != 0 {
		t.Errorf("got runs %v, %v; want none", runs, err)
	}
	if st := s.Stats(); !st.Writable || !st.MemoryOnly {
		t.Errorf("stats %+v", st)
	}
}
