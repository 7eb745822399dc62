package incident_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

// world drives a Tracker as the agent does: results in order of time, Advance
// when it asks for it, everything that was committed kept for a restart.
type world struct {
	t        *testing.T
	tracker  *incident.Tracker
	now      time.Time
	opts     incident.Options
	policies []incident.Policy
	channels []incident.Channel
	sent     []check.Delivery
	asked    []string // who was to be run at once
	ids      int
	states   map[string]check.MonitorState
	records  map[string]check.IncidentRecord
	holds    map[string]check.State // of monitors in maintenance or paused
	others   map[string]bool        // whose notifiers were changed
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), states: map[string]check.MonitorState{}, records: map[string]check.IncidentRecord{},
		holds: map[string]check.State{}, others: map[string]bool{}}
	w.opts = incident.Options{GroupWait: 10 * time.Second, NewID: func() string { w.ids++; return fmt.Sprintf("inc-%03d", w.ids) },
		DeliveryID: func() int64 { w.ids++; return int64(w.ids) }}
	w.channels = []incident.Channel{{Name: "ops"}}
	w.tracker = incident.New(w.opts)
	return w
}

func (w *world) monitor(id string, change func(*incident.Policy)) {
	p := incident.Policy{Monitor: &check.Monitor{ID: id, Name: strings.ToUpper(id), Type: "http"}, Interval: time.Minute, RetryInterval: 20 * time.Second,
		Retries: 0, Recoveries: 1, Notify: []string{"ops"}}
	if change != nil {
		change(&p)
	}
	w.policies = append(w.policies, p)
}

func (w *world) configure() {
	for i := range w.policies {
		w.policies[i].Suspended = w.holds[w.policies[i].Monitor.ID]
	}
	w.commit(w.tracker.Configure(w.opts, w.policies, w.channels, w.now))
}

// hold puts monitors into maintenance, pauses them, or ("") lets them go.
func (w *world) hold(as check.State, ids ...string) {
	for _, id := range ids {
		w.holds[id] = as
	}
	w.commit(w.tracker.Suspend(w.holds, w.now))
}

func (w *world) commit(c check.Change) {
	for _, s := range c.States {
		w.states[s.ID] = s
	}
	for _, id := range c.Removed {
		delete(w.states, id)
	}
	for _, r := range c.Incidents {
		w.records[r.ID] = r
	}
	w.sent = append(w.sent, c.Deliveries...)
	w.asked = append(w.asked, c.Probe...)
}

// pass lets time go by, calling Advance when it is wanted.
func (w *world) wait(d time.Duration) {
	end := w.now.Add(d)
	for {
		next := w.tracker.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		if next.After(w.now) {
			w.now = next
		}
		c, _ := w.tracker.Advance(w.now)
		w.commit(c)
	}
	w.now = end
}

func (w *world) result(id string, f *check.Fault, remote string) check.State {
	w.t.Helper()
	i := slices.IndexFunc(w.policies, func(p incident.Policy) bool { return p.Monitor.ID == id })
	s, c := w.tracker.Observe(check.Result{Monitor: w.policies[i].Monitor, Start: w.now, Fault: f, Remote: remote})
	w.commit(c)
	return s.State
}

func (w *world) ok(ids ...string) {
	for _, id := range ids {
		w.result(id, nil, "")
	}
}

func (w *world) fail(f *check.Fault, ids ...string) {
	for _, id := range ids {
		w.result(id, f, "")
	}
}

// restart throws the tracker away and restores one from what was committed.
func (w *world) restart() {
	w.t.Helper()
	var open []check.IncidentRecord
	for _, r := range w.records {
		if r.Closed.IsZero() {
			open = append(open, r)
		}
	}
	var states []check.MonitorState
	for _, s := range w.states {
		b, err := json.Marshal(s)
		if err != nil {
			w.t.Fatal(err)
		}
		var back check.MonitorState
		if err := json.Unmarshal(b, &back); err != nil {
			w.t.Fatal(err)
		}
		states = append(states, back)
	}
	w.tracker = incident.New(w.opts)
	if err := w.tracker.Restore(states, open); err != nil {
		w.t.Fatal(err)
	}
	w.configure()
}

