package board

import (
	"time"

	"github.com/watchword/watchword/internal/check"
)

// View is how a monitor stands at one moment.
type View struct {
	Monitor *check.Monitor
	State   check.State // pending before the first run
	Since   time.Time   // of State; zero before the first run
	Last    Last
	// The share of the known time that the monitor was up, by time; NaN while
	// nothing is known. The windows end now and begin at a full ten minutes (24
	// hours) or hour.
	Uptime24h, Uptime7d, Uptime30d float64
	RunsOK, RunsFailed             uint64 // since the agent started

	entry *entry
}

// Last is what the last run found.
type Last struct {
	Has        bool // there was one since the agent started; if not, all but Fault is zero
	Start      time.Time
	Took       time.Duration
	Phases     check.Phases
	StatusCode int              // 0: no answer
	Fault      *check.FaultText // nil: it passed; before the first run what an earlier agent left
	Chain      *check.Chain     // that was seen last, nil for none
	CertExpiry time.Time        // of Chain; zero for none
	Notes      []string         // what is worth knowing and no fault; not to be changed
}

// Beat is one run of a strip.
type Beat struct {
	State check.State // after it
	Start time.Time   // to the second
	Took  time.Duration
}

// Strip returns the last 90 runs, the oldest first, as they are now.
func (v *View) Strip() []Beat {
	e := v.entry
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	beats := make([]Beat, 0, e.beats)
	names := states()
	for i := stripLen - int(e.beats); i < stripLen; i++ {
		b := e.strip[(int(e.next)+i)%stripLen]
		beats = append(beats, Beat{State: names[b.look>>28], Start: time.Unix(int64(b.at), 0).UTC(), Took: time.Duration(b.look&beatMax) * beatUnit})
	}
	return beats
}

// view fills v; its Monitor is nil if the entry was removed.
func (e *entry) view(b *Board, now int64, v *View) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v.Monitor = e.monitor
	if e.monitor == nil {
		return
	}
	e.account(b, now)
	v.State, v.Since, v.entry = e.state, e.since, e
	l := &e.last
	v.Last = Last{Has: l.has, Start: l.start, Took: l.took, Phases: l.phases, StatusCode: int(l.status), Fault: e.fault, Chain: e.chain}
	if e.notes != nil {
		v.Last.Notes = *e.notes
	}
	if e.chain != nil {
		v.Last.CertExpiry = e.chain.NotAfter
	}
	v.RunsOK, v.RunsFailed = e.passes, e.fails
	v.Uptime24h, v.Uptime7d, v.Uptime30d = e.spans.uptime()
}
