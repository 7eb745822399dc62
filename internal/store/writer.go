package store

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/gofrs/flock"
	"github.com/watchword/watchword/internal/check"
)

const (
	lastRetry = 30 * time.Second // the longest between two attempts
	idle      = time.Minute
)

// writer is the goroutine that owns the database. Its fields are its own.
type writer struct {
	s       *Store
	lock    *flock.Flock
	fresh   bool      // the lock file was made by this writer
	db      *database // nil while it cannot be opened
	file    os.FileInfo
	delay   time.Duration // before the next attempt, 0 while all is well
	retry   time.Time     // when the next attempt is due
	flushed time.Time     // when the last flush began
	rows    []runRow      // of the flush in progress, those not written yet
	begun   bool          // rows have their slot
	rolls   []check.Rollup
	purge   purge
	last    bool // the store is being closed: everything is due now
}

// run writes until the store is closed.
func (w *writer) run(ctx context.Context) {
	defer close(w.s.done)
	defer w.release()
	w.flushed = time.Now()
	err := w.open(ctx)
	if fatal(err) {
		w.s.first <- err
		return
	}
	w.settle(err)
	w.s.first <- nil
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-w.s.stop:
			w.finish(ctx)
			return
		case <-w.s.wake:
		case <-timer.C:
		}
		timer.Reset(w.work(ctx))
	}
}

// work does all that is due, one transaction at a time and always the most
// urgent, and returns when to look again at the latest.
func (w *writer) work(ctx context.Context) time.Duration {
	for {
		if wait := time.Until(w.retry); w.delay > 0 && wait > 0 && !w.last {
			return wait
		}
		did, err := w.step(ctx)
		w.settle(err)
		if w.last && err != nil {
			return 0
		}
		if err == nil && !did {
			return min(idle, max(time.Until(w.flushed.Add(w.s.o.flushEvery)), time.Millisecond))
		}
		if w.abandoned() {
			return 0
		}
	}
}

// step does the most urgent thing. It returns false when there is nothing. All
// of it may hang: on a network's disk even the look whether the file is there.
func (w *writer) step(ctx context.Context) (bool, error) {
	w.s.setBusy(time.Now())
	defer w.s.setBusy(time.Time{})
	if w.db == nil {
		if err := w.open(ctx); err != nil {
			return false, err
		}
	}
	for _, try := range []func(context.Context) (bool, error){w.writeBatch, w.writeRollups, w.writeRuns, w.keepHouse} {
		if did, err := try(ctx); did || err != nil {
			return did, err
		}
	}
	return false, nil
}

// settle draws the consequences of an attempt: after a failure the database is
// opened anew, later and later.
func (w *writer) settle(err error) {
	if err == nil {
		w.delay = 0
		w.s.recover()
		return
	}
	w.delay = min(max(w.s.o.retry, 2*w.delay), lastRetry)
	w.retry = time.Now().Add(w.delay)
	w.s.fail(plain(w.s.o.Path, err))
	if w.db == nil {
		return
	}
	if corrupt(err) {
		w.quarantine(context.Background(), err)
		return
	}
	w.db.close()
	w.db = nil
}

// measured runs one transaction under the store's eyes.
func (w *writer) measured(step string, f func() error) error {
	began := time.Now()
	err := w.s.o.before(step)
	if err == nil {
		err = f()
	}
	if err == nil && step == "state" {
		w.s.o.Observe(time.Since(began))
	}
	return err
}

// setBusy notes since when the disk is being waited for; the zero time: it is not.
func (s *Store) setBusy(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = since
}