// told returns what went out, one line a message: kind, then for each event
// its members, and those who still fail in brackets.
func (w *world) told() []string {
	var lines []string
	for _, d := range w.sent {
		line := string(d.Kind)
		if d.Notifier != "ops" {
			line = d.Notifier + ": " + line
		}
		for _, e := range d.Events {
			line += " " + names(e.Members)
			if e.Joined {
				line += "+"
			}
			if len(e.Failing) > 0 {
				line += "(" + names(e.Failing) + ")"
			}
		}
		lines = append(lines, line)
	}
	w.sent = nil
	return lines
}

func names(ms []check.Member) string {
	var ns []string
	for _, m := range ms {
		ns = append(ns, m.ID)
	}
	return strings.Join(ns, ",")
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	if got := w.told(); !slices.Equal(got, want) {
		w.t.Errorf("told %q, want %q", got, want)
	}
}

func provider() *check.Fault {
	return &check.Fault{Class: check.IDP, Reason: check.TokenUnreachable, Cause: check.Cause{Kind: check.CauseProvider, Key: "https://auth.example:443"}, Message: "the provider does not answer"}
}

func status() *check.Fault {
	return &check.Fault{Class: check.Target, Reason: check.Status, Message: "answered 500"}
}

func unreachable(addr string) *check.Fault {
	return &check.Fault{Class: check.Network, Reason: check.Timeout, Cause: check.Cause{Kind: check.CauseAddress, Key: addr}, Message: "no answer"}
}

func TestRetriesAndRecoveries(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", func(p *incident.Policy) { p.Retries, p.Recoveries = 2, 2 })
	w.configure()
	for i, step := range []struct {
		fault *check.Fault
		want  check.State
	}{{nil, check.Up}, {status(), check.Pending}, {status(), check.Pending}, {nil, check.Up}, {status(), check.Pending}, {status(), check.Pending},
		{status(), check.Down}, {status(), check.Down}, {nil, check.Down}, {status(), check.Down}, {nil, check.Down}, {nil, check.Up}} {
		if got := w.result("a", step.fault, ""); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
		w.wait(20 * time.Second)
	}
	w.expect("down a", "up a")
}

func TestOneCauseOneMessage(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b", "c", "d"} {
		w.monitor(id, nil)
	}
	w.configure()
	w.ok("a", "b", "c", "d")
	w.wait(time.Minute)
	w.fail(provider(), "a", "b")
	w.expect()
	w.wait(10 * time.Second)
	w.expect("down a,b")
	w.fail(provider(), "c") // within one interval of the opening: silently
	w.wait(2 * time.Minute)
	w.fail(provider(), "a", "b", "c")
	w.expect()
	w.fail(provider(), "d") // later: told, and says that it joined
	w.wait(10 * time.Second)
	w.expect("down d+")
	w.ok("a", "b")
	w.wait(time.Minute)
	w.expect()
	w.ok("c", "d")
	w.wait(10 * time.Second)
	w.expect("up a,b,c,d")
	if open := w.tracker.Open(); len(open) != 0 {
		t.Errorf("still open: %+v", open)
	}
}

func TestAChangedFaultIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.configure()
	w.fail(provider(), "a")
	w.wait(time.Minute)
	w.expect("down a")
	for range 5 {
		w.fail(status(), "a")
		w.wait(time.Minute)
		w.fail(unreachable("192.0.2.1:443"), "a")
		w.wait(time.Minute)
	}
	w.expect()
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
}

