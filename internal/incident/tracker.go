// Package incident decides what is going on: the state of each monitor, which
// failures share a cause, and whom to tell what and when. It has no clock, no
// disk and no network: results and time come in, changes go out.
//
// One cause is one incident. A monitor that goes down belongs to the incident
// of its fault's cause until it recovers, whatever it fails for meanwhile. What
// each notifier was told is kept in the incident's ledger, so that every Down
// that went out is answered by exactly one Up, over restarts too.
package incident

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Policy is what the tracker needs to know of one monitor.
type Policy struct {
	Monitor       *check.Monitor
	Interval      time.Duration // of a cron monitor: the gap between two runs
	RetryInterval time.Duration
	Retries       int // failures borne before down
	Recoveries    int // passes needed before up, at least 1
	RemindEvery   time.Duration
	Notify        []string      // names of notifiers
	DependsOn     []string      // ids of monitors that hold this one while they fail; never in a circle
	Timeout       time.Duration // of a run; 0: 10 s
	Suspended     check.State   // check.Maintenance, check.Paused, or "" for neither
}

// Channel is what the tracker needs to know of one notifier.
type Channel struct {
	Name  string
	Keyed bool                  // one event a delivery
	Wants func(check.Kind) bool // nil: everything
}

// Options sets a Tracker up.
type Options struct {
	GroupWait  time.Duration
	Location   string                 // agent.location, for the text of agent/offline
	Zone       *time.Location         // of times in the text of certificates; nil: UTC
	NewID      func() string          // of incidents
	DeliveryID func() int64           // increasing
	Link       func(id string) string // page of an incident, or of all for ""; nil: none

	// Transition is told of each monitor that changes its state, Expiring of each
	// certificate that is about to expire, once at each threshold, Held of each
	// monitor that is down and not announced because others fail that it depends
	// on; nil: nobody is. They must not call the tracker.
	Transition func(id string, from, to check.State)
	Expiring   func(ids []string, f check.FaultText)
	Held       func(id string, by []string)
}

// Tracker holds the state of all monitors and the open incidents. Its methods
// may be called from several goroutines; changes must be committed in the
// order in which they were returned.
type Tracker struct {
	mu        sync.Mutex
	opts      Options
	entries   map[string]*entry
	incidents map[string]*incident      // by id; open, or ended and not yet told
	byCause   map[check.Cause]*incident // open ones
	queues    map[string]*queue         // by notifier
	line      line
	ties      ties
	touched   map[string]*entry
	dirty     map[string]*incident // to be recorded now
	later     map[string]*incident // to be recorded at laterAt
	laterAt   time.Time
	warnAt    time.Time // when people are told of certificates; zero: there is nothing to tell
	reminding bool      // whether any monitor wants reminders
	restored  bool      // Restore was called, and Configure not yet
	forgotten []string
	out       []check.Delivery
}

// entry is one monitor.
type entry struct {
	policy   Policy
	state    check.MonitorState
	cause    check.Cause // of the last failure
	remote   string      // address that it was met at, "" for none
	incident *incident
	cohort   *cohort
	chain    *check.Chain // that was seen last
	kin      *kin         // nil: it depends on nobody, and nobody on it
	freed    time.Time    // when it was last let go from a maintenance or a pause by this process
	adopted  bool         // its state says that it belongs to the incident, whose record does not know of it yet
}

// New returns a Tracker that knows no monitor yet.
func New(o Options) *Tracker {
	return &Tracker{
		opts: o, entries: map[string]*entry{}, incidents: map[string]*incident{}, byCause: map[check.Cause]*incident{},
		queues: map[string]*queue{}, line: newLine(), ties: newTies(), touched: map[string]*entry{}, dirty: map[string]*incident{}, later: map[string]*incident{},
	}
}

// Restore takes in what a former run of the agent left: before Configure. An
// incident that cannot be read is left out and told of in the error; all else
// is restored.
func (t *Tracker) Restore(states []check.MonitorState, open []check.IncidentRecord) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, r := range open {
		inc, err := restoreIncident(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t.incidents[inc.id] = inc
		if inc.ended.IsZero() {
			t.byCause[inc.cause] = inc
		}
	}
	for _, s := range states {
		t.restoreState(s)
	}
	t.restored = true
	return errors.Join(errs...)
}

func (t *Tracker) restoreState(s check.MonitorState) {
	s = uncovered(s)
	m := &check.Monitor{ID: s.ID, Name: s.ID, Type: s.Type}
	e := &entry{policy: Policy{Monitor: m, Recoveries: 1}, state: s}
	t.entries[s.ID] = e
	inc := t.incidents[s.Incident]
	if inc == nil || !isDown(s.State) || !inc.ended.IsZero() {
		return
	}
	if inc.members[s.ID] == nil {
		inc.shared = inc.shared || len(inc.members)+len(inc.past) > 0
		inc.members[s.ID] = &member{Member: check.Member{ID: s.ID, Name: s.ID, Since: s.Failing}, Cause: inc.cause}
		delete(inc.past, s.ID)
		e.adopted = true
	}
	found := inc.members[s.ID]
	e.incident, e.cause, m.Name, m.Group = inc, found.Cause, found.Name, found.Group
}

