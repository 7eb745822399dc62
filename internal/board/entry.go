package board

import (
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// stripLen is how many runs a strip shows.
const stripLen = 90

// entry is one monitor. There are tens of thousands: it is kept small, and what
// a young agent does not need yet is not there yet.
type entry struct {
	mu      sync.Mutex
	monitor *check.Monitor // nil: removed
	state   check.State
	since   time.Time
	last    run
	fault   *check.FaultText
	chain   *check.Chain // seen last
	notes   *[]string    // of the last run; nil for none, as nearly always
	passes  uint64
	fails   uint64

	within  time.Duration // see Board.Expect
	seen    int64         // Unix ns of the last result; 0: none that still says something
	counted int64         // Unix ns up to which time is accounted for
	spans   spans

	strip [stripLen]beat
	next  uint8 // place of the next beat
	beats uint8 // how many there are
}

// run is what is kept of the last run; has says that there was one.
type run struct {
	has    bool
	status uint16
	start  time.Time
	took   time.Duration
	phases check.Phases
}

// beat is one run in the strip.
type beat struct {
	at   uint32 // Unix seconds
	look uint32 // 4 bits of state, 28 bits of duration in units of 10 µs
}

const (
	beatUnit = 10 * time.Microsecond
	beatMax  = 1<<28 - 1
)

// states are the states in the order in which beats number them.
func states() [6]check.State {
	return [6]check.State{check.Up, check.Down, check.Pending, check.Exposed, check.Maintenance, check.Paused}
}

func newEntry(m *check.Monitor, now int64) *entry {
	return &entry{monitor: m, state: check.Pending, within: defaultWithin, counted: now, spans: spans{ten: now / int64(tenMinutes)}}
}

// adopt makes m the entry's monitor if it is the same one, perhaps with other
// settings.
func (e *entry) adopt(m *check.Monitor) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.monitor.Type != m.Type {
		return false
	}
	if e.monitor.URL != m.URL {
		e.chain = nil
	}
	e.monitor = m
	return true
}

// retire takes what the entry has not handed out yet and makes results that
// still come for it stale.
func (e *entry) retire(b *Board, now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.account(b, now)
	e.spans.handOut(b, e.monitor.ID)
	e.monitor = nil
}

func (e *entry) record(b *Board, r *check.Result, s *check.MonitorState) {
	end := r.Start.Add(r.Took)
	e.account(b, end.UnixNano())
	e.seen = end.UnixNano()
	e.setState(s)
	e.setFault(r.Fault)
	e.notes = nil
	if r.Detail != nil && len(r.Detail.Notes) > 0 {
		notes := r.Detail.Notes // not the whole of the detail
		e.notes = &notes
	}
	e.last = run{has: true, status: uint16(r.StatusCode), start: r.Start, took: r.Took, phases: r.Phases}
	if r.Certs != nil {
		e.chain = r.Certs
	}
	if r.Fault == nil {
		e.passes++
	} else {
		e.fails++
	}
	e.spans.run(r)
	e.mark(r.Start, r.Took, s.State)
}

func (e *entry) setState(s *check.MonitorState) {
	if s.State != "" {
		e.state, e.since = s.State, s.Since
	}
}

// setFault keeps the text that is there where it says the same: a monitor that
// stays down costs no memory.
func (e *entry) setFault(f *check.Fault) {
	switch {
	case f == nil:
		e.fault = nil
	case e.fault == nil || e.fault.Class != f.Class || e.fault.Reason != f.Reason || e.fault.Message != f.Message || e.fault.Hint != f.Hint:
		e.fault = f.Text()
	}
}

func (e *entry) mark(start time.Time, took time.Duration, s check.State) {
	var n uint32
	for i, known := range states() {
		if s == known {
			n = uint32(i)
		}
	}
	units := min(max(took/beatUnit, 0), beatMax)
	e.strip[e.next] = beat{at: uint32(max(start.Unix(), 0)), look: n<<28 | uint32(units)}
	e.next = (e.next + 1) % stripLen
	e.beats = min(e.beats+1, stripLen)
}

// account counts the time up to t to the state that there was.
func (e *entry) account(b *Board, t int64) {
	ten := t / int64(tenMinutes)
	switch {
	case ten < e.spans.ten-1: // the clock was set back
		e.spans.rewind(b, e.monitor.ID, ten)
		e.counted, e.seen = t, 0
		return
	case t <= e.counted:
		return
	case ten > e.spans.ten+tensKept*31: // it was set, or nobody looked for a month
		e.spans.rewind(b, e.monitor.ID, ten)
	}
	end := min(t, e.seen+int64(e.within))
	for e.spans.ten < ten {
		edge := (e.spans.ten + 1) * int64(tenMinutes)
		e.spans.pass(e.state, min(end, edge)-e.counted)
		e.counted = max(e.counted, edge)
		e.spans.rotate(b, e.monitor.ID)
	}
	e.spans.pass(e.state, end-e.counted)
	e.counted = t
}