func TestEndOfASharedCause(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b", "c", "d"} {
		w.monitor(id, func(p *incident.Policy) { p.Retries = 1 })
	}
	w.configure()
	for range 2 {
		w.fail(provider(), "a", "b", "c", "d")
		w.wait(20 * time.Second)
	}
	w.expect("down a,b,c,d")
	w.ok("a")
	w.fail(status(), "b", "c")
	w.expect()
	w.ok("d")
	if got := w.states["b"].State; got != check.Pending {
		t.Errorf("b is %s, want pending: it is to have its retries", got)
	}
	w.wait(10 * time.Second)
	w.expect("up a,b,c,d(b,c)")
	w.fail(status(), "b")
	w.wait(15 * time.Second)
	w.expect() // waits for c
	w.fail(status(), "c")
	w.wait(10 * time.Second)
	w.expect("down b c")
	w.ok("b", "c")
	w.wait(10 * time.Second)
	w.expect("up b c")
}

func TestReminders(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", func(p *incident.Policy) { p.RemindEvery = time.Hour })
	w.monitor("b", nil)
	w.configure()
	w.fail(provider(), "a", "b")
	w.wait(3*time.Hour - time.Minute)
	w.expect("down a,b", "reminder a,b", "reminder a,b")
	w.ok("a")
	w.wait(3 * time.Hour)
	w.expect()
	w.ok("b")
	w.wait(time.Minute)
	w.expect("up a,b")
}