// reconcile takes those out of the restored incidents of whom the states say
// that they recovered: a record may lag behind them.
func (t *Tracker) reconcile(now time.Time) {
	t.restored = false
	for _, inc := range t.incidents {
		for id, m := range inc.members {
			e := t.entries[id]
			if e != nil && e.incident == inc {
				continue
			}
			delete(inc.members, id)
			inc.past[id], inc.healed = m.Member, now
			for name, s := range inc.said {
				s.index(inc.members)
				t.settle(inc, name, s, false, now)
			}
			t.dirty[inc.id] = inc
		}
		if len(inc.members) == 0 && inc.ended.IsZero() {
			t.end(inc, now)
		}
	}
}

// Configure replaces monitors and notifiers at the time now. State follows the
// id; a new type or id is a new monitor; the incidents of a monitor that is gone
// close with one note.
func (t *Tracker) Configure(o Options, ps []Policy, cs []Channel, now time.Time) check.Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opts = o
	t.configureQueues(cs, now)
	restored := t.restored
	if restored {
		t.reconcile(now)
	}
	keep := make(map[string]bool, len(ps))
	t.reminding = false
	for _, p := range ps {
		keep[p.Monitor.ID] = true
		t.configureMonitor(p, now)
	}
	if restored {
		t.reindex()
	}
	for _, id := range slices.Sorted(maps.Keys(t.entries)) {
		if !keep[id] {
			t.remove(t.entries[id], now)
		}
	}
	t.relate(now)
	t.flush(now)
	return t.take(now)
}

func (t *Tracker) configureMonitor(p Policy, now time.Time) {
	e := t.entries[p.Monitor.ID]
	if e != nil && e.state.Type != p.Monitor.Type {
		t.remove(e, now)
		e = nil
	}
	if e == nil {
		e = &entry{state: check.MonitorState{ID: p.Monitor.ID, Type: p.Monitor.Type, State: check.Pending, Since: now}}
		t.entries[p.Monitor.ID] = e
	}
	if e.policy.Monitor != p.Monitor {
		e.chain = nil // it may be another host's
		if e.kin != nil {
			e.kin.ran = time.Time{}
		}
	}
	e.policy = p
	t.reminding = t.reminding || p.RemindEvery > 0
	t.suspend(e, p.Suspended, now)
	if e.incident != nil {
		t.configureMember(e, now)
	}
}

func (t *Tracker) configureMember(e *entry, now time.Time) {
	inc, p := e.incident, e.policy
	if m := inc.members[e.state.ID]; m != nil {
		m.Name, m.Group = p.Monitor.Name, p.Monitor.Group
	}
	for _, s := range inc.said {
		if s.in[e.state.ID] {
			s.hurry(p.RemindEvery)
		}
	}
	if !e.adopted {
		return
	}
	e.adopted = false
	for _, name := range p.Notify {
		t.announce(e, inc, name, now)
	}
}

// reindex counts anew after those who were adopted were announced.
func (t *Tracker) reindex() {
	for _, inc := range t.incidents {
		for _, s := range inc.said {
			s.index(inc.members)
		}
	}
}

func (t *Tracker) remove(e *entry, now time.Time) {
	if e.incident != nil {
		t.leave(e, now, true)
	}
	t.dissolve(e, now)
	t.unhold(e)
	delete(t.entries, e.state.ID)
	delete(t.touched, e.state.ID)
	t.forgotten = append(t.forgotten, e.state.ID)
}

// take hands out what changed since the last call.
func (t *Tracker) take(now time.Time) check.Change {
	if len(t.later) > 0 && !now.Before(t.laterAt) {
		maps.Copy(t.dirty, t.later)
		clear(t.later)
	}
	if len(t.touched)+len(t.dirty)+len(t.forgotten)+len(t.out) == 0 {
		return check.Change{Probe: t.toRun(now)} // the ordinary case, at every run that passes
	}
	c := check.Change{Removed: t.forgotten, Deliveries: t.out, Probe: t.toRun(now)}
	for _, id := range slices.Sorted(maps.Keys(t.touched)) {
		c.States = append(c.States, t.touched[id].shown())
	}
	for _, id := range slices.Sorted(maps.Keys(t.dirty)) {
		inc := t.dirty[id]
		delete(t.later, id)
		if inc.finished() {
			delete(t.incidents, id)
		}
		c.Incidents = append(c.Incidents, inc.record())
	}
	t.forgotten, t.out = nil, nil
	clear(t.touched)
	clear(t.dirty)
	return c
}
