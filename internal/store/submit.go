package store

import (
	"context"
	"errors"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Commit stores a change in one transaction and returns when it is on disk. An
// *UnwrittenError means that it is kept in memory and will be written, in
// order, when that is possible. It waits neither longer than ctx nor than
// Options.SlowAfter.
func (s *Store) Commit(ctx context.Context, c check.Change) error {
	if c.Empty() {
		return nil
	}
	return s.submit(ctx, func(b *batch) { b.add(c, s.o.Now()) })
}

// Sending notes that an attempt to deliver is about to be made: after a crash
// it may have reached its notifier.
func (s *Store) Sending(ctx context.Context, id int64) error {
	return s.submit(ctx, func(b *batch) { b.mark(id, sending, s.o.Now()) })
}

// Done notes how a delivery ended: delivered, refused, superseded or dropped.
func (s *Store) Done(ctx context.Context, id int64, outcome string) error {
	return s.submit(ctx, func(b *batch) { b.mark(id, outcome, s.o.Now()) })
}

// Keep stores what somebody ordered, or took back, as Commit does.
func (s *Store) Keep(ctx context.Context, orders ...check.Order) error {
	if len(orders) == 0 {
		return nil
	}
	return s.submit(ctx, func(b *batch) { b.order(orders) })
}

// submit puts a change into the next batch and waits until that is written.
// Changes that come while a batch is being written share the next one.
func (s *Store) submit(ctx context.Context, change func(*batch)) error {
	result := make(chan error, 1)
	wait, err := s.put(change, result)
	if err != nil || wait == 0 {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err = <-result:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errors.New("the disk is slow")
	}
	if err != nil {
		return &UnwrittenError{err}
	}
	return nil
}

// put returns how long to wait for result, 0 when there is nothing to wait for.
func (s *Store) put(change func(*batch), result chan<- error) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errors.New("the store is closed")
	}
	change(s.next)
	if s.o.Path == "" {
		s.next.keepIncidents()
		return 0, nil
	}
	s.stats.RowsDropped += uint64(s.next.bound(s.o.maxPending))
	if s.failing != nil {
		return 0, &UnwrittenError{s.failing}
	}
	wait := s.o.SlowAfter
	if !s.busy.IsZero() {
		// Whoever comes while the disk hangs has waited with those before.
		wait = max(wait-time.Since(s.busy), time.Millisecond)
	}
	s.next.waiters = append(s.next.waiters, result)
	s.kick()
	return wait, nil
}

// kick has the writer look for work. It never blocks.
func (s *Store) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// AppendRuns adds to the history. It never waits; what finds no room is
// counted in Stats.RowsDropped.
func (s *Store) AppendRuns(rows []check.Run) {
	if s.o.Path == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fits := max(0, min(len(rows), s.o.maxRuns-len(s.runs)-len(s.flight)))
	s.stats.RowsDropped += uint64(len(rows) - fits)
	for i := range rows[:fits] {
		s.runs = append(s.runs, packRun(rows[i]))
	}
	if len(s.runs) >= flushRows {
		s.kick()
	}
}

// SaveRollups stores roll-ups, each in place of what was saved before of the
// same monitor and span. It never waits.
func (s *Store) SaveRollups(rs []check.Rollup) {
	if s.o.Path == "" || len(rs) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rollups = append(s.rollups, rs...)
	if len(s.rollups) > maxRollups {
		before := len(s.rollups)
		s.rollups = newestRollups(s.rollups, maxRollups)
		s.stats.RowsDropped += uint64(before - len(s.rollups))
	}
	s.kick()
}
