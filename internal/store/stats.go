package store

import (
	"fmt"
	"log/slog"
	"time"
)

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

// fail notes that an attempt failed and lets those go who wait for the next.
func (s *Store) fail(err error) {
	s.mu.Lock()
	before := s.failing
	s.failing = err
	s.stats.Errors++
	b := &batch{waiters: s.next.waiters}
	s.next.waiters = nil
	unwritten := s.next.size()
	s.mu.Unlock()
	b.release(err)
	if before == nil || before.Error() != err.Error() {
		s.o.Log.Error("the database cannot be written; going on from memory", slog.String("path", s.o.Path), slog.Any("error", err), slog.Int("unwritten", unwritten))
	}
}

// recover notes that an attempt succeeded.
func (s *Store) recover() {
	s.mu.Lock()
	before := s.failing
	s.failing = nil
	s.mu.Unlock()
	if before != nil {
		s.o.Log.Info("the database can be written again", slog.String("path", s.o.Path), slog.String("was", fmt.Sprint(before)))
	}
}
