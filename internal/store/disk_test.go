package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func change(n int) check.Change {
	return check.Change{States: []check.MonitorState{state(fmt.Sprint("m", n), n)}, Incidents: []check.IncidentRecord{incident(fmt.Sprint("i", n), n)}, Deliveries: []check.Delivery{delivery(int64(n))}}
}

// unwritten expects that err says so, within a time.
func unwritten(t *testing.T, began time.Time, err error) {
	t.Helper()
	if _, ok := errors.AsType[*UnwrittenError](err); !ok {
		t.Fatalf("got %v, want that it is not written yet", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v to say so", took)
	}
}

func TestAFullDisk(t *testing.T) {
	var full atomic.Bool
	path := file(t)
	o := Options{Path: path, retry: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(newLines(), nil)), pragmas: func() []string {
		if full.Load() {
			return []string{"max_page_count(1)"} // it is raised to what there is
		}
		return nil
	}}
	s := open(t, o)
	commit(t, s, change(1))
	closeStore(t, s)
	full.Store(true)
	s = open(t, o)
	if found := load1(t, s); len(found.Open) != 1 {
		t.Errorf("found %+v", found)
	}
	// What fits the pages there are is written; all of this does not.
	refused := 0
	for n := 2; n < 200; n++ {
		began := time.Now()
		if err := s.Commit(t.Context(), change(n)); err != nil {
			unwritten(t, began, err)
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("the disk was not full")
	}
	if err := s.Done(t.Context(), 199, "delivered"); err == nil {
		t.Error("an end was written on a full disk")
	}
	if st := s.Stats(); st.Writable || st.Unwritten == 0 || st.Errors == 0 || st.LastError == "" {
		t.Errorf("stats %+v", st)
	}
	open, err := s.Incidents(t.Context(), "open", 1000)
	if err != nil || len(open) != 199 {
		t.Errorf("%d incidents are shown (%v), want 199", len(open), err)
	}
	full.Store(false)
	until(t, "everything is written", func() bool { st := s.Stats(); return st.Writable && st.Unwritten == 0 && st.LastError == "" })
	closeStore(t, s)
	s = openPlain(t, path)
	found := load1(t, s)
	if len(found.Open) != 199 || len(found.States) != 199 || len(found.Deliveries) != 198 || found.LastDelivery != 199 {
		t.Errorf("%d incidents, %d states, %d deliveries up to %d", len(found.Open), len(found.States), len(found.Deliveries), found.LastDelivery)
	}
}

func openPlain(t *testing.T, path string) *Store { t.Helper(); return open(t, Options{Path: path}) }

// tmpfs mounts a small file system; without the right to it, it returns "".
func tmpfs(t *testing.T) string {
	dir := t.TempDir()
	if err := mountTmpfs(dir, 0, "size=512k"); err != nil {
		t.Logf("no file system of our own: %v", err)
		return ""
	}
	t.Cleanup(func() { unmount(dir) })
	return dir
}

// fill leaves no room on the file system of dir and returns how to make some.
func fill(t *testing.T, dir string) func() {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() { os.Remove(name) }
}

func TestARealFullDisk(t *testing.T) {
	dir := tmpfs(t)
	if dir == "" {
		return
	}
	// A killed agent leaves a log that was not checkpointed.
	before := file(t)
	c := startChild(t, "commit", before)
	for range 9 {
		c.line(t)
	}
	c.end(t)
	path := filepath.Join(dir, "watchword.db")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(before + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free := fill(t, dir)
	s := open(t, Options{Path: path, retry: 10 * time.Millisecond})
	found := load1(t, s)
	if len(found.Open) < 9 || found.LastDelivery < 9 {
		t.Errorf("from a full disk: %d incidents, deliveries up to %d", len(found.Open), found.LastDelivery)
	}
	began := time.Now()
	for n := 1000; n < 1300; n++ {
		if err := s.Commit(t.Context(), change(n)); err != nil {
			unwritten(t, began, err)
			break
		}
	}
	if st := s.Stats(); st.Writable {
		t.Errorf("stats %+v", st)
	}
	free()
	until(t, "everything is written", func() bool { st := s.Stats(); return st.Writable && st.Unwritten == 0 })
	closeStore(t, s)
	if again := load1(t, openPlain(t, path)); len(again.Open) <= len(found.Open) {
		t.Errorf("%d incidents before, %d after", len(found.Open), len(again.Open))
	}
}

func TestAReadOnlyDisk(t *testing.T) {
	dir := tmpfs(t)
	if dir == "" {
		return
	}
	path := filepath.Join(dir, "watchword.db")
	s := openPlain(t, path)
	commit(t, s, change(1))
	closeStore(t, s)
	if err := mountTmpfs(dir, remount|readOnly, ""); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path, retry: 10 * time.Millisecond, Late: func(Snapshot) { t.Error("what was loaded came once more") }})
	if found := load1(t, s); len(found.Open) != 1 || found.LastDelivery != 1 || found.Unread {
		t.Errorf("found %+v", found)
	}
	unwritten(t, time.Now(), s.Commit(t.Context(), change(2)))
	if st := s.Stats(); st.Writable || st.Unwritten != 3 {
		t.Errorf("stats %+v", st)
	}
	if err := mountTmpfs(dir, remount, ""); err != nil {
		t.Fatal(err)
	}
	until(t, "everything is written", func() bool { return s.Stats().Writable })
	commit(t, s, change(3))
	closeStore(t, s)
	if found := load1(t, openPlain(t, path)); len(found.Open) != 3 {
		t.Errorf("%d incidents, want 3", len(found.Open))
	}
}

func TestAPathThatAppearsLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "watchword.db")
	late := make(chan Snapshot, 1)
	log := newLines()
	s := open(t, Options{Path: path, retry: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil)), Late: func(found Snapshot) { late <- found }})
	if found := load1(t, s); !found.Unread || found.LastDelivery < 1e15 {
		t.Errorf("found %+v, want that there may be more and a high number", found)
	}
	log.await(t, "cannot be written")
	unwritten(t, time.Now(), s.Commit(t.Context(), change(2)))
	if got, err := s.Incidents(t.Context(), "open", 5); err != nil || len(got) != 1 {
		t.Errorf("incidents %v, %v", got, err)
	}

	// The disk that is mounted at last has a database on it.
	elsewhere := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	old := openPlain(t, filepath.Join(elsewhere, "watchword.db"))
	commit(t, old, change(1))
	closeStore(t, old)
	if err := os.Rename(elsewhere, dir); err != nil {
		t.Fatal(err)
	}
	if found := <-late; len(found.Deliveries) != 1 || found.Deliveries[0].ID != 1 {
		t.Errorf("late: %+v", found)
	}
	log.await(t, "can be written again")
	closeStore(t, s)
	if found := load1(t, openPlain(t, path)); len(found.Open) != 2 {
		t.Errorf("%d incidents, want 2", len(found.Open))
	}
}
