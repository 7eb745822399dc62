package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

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

// On a network's disk it is often the look at the file that hangs.
func TestALookAtTheFileThatHangs(t *testing.T) {
	g := &gate{only: "look"}
	s := open(t, Options{Path: file(t), SlowAfter: 50 * time.Millisecond, before: g.before})
	t.Cleanup(g.release)
	g.shut()
	unwritten(t, time.Now(), s.Commit(t.Context(), change(1)))
	until(t, "it is said", func() bool { return !s.Stats().Writable })
	began := time.Now()
	for n := 2; n < 12; n++ {
		unwritten(t, time.Now(), s.Commit(t.Context(), change(n)))
	}
	if took := time.Since(began); took > 400*time.Millisecond {
		t.Errorf("ten more commits took %s: each waited for the disk that hangs", took)
	}
	g.release()
	until(t, "all is written", func() bool { st := s.Stats(); return st.Writable && st.Unwritten == 0 })
}
