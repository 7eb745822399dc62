package schedule

import (
	"cmp"
	"slices"
)

// The lanes. Each has places of its own, in all and per origin, so that what
// goes on in one can never keep the other waiting.
const (
	swift    = 0 // the ordinary one
	sluggish = 1 // of monitors whose last run timed out, or nearly did
)

// nearly is the part of its timeout, in percent, from which on a run counts as
// one that timed out: a target that hangs is often given up a little earlier.
const nearly = 80

type lane struct {
	places, perOrigin int
	running           int
	line              fifo // those held by the lane's limit alone
}

// origin counts the runs to one origin. Those held by its limit stand in its
// own line, so that they do not hold up the lane's.
//
// While an origin's line is not empty, its runs and its members in the lane's
// line are perOrigin together: each of them brings the next one forward.
type origin struct {
	running [2]int
	line    [2]fifo
}

func newLanes(running, perOrigin int) [2]lane {
	if running <= 0 {
		running = defaultRunning
	}
	slow := max(1, running/4)
	fast := max(1, running-slow)
	if perOrigin <= 0 {
		perOrigin = min(defaultPerOrigin, max(1, fast/2))
	}
	return [2]lane{
		swift:    {places: fast, perOrigin: perOrigin},
		sluggish: {places: slow, perOrigin: max(1, min(slow, perOrigin)/2)},
	}
}

// admit starts an entry that is due, or has it wait its turn.
func (s *Scheduler) admit(e *entry) {
	e.lane = swift
	if e.slow {
		e.lane = sluggish
	}
	l, o := &s.lanes[e.lane], e.origin
	switch {
	case o != nil && (o.running[e.lane] >= l.perOrigin || o.line[e.lane].len() > 0):
		e.place = waiting
		o.line[e.lane].push(e)
	case l.running >= l.places:
		e.place = waiting
		l.line.push(e)
	default:
		s.occupy(e)
		s.start(e)
	}
}

func (s *Scheduler) occupy(e *entry) {
	e.place, e.running, e.due = busy, e.job, e.at
	s.lanes[e.lane].running++
	if e.held = e.origin; e.held != nil {
		e.held.running[e.lane]++
	}
}

// release gives back what the run of e held and returns who takes its place in
// the lane, nil if nobody waits.
func (s *Scheduler) release(e *entry) *entry {
	n, l := e.lane, &s.lanes[e.lane]
	l.running--
	if o := e.held; o != nil {
		o.running[n]--
		if next := o.line[n].pop(); next != nil {
			l.line.push(next)
		}
	}
	for next := l.line.pop(); next != nil; next = l.line.pop() {
		if o := next.origin; o == nil || o.running[n] < l.perOrigin {
			s.occupy(next)
			return next
		}
		next.origin.line[n].push(next)
	}
	return nil
}

// takeWaiting empties all lines and returns who stood in them, the longest due
// first.
func (s *Scheduler) takeWaiting() []*entry {
	var all []*entry
	for n := range s.lanes {
		all = append(all, s.lanes[n].line.take()...)
		for _, o := range s.origins {
			all = append(all, o.line[n].take()...)
		}
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return cmp.Compare(a.at, b.at) })
	return all
}

func (s *Scheduler) originOf(name string) *origin {
	if name == "" {
		return nil
	}
	o := s.origins[name]
	if o == nil {
		o = &origin{}
		s.origins[name] = o
	}
	return o
}

// pruneOrigins forgets the origins that no job names any more. What still runs
// there keeps its own pointer.
func (s *Scheduler) pruneOrigins() {
	named := make(map[string]*origin, len(s.origins))
	for _, e := range s.entries {
		if e.origin != nil {
			named[e.job.Origin] = e.origin
		}
	}
	s.origins = named
}

// fifo is a line in which the first to come is the first to go.
type fifo struct {
	items []*entry
	head  int
}

func (f *fifo) len() int { return len(f.items) - f.head }

func (f *fifo) push(e *entry) { f.items = append(f.items, e) }

func (f *fifo) pop() *entry {
	if f.len() == 0 {
		return nil
	}
	e := f.items[f.head]
	f.items[f.head] = nil
	f.head++
	if f.head > 32 && f.head*2 > len(f.items) {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	if f.len() == 0 {
		f.items, f.head = f.items[:0], 0
	}
	return e
}

func (f *fifo) take() []*entry {
	all := f.items[f.head:]
	f.items, f.head = nil, 0
	return all
}
