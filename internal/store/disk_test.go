package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
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
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Logf("no file system of our own: %v", err)
		return ""
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
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
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
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
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, ""); err != nil {
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

// gate holds transactions up.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // nil: open
	err  error
	seen map[string]int
	only string // "": every step is held up
}

func (g *gate) before(step string) error {
	g.mu.Lock()
	if g.seen == nil {
		g.seen = map[string]int{}
	}
	g.seen[step]++
	ch, err := g.open, g.err
	g.mu.Unlock()
	if ch != nil && (g.only == "" || g.only == step) {
		<-ch
	}
	return err
}

func (g *gate) shut() { g.mu.Lock(); g.open = make(chan struct{}); g.mu.Unlock() }
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		close(g.open)
		g.open = nil
	}
}
func (g *gate) fail(err error) { g.mu.Lock(); g.err = err; g.mu.Unlock() }
func (g *gate) count(step string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen[step]
}

func TestAHangingDisk(t *testing.T) {
	g := &gate{}
	path := file(t)
	s := open(t, Options{Path: path, SlowAfter: 100 * time.Millisecond, before: g.before})
	t.Cleanup(g.release)
	g.shut()
	began := time.Now()
	unwritten(t, began, s.Commit(t.Context(), change(1)))
	if took := time.Since(began); took < 90*time.Millisecond {
		t.Errorf("it gave up after %v", took)
	}
	// Those who come now do not wait all over again.
	began = time.Now()
	for n := 2; n < 52; n++ {
		unwritten(t, began, s.Commit(t.Context(), change(n)))
		s.AppendRuns([]check.Run{{Monitor: "a", Start: at(n)}})
		s.SaveRollups([]check.Rollup{{Monitor: "a", Span: time.Hour}})
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("50 commits waited %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sending(ctx, 1); err == nil {
		t.Error("an attempt was noted on a disk that hangs")
	}
	if got, err := s.Incidents(t.Context(), "open", 100); err != nil || len(got) != 51 {
		t.Errorf("%d incidents are shown (%v), want 51", len(got), err)
	}
	if st := s.Stats(); st.Writable || st.LastError == "" {
		t.Errorf("stats %+v", st)
	}
	g.release()
	until(t, "everything is written", func() bool { st := s.Stats(); return st.Writable && st.Unwritten == 0 })
	// All that came meanwhile shared a transaction or two.
	if n := g.count("state"); n > 3 {
		t.Errorf("%d transactions, want at most 3", n)
	}
	closeStore(t, s)
	if found := load1(t, openPlain(t, path)); len(found.Open) != 51 || !found.Deliveries[0].Sending || found.Deliveries[1].Sending {
		t.Errorf("found %+v", found)
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	g := &gate{}
	s := open(t, Options{Path: file(t), SlowAfter: 10 * time.Millisecond, before: g.before})
	g.shut()
	unwritten(t, time.Now(), s.Commit(t.Context(), change(1)))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that time was up", err)
	}
	g.release()
	<-s.done
	if err := s.Commit(t.Context(), change(2)); err == nil {
		t.Error("a closed store took a change")
	}
}

func TestWhatEndedBeforeItWasWrittenStaysEnded(t *testing.T) {
	g := &gate{}
	path := file(t)
	s := open(t, Options{Path: path, retry: 10 * time.Millisecond, before: g.before})
	commit(t, s, change(1))
	g.fail(errors.New("input/output error"))
	for n := 2; n < 5; n++ {
		unwritten(t, time.Now(), s.Commit(t.Context(), change(n)))
	}
	for id, outcome := range map[int64]string{1: "delivered", 2: "superseded", 3: "refused"} {
		unwritten(t, time.Now(), s.Sending(t.Context(), id))
		unwritten(t, time.Now(), s.Done(t.Context(), id, outcome))
	}
	g.fail(nil)
	until(t, "everything is written", func() bool { st := s.Stats(); return st.Writable && st.Unwritten == 0 })
	closeStore(t, s)
	found := load1(t, openPlain(t, path))
	equal(t, "what is left to send", found.Deliveries, []StoredDelivery{{Delivery: delivery(4)}})
}

func TestMemoryIsBoundedWhileTheDiskIsAway(t *testing.T) {
	const most = 500
	g := &gate{}
	s := open(t, Options{Path: file(t), retry: 10 * time.Millisecond, before: g.before, maxRuns: 100, maxPending: most})
	g.fail(errors.New("input/output error"))
	unwritten(t, time.Now(), s.Commit(t.Context(), change(1)))
	for n := range 3 * most {
		c := change(n + 1)
		c.States = nil
		c.Incidents[0].Closed = at(n + 2)
		s.Commit(t.Context(), c)
		s.Done(t.Context(), int64(n+1), "delivered")
	}
	for n := range 150 {
		s.AppendRuns([]check.Run{{Monitor: "a", Start: at(n)}})
	}
	st := s.Stats()
	if st.Unwritten > 3*most || st.RowsDropped < 3*most {
		t.Errorf("%d changes are kept, %d were dropped", st.Unwritten, st.RowsDropped)
	}
	g.fail(nil)
	until(t, "the disk is back", func() bool { return s.Stats().Writable && s.Stats().Unwritten == 0 })
	if runs, err := s.Runs(t.Context(), "a", 1000); err != nil || len(runs) != 100 {
		t.Errorf("%d runs are kept (%v), want 100", len(runs), err)
	}
}
