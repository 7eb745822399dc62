package incident

import (
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

const (
	lineWindow   = 2 * time.Minute  // how long a result speaks for its address
	lineLeast    = 3                // addresses that must have been probed
	linePatience = time.Minute      // how long an alert waits at most while our own line is in doubt
	lineRecheck  = 5 * time.Second  // how often it is asked again
	lineTidy     = 10 * time.Minute // how often addresses that are not probed any more are forgotten
)

// line watches our own network: when nearly everything far away is out of
// reach at once, it is our line and not they.
type line struct {
	last  map[string]reach // by host:port, loopback left out
	tidy  time.Time
	onset time.Time // first failure since the last success of any address
	asked time.Time // when offline was last worked out, for lately
	was   bool
}

type reach struct {
	at   time.Time
	lost bool
}

func newLine() line { return line{last: map[string]reach{}} }

func (l *line) observe(r check.Result, now time.Time) {
	if r.Remote == "" || loopback(r.Remote) {
		return
	}
	lost := r.Fault != nil && r.Fault.Class == check.Network
	if !lost {
		l.onset = time.Time{}
	} else if l.onset.IsZero() {
		l.onset = now
	}
	l.last[r.Remote] = reach{now, lost}
	if now.Sub(l.tidy) > lineTidy {
		l.tidy = now
		for k, v := range l.last {
			if now.Sub(v.at) > lineWindow {
				delete(l.last, k)
			}
		}
	}
}

func (l *line) count(now time.Time) (lost, all int) {
	for _, v := range l.last {
		if now.Sub(v.at) > lineWindow {
			continue
		}
		all++
		if v.lost {
			lost++
		}
	}
	return lost, all
}

// offline says whether at least three remote addresses were probed lately and
// four in five or more of them cannot be reached.
func (l *line) offline(now time.Time) bool {
	lost, all := l.count(now)
	return all >= lineLeast && lost*5 >= all*4
}

// lately is offline, worked out at most once a second: it is asked at every
// result while an incident is open.
func (l *line) lately(now time.Time) bool {
	if d := now.Sub(l.asked); d >= time.Second || d < 0 {
		l.asked, l.was = now, l.offline(now)
	}
	return l.was
}

// doubtful says whether it may yet turn out so: several addresses are lost and
// none was reached since.
func (l *line) doubtful(now time.Time) bool {
	lost, all := l.count(now)
	return all >= lineLeast && lost >= 2 && !l.onset.IsZero()
}

func (l *line) fault(now time.Time, location string) check.FaultText {
	lost, all := l.count(now)
	where := ""
	if location != "" {
		where = fmt.Sprintf(" (location %q)", location)
	}
	return check.FaultText{
		Class: check.Agent, Reason: check.Offline,
		Message: fmt.Sprintf("%d of %d remote addresses cannot be reached: the network of Watchword's own machine seems to be down", lost, all),
		Hint:    "look at the network, DNS and firewall of the machine that Watchword runs on" + where + "; what is behind it was not checked",
	}
}

// heldByLine says whether a monitor fails in a way that our own line explains.
func (t *Tracker) heldByLine(e *entry) bool {
	f := e.state.Fault
	switch {
	case f == nil:
		return false
	case f.Class == check.Network && e.cause.Kind == check.CauseGate:
		return e.remote != "" && !loopback(e.remote)
	case f.Class == check.Network:
		return e.cause.Kind == check.CauseAddress && !loopback(e.cause.Key)
	case f.Class == check.IDP && (f.Reason == check.TokenUnreachable || f.Reason == check.TokenTimeout):
		u, err := url.Parse(e.cause.Key)
		return err == nil && !loopback(u.Host)
	default:
		return false
	}
}

// heldUntil returns until when a Down waits: for those who are to be announced
// with it, or for certainty about our own line.
func (t *Tracker) heldUntil(inc *incident, s *said, now time.Time) time.Time {
	if s.hold.After(now) {
		return s.hold
	}
	if len(s.Announce) == 0 || s.Up || !t.explainedByLine(inc) || !t.line.doubtful(now) {
		return time.Time{}
	}
	limit := inc.opened.Add(linePatience)
	if at := now.Add(lineRecheck); at.Before(limit) {
		return at
	}
	return limit
}

func (t *Tracker) explainedByLine(inc *incident) bool {
	if inc.cause.Kind == check.CauseAgent {
		return false
	}
	for id := range inc.members {
		if e := t.entries[id]; e == nil || !t.heldByLine(e) {
			return false
		}
	}
	return len(inc.members) > 0
}

// watchLine gathers incidents of which nobody was told yet under our own line
// when that is what broke, and ends it when the line is back.
func (t *Tracker) watchLine(now time.Time) {
	if len(t.byCause) == 0 {
		return
	}
	agent := t.byCause[check.Cause{Kind: check.CauseAgent, Key: "agent"}]
	if !t.line.lately(now) {
		if agent != nil && !t.line.offline(now) {
			t.endCause(agent, now)
		}
		return
	}
	for _, inc := range t.incidents {
		if inc.ended.IsZero() && t.untold(inc) && t.explainedByLine(inc) && t.line.offline(now) { // lately may be a second old
			t.absorb(inc, now)
		}
	}
}

func (t *Tracker) untold(inc *incident) bool {
	waiting := false
	for _, s := range inc.said {
		if len(s.Told) > 0 {
			return false
		}
		waiting = waiting || len(s.Announce) > 0
	}
	return waiting
}

// absorb moves the members of an incident under agent/offline.
func (t *Tracker) absorb(inc *incident, now time.Time) {
	clear(inc.said)
	for id, m := range inc.members {
		e := t.entries[id]
		inc.past[id] = m.Member
		delete(inc.members, id)
		t.join(e, now)
	}
	t.end(inc, now)
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return machine.IsLoopback(host)
}
