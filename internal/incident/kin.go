package incident

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	together    = time.Second      // children that are seen to fail within it are answered by one run of the parent
	slack       = 5 * time.Second  // of a run beside its timeout
	usualRun    = 10 * time.Second // the timeout where a policy names none
	staleAfter  = 90 * time.Second // how old the last run of a parent that fails gets before it is to be run again
	burst       = 16               // how many of those who are released are run at once
	burstEvery  = time.Second
	mostParents = 1000 // that are looked at for one monitor
)

// kin is what is kept of a monitor that depends on others, or others on it.
type kin struct {
	hold    *hold     // nil: it is not held
	ran     time.Time // when its last run began; zero: none that this process knows of
	asked   time.Time // when it was to be run for its children, and no run began since
	doubted time.Time // when its first failure in a row was seen, or its maintenance ended
}

// ties is who depends on whom, and who is to be run because of that.
type ties struct {
	children map[string][]*entry
	held     map[string]*entry
	waiting  map[string]*entry // of those held, who waits for parents that are asked
	ask      []string          // parents to be run now
	freed    []*entry          // to be run soon, a burst at a time
	freedAt  time.Time         // when the next burst may go
}

func newTies() ties { return ties{held: map[string]*entry{}, waiting: map[string]*entry{}} }

// relate works out anew who depends on whom, and what that changes. Whoever is
// down and in no incident was held by a former run of the agent, or has lost its
// incident.
func (t *Tracker) relate(now time.Time) {
	t.ties.children = map[string][]*entry{}
	all := slices.Sorted(maps.Keys(t.entries))
	for _, id := range all {
		e := t.entries[id]
		for _, parent := range e.policy.DependsOn {
			if p := t.entries[parent]; p != nil {
				t.ties.children[parent] = append(t.ties.children[parent], e)
				e.related()
				p.related()
			}
		}
	}
	for _, id := range all {
		e := t.entries[id]
		if e.kin != nil && len(e.policy.DependsOn) > 0 && e.state.State == check.Down && e.incident == nil && t.hold(e) {
			e.kin.hold.by = slices.Clone(e.policy.DependsOn)
		}
		t.reconsider(e, now)
	}
}

func (e *entry) related() {
	if e.kin == nil {
		e.kin = &kin{}
	}
}

// above returns the parents of a monitor. One that is paused or in maintenance
// holds nothing; those that it depends on itself stand in its place.
func (t *Tracker) above(e *entry) []*entry {
	var up []*entry
	ids := e.policy.DependsOn
	for i := 0; i < len(ids) && i < mostParents; i++ {
		p := t.entries[ids[i]]
		switch {
		case p == nil || p.kin == nil || p == e || slices.Contains(ids[:i], ids[i]):
		case still(p):
			ids = slices.Concat(ids, p.policy.DependsOn)
		default:
			up = append(up, p)
		}
	}
	return up
}

// doubt notes that it is now that a monitor fails: what its parents did before says
// nothing.
func (e *entry) doubt(now time.Time) {
	if e.kin != nil {
		e.kin.doubted = now
	}
}

// stilled looks again at who depends on a monitor that is now, or is no longer,
// paused; cover and uncover do it for maintenance. That is no state to be held in
// itself.
func (t *Tracker) stilled(e *entry, from check.State) {
	if still(e) {
		t.unhold(e)
	}
	if still(e) || from == check.Paused {
		t.tellChildren(e, e.state.Since)
	}
}

// holders returns the ids of the parents that fail.
func (t *Tracker) holders(e *entry) []string {
	var by []string
	for _, p := range t.above(e) {
		if fails(p) {
			by = append(by, p.state.ID)
		}
	}
	return by
}

// still says whether a monitor is paused or in maintenance.
func still(e *entry) bool { return e.state.State == check.Paused || e.quiet() }

// fails says whether a monitor does not pass, for good or pending. An open gate
// lets through to what is behind it.
func fails(e *entry) bool {
	s := &e.state
	switch s.State {
	case check.Down:
		return true
	case check.Pending:
		return s.Fault != nil
	case check.Exposed:
		return s.Fault != nil && s.Fault.Class != check.ExposedTo
	default:
		return false
	}
}

// answers says whether a parent had a run that began after the failing run of
// its child did; where that took long, not much before its end, for the parent
// may have failed in between.
func (e *entry) answers(child *entry) bool {
	since := child.state.Failing
	if seen := child.kin.doubted.Add(-together); seen.After(since) {
		since = seen
	}
	return !e.kin.ran.IsZero() && !e.kin.ran.Before(since)
}

