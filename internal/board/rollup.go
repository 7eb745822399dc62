package board

import (
	"cmp"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// TakeRollups returns the roll-ups that became ready since it was called last,
// for the store to keep: of ten minutes when they end, of an hour whenever ten
// minutes of it end, of a day whenever an hour of it ends. So one may come
// several times, each time to take the place of the one before.
func (b *Board) TakeRollups() []check.Rollup {
	now := b.now().UnixNano()
	for _, e := range b.table.Load().list {
		e.mu.Lock()
		if e.monitor != nil {
			e.account(b, now)
		}
		e.mu.Unlock()
	}
	return b.take()
}

// Flush returns what TakeRollups does and the running spans as they are. It is
// for the end of the agent: given to Restore soon enough, they are continued.
func (b *Board) Flush() []check.Rollup {
	now := b.now().UnixNano()
	for _, e := range b.table.Load().list {
		e.mu.Lock()
		if e.monitor != nil {
			e.account(b, now)
			e.spans.handOut(b, e.monitor.ID)
		}
		e.mu.Unlock()
	}
	return b.take()
}

func (b *Board) take() []check.Rollup {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.pending
	b.pending = nil
	return taken
}

// hand puts a roll-up among those to be taken.
func (b *Board) hand(id string, span time.Duration, number int64, s *sums) {
	if s.empty() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) >= b.room {
		return // nobody takes them
	}
	b.pending = append(b.pending, check.Rollup{
		Monitor: id, Span: span, Start: time.Unix(0, number*int64(span)).UTC(),
		Runs: int(s.runs), Failures: int(s.failures), Up: s.up, Known: min(s.known, span), Took: s.took, Phases: s.phases,
	})
}

// Restore takes in what an earlier agent left: roll-ups of ten minutes and of
// hours (others are ignored), and states. It is called between Set and the
// first Record, once or in parts, each roll-up once. The time between the last
// result of the earlier agent and the first of this one stays unknown.
func (b *Board) Restore(rollups []check.Rollup, left ...check.MonitorState) {
	t, now := b.table.Load(), b.now().UnixNano()
	for i := range rollups {
		r := &rollups[i]
		if e := t.byID[r.Monitor]; e != nil {
			e.mu.Lock()
			e.account(b, now)
			e.spans.restore(r)
			e.mu.Unlock()
		}
	}
	for i := range left {
		s := &left[i]
		e := t.byID[s.ID]
		if e == nil {
			continue
		}
		e.mu.Lock()
		if e.monitor.Type == s.Type && !e.last.has {
			e.setState(s)
			e.fault = s.Fault
		}
		e.mu.Unlock()
	}
}

// RestoreRuns fills the strips with the runs of an earlier agent, in any order.
// It is called before the first Record.
func (b *Board) RestoreRuns(runs []check.Run) {
	t := b.table.Load()
	order := make([]int, len(runs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Or(runs[x].Start.Compare(runs[y].Start), cmp.Compare(x, y)) })
	for _, i := range order {
		r := &runs[i]
		if e := t.byID[r.Monitor]; e != nil {
			e.mu.Lock()
			e.mark(r.Start, r.Took, r.State)
			e.mu.Unlock()
		}
	}
}

// restore puts a roll-up where it came from.
func (p *spans) restore(r *check.Rollup) {
	was := sums{runs: uint32(r.Runs), failures: uint32(r.Failures), up: r.Up, known: r.Known, took: r.Took, phases: r.Phases}
	p.fresh = false
	switch r.Span {
	case tenMinutes:
		p.restoreTen(r.Start.Unix()/int64(tenMinutes/time.Second), &was)
	case time.Hour:
		p.restoreHour(r.Start.Unix()/int64(time.Hour/time.Second), &was)
	}
}

// restoreTen also rebuilds the running hour: its own roll-up may be older than
// those of its tens.
func (p *spans) restoreTen(ten int64, was *sums) {
	switch {
	case ten > p.ten:
		return
	case ten == p.ten:
		p.now.add(was)
		return
	case ten >= p.ten-tensKept:
		p.tens[ten%tensKept] = was.bucket(tenMinutes)
	}
	if ten/tensAnHour == p.ten/tensAnHour {
		p.hour.add(was)
	}
}

// restoreHour also rebuilds the running day.
func (p *spans) restoreHour(hour int64, was *sums) {
	this := p.ten / tensAnHour
	if hour >= this || hour < this-hoursAMonth {
		return
	}
	p.putHour(hour, was.bucket(time.Hour))
	if hour/hoursADay == this/hoursADay {
		p.day.add(was)
	}
}