func TestEachNotifierSeesItsOwn(t *testing.T) {
	w := newWorld(t)
	w.channels = []incident.Channel{{Name: "ops"}, {Name: "web"}, {Name: "hook", Keyed: true}, {Name: "quiet", Wants: func(k check.Kind) bool { return k != check.KindUp }}}
	w.monitor("a", func(p *incident.Policy) { p.Notify = []string{"ops", "hook"} })
	w.monitor("b", func(p *incident.Policy) { p.Notify = []string{"web", "hook", "quiet"} })
	w.monitor("c", func(p *incident.Policy) { p.Notify = nil })
	w.configure()
	w.fail(provider(), "a", "b")
	w.fail(status(), "b", "c")
	w.wait(time.Minute)
	got := w.told()
	slices.Sort(got)
	if want := []string{"down a", "hook: down a,b", "quiet: down b", "web: down b"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	w.ok("b") // all of web's members are up: it is told, though the incident goes on
	w.wait(10 * time.Second)
	w.expect("web: up b")
	w.ok("a")
	w.wait(10 * time.Second)
	got = w.told()
	slices.Sort(got)
	if want := []string{"hook: up a,b", "up a"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestSeveralCausesInOneMessage(t *testing.T) {
	w := newWorld(t)
	w.channels = append(w.channels, incident.Channel{Name: "hook", Keyed: true})
	for _, id := range []string{"a", "b"} {
		w.monitor(id, func(p *incident.Policy) { p.Notify = []string{"ops", "hook"} })
	}
	w.configure()
	w.fail(status(), "a")
	w.wait(5 * time.Second)
	w.fail(status(), "b")
	w.wait(5 * time.Second)
	got := w.told()
	slices.Sort(got)
	if want := []string{"down a b", "hook: down a", "hook: down b"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestAShortOutageIsToldWhole(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.configure()
	w.fail(status(), "a")
	w.wait(time.Second)
	w.ok("a")
	w.wait(time.Minute)
	w.expect("down a", "up a")
}

func TestRemovedMonitors(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.monitor("b", nil)
	w.monitor("c", nil)
	w.configure()
	w.fail(provider(), "a", "b")
	w.fail(status(), "c")
	w.wait(time.Minute)
	w.expect("down a,b c")
	w.policies = w.policies[:1]
	w.configure()
	w.wait(time.Minute)
	w.expect("closed c")
	if _, known := w.states["c"]; known {
		t.Error("the state of a removed monitor is still kept")
	}
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a,b")
}

// A gate that cannot be reached is held under our own line like an address, but
// not one on this very machine.
func TestOfflineHoldsAGate(t *testing.T) {
	w := newWorld(t)
	addr := map[string]string{"a": "192.0.2.1:443", "b": "192.0.2.2:443", "c": "192.0.2.3:443", "d": "192.0.2.4:443", "e": "127.0.0.1:443"}
	fault := func(id string) *check.Fault {
		f := unreachable(addr[id])
		if id == "d" || id == "e" {
			f.Cause = check.Cause{Kind: check.CauseGate, Key: "gate " + id}
		}
		return f
	}
	for id := range addr {
		w.monitor(id, nil)
	}
	w.configure()
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		w.result(id, nil, addr[id])
	}
	w.wait(time.Minute)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		w.result(id, fault(id), addr[id])
	}
	w.wait(30 * time.Second)
	held := map[string]string{}
	for _, inc := range w.tracker.Open() {
		for _, m := range inc.Members {
			held[m.ID] = string(inc.Cause.Kind)
		}
	}
	if held["d"] != "agent" || held["e"] != "gate" {
		t.Errorf("held under %v", held)
	}
}

func TestOffline(t *testing.T) {
	w := newWorld(t)
	addr := func(id string) string { return "192.0.2." + fmt.Sprint(int(id[0]-'a')+1) + ":443" }
	ids := []string{"a", "b", "c", "d", "e"}
	for _, id := range ids {
		w.monitor(id, nil)
	}
	w.configure()
	for _, id := range ids {
		w.result(id, nil, addr(id))
	}
	w.wait(time.Minute)
	for _, id := range ids {
		w.result(id, unreachable(addr(id)), addr(id))
		w.wait(10 * time.Second)
	}
	w.wait(20 * time.Second)
	open := w.tracker.Open()
	if len(open) != 2 || open[1].Fault.Reason != check.Offline {
		t.Fatalf("open: %+v, want the first address and agent/offline", open)
	}
	if got := w.states["e"].Fault.Reason; got != check.Timeout {
		t.Errorf("e fails for %s, want its own fault", got)
	}
	got := w.told()
	if len(got) != 2 || got[0] != "down a" || !strings.HasPrefix(got[1], "down b,c,d") {
		t.Errorf("told %q", got)
	}
	for _, id := range ids {
		w.result(id, nil, addr(id))
	}
	w.wait(time.Minute)
	w.expect("up a b,c,d,e")
}

func TestOneLostAddressIsNoLostLine(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b", "c"} {
		w.monitor(id, nil)
	}
	w.configure()
	w.result("a", unreachable("192.0.2.1:443"), "192.0.2.1:443")
	w.result("b", nil, "192.0.2.2:443")
	w.result("c", unreachable("127.0.0.1:443"), "127.0.0.1:443")
	w.wait(10 * time.Second)
	w.expect("down a c")
}

func TestRestartKeepsWhatIsOwed(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b"} {
		w.monitor(id, func(p *incident.Policy) { p.Retries = 1 })
	}
	w.configure()
	w.fail(provider(), "a", "b")
	w.restart()
	w.fail(provider(), "a", "b")
	w.restart() // before group_wait is over
	w.wait(10 * time.Second)
	w.expect("down a,b")
	w.restart()
	w.fail(provider(), "a", "b")
	w.wait(time.Minute)
	w.expect()
	w.ok("a", "b")
	w.restart() // between recovery and its message
	w.wait(10 * time.Second)
	w.expect("up a,b")
	w.restart()
	w.ok("a", "b")
	w.wait(time.Hour)
	w.expect()
	for _, r := range w.records {
		if r.Closed.IsZero() {
			t.Errorf("incident %s was never closed", r.ID)
		}
	}
}

func TestStaleResults(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.configure()
	old := w.policies[0].Monitor
	w.policies = nil
	w.monitor("a", nil)
	w.configure()
	s, c := w.tracker.Observe(check.Result{Monitor: old, Start: w.now, Fault: status()})
	if s.State != "" || !c.Empty() {
		t.Errorf("a stale result gave %+v, %+v", s, c)
	}
}