// patience is how long a run of the monitor may be waited for: the one in
// progress has to end before.
func (e *entry) patience() time.Duration {
	timeout := e.policy.Timeout
	if timeout <= 0 {
		timeout = usualRun
	}
	return 2*timeout + slack
}

// question has those parents of a failing monitor run at once whose last run
// says nothing of now. However many children ask, it is one run.
func (t *Tracker) question(e *entry, now time.Time) {
	for _, p := range t.above(e) {
		k := p.kin
		fresh := p.answers(e)
		if fails(p) { // that holds; it may be over, though, and its next run far away
			fresh = !k.ran.IsZero() && now.Sub(k.ran) < staleAfter
		}
		if !fresh {
			t.ask(p, now)
		}
	}
}

// contradict has those parents run at once that are down by what is known, and
// whose next run may be far away, such as at night: a monitor that depends on
// them recovered in a run that began at start.
func (t *Tracker) contradict(e *entry, start, now time.Time) {
	for _, p := range t.above(e) {
		if p.state.State == check.Down && p.policy.Interval > staleAfter && p.kin.ran.Before(start) {
			t.ask(p, now)
		}
	}
}

// ask has a parent run, unless that was asked for and may still be answered.
func (t *Tracker) ask(p *entry, now time.Time) {
	if k := p.kin; k.asked.IsZero() || !now.Before(k.asked.Add(p.patience())) {
		k.asked = now
		t.ties.ask = append(t.ties.ask, p.state.ID)
	}
}

// ranAt notes that a run of the monitor began at start and ended now, and looks
// again at who depends on it.
func (t *Tracker) ranAt(e *entry, start, now time.Time) {
	if e.kin == nil {
		return
	}
	e.kin.ran = start
	if !start.Before(e.kin.asked) {
		e.kin.asked = time.Time{}
	}
	t.tellChildren(e, now)
}

// tellChildren looks again at who depends on a monitor, also by way of those
// who are paused or in maintenance.
func (t *Tracker) tellChildren(e *entry, now time.Time) {
	if len(t.ties.held) > 0 {
		t.eachBelow(e, still, func(c *entry) { t.reconsider(c, now) })
	}
}

// eachBelow calls f once for each child of a monitor, and for the children of
// those that through lets pass.
func (t *Tracker) eachBelow(e *entry, through func(*entry) bool, f func(*entry)) {
	seen := map[*entry]bool{e: true}
	for next := []*entry{e}; len(next) > 0; next = next[1:] {
		for _, c := range t.ties.children[next[0].state.ID] {
			if seen[c] {
				continue
			}
			seen[c] = true
			f(c)
			if through(c) {
				next = append(next, c)
			}
		}
	}
}

// silenced returns who fails behind any of ms and is not announced for it.
func (t *Tracker) silenced(ms []check.Member) []check.Member {
	if len(t.ties.children) == 0 {
		return nil
	}
	found := map[string]check.Member{}
	through := func(c *entry) bool { return still(c) || fails(c) }
	for _, m := range ms {
		e := t.entries[m.ID]
		if e == nil || !fails(e) {
			continue
		}
		t.eachBelow(e, through, func(c *entry) {
			if m := c.policy.Monitor; fails(c) && c.incident == nil {
				found[m.ID] = check.Member{ID: m.ID, Name: m.Name, Group: m.Group, Since: c.state.Failing}
			}
		})
	}
	return slices.SortedFunc(maps.Values(found), func(a, b check.Member) int { return strings.Compare(a.ID, b.ID) })
}

// toRun hands out who is to be run now: parents at once, those who were released
// a burst at a time, since they may stand behind one gate that has just come
// back.
func (t *Tracker) toRun(now time.Time) []string {
	k := &t.ties
	ids := k.ask
	k.ask = nil
	if left := k.freedAt.Sub(now); len(k.freed) == 0 || left > 0 && left <= burstEvery { // longer: the clock was set back
		return ids
	}
	for n := 0; n < burst && len(k.freed) > 0; k.freed = k.freed[1:] {
		e := k.freed[0]
		if h := e.held(); h != nil && !h.free.IsZero() {
			ids = append(ids, e.state.ID)
			n++
		}
	}
	k.freedAt = now.Add(burstEvery)
	return ids
}

// nextTies returns when Advance is wanted because of those who are held.
func (t *Tracker) nextTies() time.Time {
	var next time.Time
	if len(t.ties.freed) > 0 {
		next = t.ties.freedAt
	}
	for _, e := range t.ties.waiting {
		if until := e.kin.hold.until; next.IsZero() || until.Before(next) {
			next = until
		}
	}
	return next
}
