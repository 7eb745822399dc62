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

	// What follows is for tests.
	before     func(step string) error // called before each transaction and each look at the file
	pragmas    func() []string         // more of them for each new connection
	flushEvery time.Duration           // of runs; 0 is a minute
	retry      time.Duration           // after the first failure; 0 is a second
	maxRuns    int                     // waiting to be written; 0 is 65536
	maxPending int                     // incidents and deliveries each that wait; 0 is 10000
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
	if o.pragmas == nil {
		o.pragmas = func() []string { return nil }
	}
	o.retry = orElse(o.retry, time.Second)
	o.SlowAfter = orElse(o.SlowAfter, 2*time.Second)
	o.MaxBytes = orElse(o.MaxBytes, 1<<30)
	o.flushEvery = orElse(o.flushEvery, time.Minute)
	o.maxRuns = orElse(o.maxRuns, 1<<16)
	o.maxPending = orElse(o.maxPending, 10_000)
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
	busy     time.Time // when the step of the writer that is in progress began
	closed   bool
	abandon  bool // Close does not wait any longer
	stats    Stats
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
		s.mu.Lock()
		s.abandon = true // what hangs makes no file any more when it comes back
		s.mu.Unlock()
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
