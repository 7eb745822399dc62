package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// The statuses of a delivery that somebody still has to care for. All others
// are outcomes.
const (
	queued  = "queued"
	sending = "sending"
)

// batch is what one transaction writes. Later changes of one thing replace
// earlier ones, so a batch is bounded by what there is, however long the disk
// is away.
type batch struct {
	states     map[string]*check.MonitorState // nil: to be forgotten
	incidents  map[string]check.IncidentRecord
	deliveries map[int64]deliveryOp
	orders     map[orderKey]check.Order
	waiters    []chan<- error // each has room for one
}

// deliveryOp is what is to be written of one delivery.
type deliveryOp struct {
	insert *check.Delivery // nil: it is on disk already
	status string
	at     time.Time
}

func (op deliveryOp) finished() bool { return op.status != queued && op.status != sending }

func newBatch() *batch {
	return &batch{
		states:     map[string]*check.MonitorState{},
		incidents:  map[string]check.IncidentRecord{},
		deliveries: map[int64]deliveryOp{},
		orders:     map[orderKey]check.Order{},
	}
}

type orderKey struct{ kind, name string }

func (b *batch) size() int {
	return len(b.states) + len(b.incidents) + len(b.deliveries) + len(b.orders)
}

// order takes in what was ordered, and what was taken back.
func (b *batch) order(os []check.Order) {
	for _, o := range os {
		b.orders[orderKey{o.Kind, o.Name}] = o
	}
}

// add takes a change in. What is removed goes first: a monitor of a new type
// comes back under its old id.
func (b *batch) add(c check.Change, now time.Time) {
	for _, id := range c.Removed {
		b.states[id] = nil
	}
	for i := range c.States {
		s := c.States[i]
		b.states[s.ID] = &s
	}
	for _, r := range c.Incidents {
		b.incidents[r.ID] = r
	}
	for i := range c.Deliveries {
		d := c.Deliveries[i]
		b.deliveries[d.ID] = deliveryOp{insert: &d, status: queued, at: now}
	}
}

// mark sets the status of a delivery, written or not.
func (b *batch) mark(id int64, status string, now time.Time) {
	op := b.deliveries[id]
	op.status, op.at = status, now
	b.deliveries[id] = op
}

// under puts an older batch below b: it counts only where b has nothing newer.
func (b *batch) under(old *batch) {
	for id, s := range old.states {
		if _, newer := b.states[id]; !newer {
			b.states[id] = s
		}
	}
	for id, r := range old.incidents {
		if _, newer := b.incidents[id]; !newer {
			b.incidents[id] = r
		}
	}
	for k, o := range old.orders {
		if _, newer := b.orders[k]; !newer {
			b.orders[k] = o
		}
	}
	for id, op := range old.deliveries {
		newer, ok := b.deliveries[id]
		if !ok {
			newer = op
		} else if newer.insert == nil {
			newer.insert = op.insert
		}
		b.deliveries[id] = newer
	}
}

// bound forgets the oldest closed incidents and the oldest deliveries that
// were finished before they were ever written, down to n of each, and returns
// how many. What is open or unsent is never forgotten. A tenth more is let be,
// so that not every change pays for the search.
func (b *batch) bound(n int) int {
	dropped, limit := 0, n+n/10
	if len(b.incidents) > limit {
		var closed []check.IncidentRecord
		for _, r := range b.incidents {
			if !r.Closed.IsZero() {
				closed = append(closed, r)
			}
		}
		slices.SortFunc(closed, func(x, y check.IncidentRecord) int { return x.Closed.Compare(y.Closed) })
		for _, r := range closed[:min(len(closed), len(b.incidents)-n)] {
			delete(b.incidents, r.ID)
			dropped++
		}
	}
	if len(b.deliveries) > limit {
		dropped += b.boundDeliveries(n)
	}
	return dropped
}

func (b *batch) boundDeliveries(n int) int {
	var ids []int64
	for id, op := range b.deliveries {
		if op.insert != nil && op.finished() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, cmp.Compare[int64])
	ids = ids[:min(len(ids), len(b.deliveries)-n)]
	for _, id := range ids {
		delete(b.deliveries, id)
	}
	return len(ids)
}

// release tells everybody who waits for this batch how it went.
func (b *batch) release(err error) {
	for _, w := range b.waiters {
		w <- err
	}
	b.waiters = nil
}

// Bounds of what waits in memory for a disk that is away.
const (
	maxRollups = 200_000 // rows
	flushRows  = 2048    // runs that are flushed before their minute is over
	keptClosed = 1000    // closed incidents of a store without a database
)

// keepIncidents forgets all but incidents: a store without a database has
// nobody to write the rest for.
func (b *batch) keepIncidents() {
	clear(b.states)
	clear(b.deliveries)
	clear(b.orders)
	b.bound(keptClosed)
}

// newestRollups leaves of each monitor and span the one saved last, at most n
// of them, the latest.
func newestRollups(rs []check.Rollup, n int) []check.Rollup {
	type key struct {
		monitor string
		span    time.Duration
		start   int64
	}
	seen := make(map[key]bool, len(rs))
	kept := len(rs)
	for _, r := range slices.Backward(rs) {
		k := key{r.Monitor, r.Span, r.Start.Unix()}
		if !seen[k] && len(seen) < n {
			seen[k] = true
			kept--
			rs[kept] = r
		}
	}
	return slices.Delete(rs, 0, kept)
}
