// Package store keeps on disk what must outlive the process: the standing of
// every monitor, incidents, messages that are not delivered yet, and history.
//
// It never makes anybody wait for a disk that does not answer. What cannot be
// written is kept in memory, newer over older, and written when it can be. One
// goroutine writes, state before history; reading has connections of its own.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Options say where and how to store. The zero value of all but Path is useful.
type Options struct {
	Path      string // of the database; "" keeps incidents in memory and nothing else
	Version   string // of the program, shown to a second agent that finds the file held
	Log       *slog.Logger
	SlowAfter time.Duration // nobody waits longer for the disk; 0 is 2 s
	MaxBytes  int64         // of the database; the oldest runs go first; 0 is 1 GiB
	Now       func() time.Time
	Observe   func(d time.Duration) // how long each durable transaction took

	// Late is told what was found in a database that could not be read when
	// the agent started and now can be. It is called at most once, by the
	// goroutine that writes, and must not wait for the store.
	Late func(Snapshot)

	before     func(step string) error // called before each transaction, by tests
	flushEvery time.Duration           // of runs; 0 is a minute
	maxRuns    int                     // waiting to be written; 0 is 65536
}

func (o *Options) fill() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(time.Duration) {}
	}
	if o.before == nil {
		o.before = func(string) error { return nil }
	}
	o.SlowAfter = orElse(o.SlowAfter, 2*time.Second)
	o.MaxBytes = orElse(o.MaxBytes, 1<<30)
	o.flushEvery = orElse(o.flushEvery, time.Minute)
	o.maxRuns = orElse(o.maxRuns, 1<<16)
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Store is an open store. Its methods may be called from everywhere.
type Store struct {
	o     Options
	wake  chan struct{} // room for one
	stop  chan struct{} // closed by Close
	done  chan struct{} // closed by the writer when it has ended
	first chan error    // how the first attempt to open went
	read  reader

	mu       sync.Mutex
	next     *batch // what the writer takes next
	flying   *batch // what it is writing; not changed any more
	runs     []runRow
	flight   []runRow // runs that are being written
	rollups  []check.Rollup
	snapshot Snapshot
	loaded   bool // whether snapshot was read from the database
	given    bool // whether Load was called
	failing  error
	busy     time.Time // when the transaction in progress began
	closed   bool
	abandon  bool // Close does not wait any longer
	stats    Stats
}

// Stats says how the store is, for metrics and the API.
type Stats struct {
	Writable    bool   // the last attempt to write succeeded and none hangs
	MemoryOnly  bool   // there is no database by choice
	Errors      uint64 // failed attempts to open or write
	RowsDropped uint64 // rows that were never written for want of room
	Bytes       int64  // size of the database and its log, as last seen
	Unwritten   int    // states, incidents and deliveries that only memory has
	LastError   string // "" while all is well
}

// Open opens or creates the database and begins to write. The errors it
// returns mean that the agent must not start: *HeldError, *NewerError,
// *ForeignError or that of ctx. With any other trouble the store begins in
// memory and goes on trying. What is corrupt is moved aside, and what can be
// saved of it is.
func Open(ctx context.Context, o Options) (*Store, error) {
	o.fill()
	s := &Store{
		o: o, next: newBatch(), wake: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}), first: make(chan error, 1),
	}
	if o.Path == "" {
		s.stats = Stats{Writable: true, MemoryOnly: true}
		close(s.done)
		return s, nil
	}
	path, err := resolve(o.Path)
	if err != nil {
		return nil, fmt.Errorf("open database %q: %w", o.Path, err)
	}
	s.o.Path = path
	w := &writer{s: s}
	go w.run(context.WithoutCancel(ctx))
	patience := time.NewTimer(15 * s.o.SlowAfter)
	defer patience.Stop()
	select {
	case err = <-s.first:
		if err != nil {
			<-s.done // the writer ends by itself
			return nil, err
		}
		return s, nil
	case <-patience.C:
		s.fail(errors.New("opening the database takes too long"))
		return s, nil
	case <-ctx.Done():
		s.close()
		return nil, fmt.Errorf("open database %q: %w", path, ctx.Err())
	}
}

// resolve makes the path absolute and follows links, so that two names of one
// database have one lock.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(dir, filepath.Base(abs)), nil
	}
	return abs, nil
}

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
	s.stats.RowsDropped += uint64(s.next.bound(maxPending))
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

// Stats returns how the store is. It never waits for the disk.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	if st.MemoryOnly {
		return st
	}
	st.Unwritten = s.next.size()
	if s.flying != nil {
		st.Unwritten += s.flying.size()
	}
	hangs := !s.busy.IsZero() && time.Since(s.busy) > s.o.SlowAfter
	st.Writable = s.failing == nil && !hangs
	switch {
	case s.failing != nil:
		st.LastError = s.failing.Error()
	case hangs:
		st.LastError = "the disk does not answer"
	}
	return st
}

// Close writes what is still in memory, as far as ctx allows, and closes the
// database. Its error says what could not be written.
func (s *Store) Close(ctx context.Context) error {
	s.close()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.mu.Lock()
		s.abandon = true
		s.mu.Unlock()
		return fmt.Errorf("close database %q: %w", s.o.Path, ctx.Err())
	}
	if err := s.read.close(ctx); err != nil {
		return fmt.Errorf("close database %q: %w", s.o.Path, err)
	}
	st := s.Stats()
	if s.o.Path != "" && st.Unwritten > 0 {
		return fmt.Errorf("close database %q: %d changes could not be written: %s", s.o.Path, st.Unwritten, st.LastError)
	}
	return nil
}

func (s *Store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
}