// writeBatch writes the changes that have come together.
func (w *writer) writeBatch(ctx context.Context) (bool, error) {
	s := w.s
	s.mu.Lock()
	changes := s.next.size()
	s.mu.Unlock()
	if changes > 0 { // what a deleted file takes in is lost
		if err := w.stillThere(); err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	b := s.next
	if b.size() == 0 {
		waiters := b.waiters
		b.waiters = nil
		s.mu.Unlock()
		(&batch{waiters: waiters}).release(nil)
		return false, nil
	}
	s.next, s.flying = newBatch(), b
	s.mu.Unlock()
	err := w.measured("state", func() error { return w.db.writeBatch(ctx, b) })
	s.mu.Lock()
	s.flying = nil
	if err != nil {
		s.next.under(b)
	}
	s.mu.Unlock()
	b.release(err)
	return true, err
}

// writeRollups writes one transaction of roll-ups.
func (w *writer) writeRollups(ctx context.Context) (bool, error) {
	if len(w.rolls) == 0 {
		w.s.mu.Lock()
		w.rolls, w.s.rollups = w.s.rollups, nil
		w.s.mu.Unlock()
	}
	if len(w.rolls) == 0 {
		return false, nil
	}
	part := w.rolls[:min(len(w.rolls), txRows)]
	err := w.measured("rollups", func() error {
		if err := w.number(ctx, len(part), func(i int) string { return part[i].Monitor }); err != nil {
			return err
		}
		return w.db.writeRollups(ctx, part)
	})
	if err == nil {
		w.rolls = w.rolls[len(part):]
	}
	return true, err
}

// writeRuns writes one transaction of the flush in progress, or begins one
// when it is due.
func (w *writer) writeRuns(ctx context.Context) (bool, error) {
	if len(w.rows) == 0 && !w.beginFlush() {
		return false, nil
	}
	err := w.measured("runs", func() error {
		if !w.begun {
			// Numbers come first: rows are sorted by them.
			if err := w.number(ctx, len(w.rows), func(i int) string { return w.rows[i].monitor }); err != nil {
				return err
			}
			w.s.mu.Lock() // those who read see the rows as well
			w.db.beginSlot(w.rows, w.s.o.Now())
			w.s.mu.Unlock()
			w.begun = true
		}
		return w.db.writeRuns(ctx, w.rows[:min(len(w.rows), txRows)])
	})
	if err != nil {
		w.begun = false // the next database gives another slot
		return true, err
	}
	w.rows = w.rows[min(len(w.rows), txRows):]
	w.s.mu.Lock()
	w.s.flight = w.rows
	w.s.mu.Unlock()
	return true, nil
}

// beginFlush takes the runs that wait, if a flush is due.
func (w *writer) beginFlush() bool {
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	due := w.last || len(s.runs) >= flushRows || time.Since(w.flushed) >= s.o.flushEvery
	if !due {
		return false
	}
	w.flushed = time.Now()
	w.purge.due = true
	if len(s.runs) == 0 {
		return false
	}
	w.rows, s.runs, w.begun = s.runs, make([]runRow, 0, len(s.runs)), false
	s.flight = w.rows
	return true
}

// number gives numbers to monitors that have none, in transactions of their own.
func (w *writer) number(ctx context.Context, n int, next func(int) string) error {
	for {
		ids := w.db.unnumbered(n, next)
		if len(ids) == 0 {
			return nil
		}
		if err := w.db.numberMonitors(ctx, ids); err != nil {
			return err
		}
	}
}

// finish writes all that is left, in one attempt; a file that is gone gets
// another.
func (w *writer) finish(ctx context.Context) {
	w.last = true
	w.work(ctx)
	if w.db == nil && !w.abandoned() {
		w.work(ctx)
	}
	if w.db != nil && !w.abandoned() {
		_ = w.db.checkpoint(ctx, "TRUNCATE") // only saves the next start some work
	}
}

func (w *writer) abandoned() bool {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.s.abandon
}

// release closes the database, lets everybody go and gives up the lock.
func (w *writer) release() {
	if w.db != nil {
		w.db.close()
	}
	w.s.mu.Lock()
	b := w.s.next
	waiters := b.waiters
	b.waiters = nil
	w.s.mu.Unlock()
	(&batch{waiters: waiters}).release(errors.New("the store is closed"))
	if w.lock != nil {
		_ = w.lock.Close()
	}
}
