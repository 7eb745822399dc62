package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// raw opens a database file as it is.
func raw(t *testing.T, path string) *database {
	t.Helper()
	d, err := connect(t.Context(), writerDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func sqlExec(t *testing.T, d *database, text string) {
	t.Helper()
	if _, err := d.conn.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// TestMigrations opens a database of each schema there ever was, with the rows
// of testdata in it, and expects all of them to come back.
func TestMigrations(t *testing.T) {
	steps := migrations()
	fixtures, err := filepath.Glob("testdata/schema-*.sql")
	if err != nil || len(fixtures) != len(steps) {
		t.Fatalf("%d schemas and %d fixtures (%v): each schema needs one", len(steps), len(fixtures), err)
	}
	for v := 1; v <= len(steps); v++ {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			path := file(t)
			d := raw(t, path)
			if err := d.migrate(t.Context(), path, steps[:v]); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(fmt.Sprintf("testdata/schema-%d.sql", v))
			if err != nil {
				t.Fatal(err)
			}
			sqlExec(t, d, string(text))
			d.close()
			verifyFixture(t, path, v)
		})
	}
}

func verifyFixture(t *testing.T, path string, schema int) {
	t.Helper()
	b := check.MonitorState{ID: "b", Type: "http", State: check.Up, Since: at(0)}
	if schema >= 2 {
		b.Warned = warned()
	}
	states := []check.MonitorState{state("a", 3), b}
	var orders []check.Order
	if schema >= 3 {
		states = append(states, check.MonitorState{ID: "c", Type: "http", State: check.Maintenance, Since: at(3), Failing: at(0), Fails: 1,
			Cover: &check.Cover{From: at(3), State: check.Pending, Since: at(0)}})
		orders = []check.Order{{Kind: "pause", Name: "a", Body: []byte(`{"paused":true}`)}}
	}
	s := open(t, Options{Path: path, Now: func() time.Time { return at(100) }})
	event := func(id int64, kind check.Kind) check.Delivery {
		return check.Delivery{ID: id, Notifier: "ops", Kind: kind, At: at(int(id)), Events: []check.Event{}}
	}
	found := load1(t, s)
	equal(t, "snapshot", found, Snapshot{
		States: states, Orders: orders,
		Open:         []check.IncidentRecord{incident("i1", 2)},
		Deliveries:   []StoredDelivery{{event(8, check.KindDown), true}, {event(9, check.KindUp), false}},
		LastDelivery: 9, Newest: time.Unix(1700000060, 0).UTC(),
	})
	runs, err := s.Runs(t.Context(), "a", 5)
	if err != nil || len(runs) != 1 || runs[0].Class != check.IDP || runs[0].Phases.Transfer != 6*time.Microsecond {
		t.Errorf("runs %+v, %v", runs, err)
	}
	n := 0
	if err := s.EachRollup(t.Context(), func(rs []check.Rollup) error { n += len(rs); return nil }); err != nil || n != 1 {
		t.Errorf("%d roll-ups, %v", n, err)
	}
}

func TestAFailingMigrationChangesNothing(t *testing.T) {
	path := file(t)
	d := raw(t, path)
	defer d.close()
	steps := append(migrations(), "CREATE TABLE more (a); INSERT INTO nowhere VALUES (1)")
	for range 2 {
		err := d.migrate(t.Context(), path, steps)
		last := len(steps) - 1
		if want := fmt.Sprintf("from schema %d to %d", last, last+1); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want which step failed", err)
		}
		if v, err := d.version(t.Context(), path); err != nil || v != last {
			t.Errorf("schema %d, %v; want %d", v, err, last)
		}
	}
	if err := d.migrate(t.Context(), path, append(migrations(), "CREATE TABLE more (a)")); err != nil {
		t.Errorf("after the failure: %v", err)
	}
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	path := file(t)
	closeStore(t, openPlain(t, path))
	d := raw(t, path)
	sqlExec(t, d, "PRAGMA user_version = 99")
	d.close()
	_, err := Open(t.Context(), Options{Path: path})
	var newer *NewerError
	if !errors.As(err, &newer) || newer.Schema != 99 || newer.Known != len(migrations()) {
		t.Fatalf("got %v, want that it is newer", err)
	}
	// The lock is free again.
	d = raw(t, path)
	sqlExec(t, d, fmt.Sprint("PRAGMA user_version = ", len(migrations())))
	d.close()
	openPlain(t, path)
}

func TestADatabaseOfOthersIsLeftAlone(t *testing.T) {
	path := file(t)
	d := raw(t, path)
	sqlExec(t, d, "CREATE TABLE heartbeat (id INTEGER)")
	d.close()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Path: path})
	if _, ok := errors.AsType[*ForeignError](err); !ok {
		t.Fatalf("got %v, want that it is another's", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	path := file(t)
	s := openPlain(t, path)
	commit(t, s, change(1))
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", suffix, mode)
		}
	}
}

func TestOpenHonoursItsContext(t *testing.T) {
	g := &gate{}
	g.shut()
	defer g.release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, Options{Path: file(t), before: g.before}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that time was up", err)
	}
}

func TestADiskThatHangsAtTheStart(t *testing.T) {
	g := &gate{}
	g.shut()
	path := file(t)
	old := openPlain(t, path)
	commit(t, old, change(1))
	closeStore(t, old)
	late := make(chan Snapshot, 1)
	s := open(t, Options{Path: path, SlowAfter: 10 * time.Millisecond, before: g.before, Late: func(found Snapshot) { late <- found }})
	if found := load1(t, s); !found.Unread {
		t.Errorf("found %+v", found)
	}
	unwritten(t, time.Now(), s.Commit(t.Context(), change(2)))
	g.release()
	if found := <-late; len(found.Open) != 1 {
		t.Errorf("late: %+v", found)
	}
	until(t, "everything is written", func() bool { return s.Stats().Unwritten == 0 })
}
