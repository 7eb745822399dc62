// Package board is the live table: of every monitor what its last run found,
// how it stands, its last 90 runs and how much of the time it was up. Metrics
// and pages read it and never ask the disk.
//
// It decides nothing: states are told to it. It keeps a few kilobytes for a
// monitor, in buckets of ten minutes for a day and of hours for a month, and
// hands them out as roll-ups for the store to keep.
package board

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	// defaultWithin is for how long a result says how a monitor stands, unless
	// Expect says otherwise.
	defaultWithin = 5 * time.Minute
	// maxPending bounds the roll-ups that nobody takes, per monitor.
	maxPending = 32
)

// Board is the live table. Its methods may be called from several goroutines.
type Board struct {
	now   func() time.Time
	table atomic.Pointer[table]
	set   sync.Mutex // held by Set

	mu      sync.Mutex
	pending []check.Rollup
	room    int // for how many there is
}

// table is one set of monitors; it is never changed.
type table struct {
	list []*entry // in configured order
	byID map[string]*entry
}

// New returns an empty board. now is the wall clock; nil: time.Now.
func New(now func() time.Time) *Board {
	if now == nil {
		now = time.Now
	}
	b := &Board{now: now}
	b.table.Store(&table{})
	return b
}

// Set makes ms the monitors of the board, in this order. One that was there
// with the same id and type keeps everything; others begin pending. What is
// removed hands out its running roll-ups. Of several with one id the first
// counts.
func (b *Board) Set(ms []*check.Monitor) {
	b.set.Lock()
	defer b.set.Unlock()
	now := b.now().UnixNano()
	old := b.table.Load()
	t := &table{list: make([]*entry, 0, len(ms)), byID: make(map[string]*entry, len(ms))}
	for _, m := range ms {
		if t.byID[m.ID] != nil {
			continue
		}
		e := old.byID[m.ID]
		if e == nil || !e.adopt(m) {
			e = newEntry(m, now)
		}
		t.byID[m.ID] = e
		t.list = append(t.list, e)
	}
	b.mu.Lock()
	b.room = maxPending * (len(t.list) + len(old.list))
	b.mu.Unlock()
	b.table.Store(t)
	for id, e := range old.byID {
		if t.byID[id] != e {
			e.retire(b, now)
		}
	}
}

// Expect says how long after a result of a monitor its state is still known if
// no other comes: say two intervals and a timeout. Time beyond that counts
// neither as up nor as down. Unless it is told, 5 minutes. An id that is not on
// the board is ignored.
func (b *Board) Expect(id string, within time.Duration) {
	if e := b.table.Load().byID[id]; e != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.within = within
	}
}

// Record takes a result in, and the state that its monitor has after it. It
// returns false, and takes nothing, if the result is stale: its Monitor is not
// the one of the last Set.
func (b *Board) Record(r check.Result, s check.MonitorState) bool {
	if r.Monitor == nil {
		return false
	}
	e := b.table.Load().byID[r.Monitor.ID]
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.monitor != r.Monitor {
		return false
	}
	e.record(b, &r, &s)
	return true
}

// SetState tells of a state that no result brought: a pause, a maintenance, its
// end. It returns false if id is not on the board.
func (b *Board) SetState(id string, s check.MonitorState) bool {
	e := b.table.Load().byID[id]
	if e == nil {
		return false
	}
	now := b.now().UnixNano()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.monitor == nil {
		return false
	}
	e.account(b, now)
	e.setState(&s)
	e.fault = s.Fault
	if s.State == check.Paused {
		e.seen = 0 // what comes after a pause is not known before the next result
	}
	return true
}

// Each calls f with a view of every monitor in configured order until f returns
// false. The view is used again for the next call. f may take its time: nothing
// is locked meanwhile.
func (b *Board) Each(f func(*View) bool) {
	now := b.now().UnixNano()
	var v View
	for _, e := range b.table.Load().list {
		e.view(b, now, &v)
		if v.Monitor != nil && !f(&v) {
			return
		}
	}
}

// Get returns a view of one monitor.
func (b *Board) Get(id string) (View, bool) {
	var v View
	if e := b.table.Load().byID[id]; e != nil {
		e.view(b, b.now().UnixNano(), &v)
	}
	return v, v.Monitor != nil
}

// Len returns the number of monitors.
func (b *Board) Len() int { return len(b.table.Load().list) }
