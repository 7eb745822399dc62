package incident_test

import (
	"slices"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

// maintained is a world with monitors without retries.
func maintained(t *testing.T, ids ...string) *world {
	w := newWorld(t)
	for _, id := range ids {
		w.monitor(id, nil)
	}
	w.configure()
	w.ok(ids...)
	return w
}

func (w *world) state(id string, want check.State) check.MonitorState {
	w.t.Helper()
	s, _ := w.tracker.State(id)
	if s.State != want {
		w.t.Errorf("%s is %s, want %s", id, s.State, want)
	}
	return s
}

func (w *world) fresh(want ...string) {
	w.t.Helper()
	got := slices.Sorted(slices.Values(w.asked))
	if w.asked = nil; !slices.Equal(got, want) {
		w.t.Errorf("to be probed at once: %q, want %q", got, want)
	}
}

// Uptime Kuma #4004: a Down was sent, a maintenance begins, the service
// recovers in it, and the Up is never sent.
func TestARecoveryInsideAnswersTheDown(t *testing.T) {
	w := maintained(t, "a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
	w.hold(check.Maintenance, "a")
	w.state("a", check.Maintenance)
	w.wait(time.Minute)
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
	if s := w.state("a", check.Maintenance); s.Fault != nil || s.Incident != "" {
		t.Errorf("state %+v, want one without a fault", s)
	}
	w.hold("", "a")
	w.state("a", check.Up)
	w.wait(time.Hour)
	w.expect()
	w.fresh()
}

// Uptime Kuma #7148 and #2846: a monitor that was down before a maintenance and
// still is after it is told down a second time.
func TestWhatWasToldBeforeIsNotToldAgain(t *testing.T) {
	w := maintained(t, "a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
	w.hold(check.Maintenance, "a")
	w.fail(status(), "a")
	s := w.state("a", check.Maintenance)
	if s.Fault == nil || s.Fault.Reason != check.Status || s.Incident == "" {
		t.Errorf("state %+v, want the fault and the incident", s)
	}
	w.wait(time.Minute)
	w.hold("", "a")
	w.state("a", check.Down)
	w.fresh("a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect()
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
}

func TestWhatBeganInsideIsToldAfterAFreshRun(t *testing.T) {
	w := maintained(t, "a", "b")
	w.hold(check.Maintenance, "a", "b")
	w.fail(status(), "a", "b")
	w.wait(time.Minute)
	w.fail(status(), "a")
	s := w.state("a", check.Maintenance)
	if s.Fault == nil || s.Fault.Reason != check.Status {
		t.Errorf("the fault is not recorded: %+v", s)
	}
	w.ok("b") // it came and went
	w.wait(time.Hour)
	w.expect()
	w.hold("")
	w.holds = map[string]check.State{}
	w.hold("", "a", "b")
	w.state("a", check.Pending)
	w.state("b", check.Up)
	w.fresh("a")
	w.wait(time.Hour)
	w.expect() // what failed an hour ago may be well by now
	w.fail(status(), "a")
	w.state("a", check.Down)
	w.wait(time.Minute)
	w.expect("down a")
	w.ok("a", "b")
	w.wait(time.Minute)
	w.expect("up a")
}

func TestWhatRecoversInTheFreshRunIsNotTold(t *testing.T) {
	w := maintained(t, "a")
	w.hold(check.Maintenance, "a")
	w.fail(status(), "a")
	w.hold("", "a")
	w.ok("a")
	w.state("a", check.Up)
	w.wait(time.Hour)
	w.expect()
}

// What failed less often than it may inside goes on with its retries after.
func TestRetriesGoOnAfterTheEnd(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", func(p *incident.Policy) { p.Retries = 2 })
	w.configure()
	w.ok("a")
	w.hold(check.Maintenance, "a")
	if got := w.result("a", status(), ""); got != check.Maintenance {
		t.Errorf("a run inside leaves %s: the next would come after the retry interval", got)
	}
	w.hold("", "a")
	if got := w.result("a", status(), ""); got != check.Pending {
		t.Errorf("the second failure of three: %s", got)
	}
	if got := w.result("a", status(), ""); got != check.Down {
		t.Errorf("the third failure of three: %s", got)
	}
	w.wait(time.Minute)
	w.expect("down a")
}

// A Down that waits for group_wait when the maintenance begins is not sent.
func TestADownThatWaitsIsTakenBack(t *testing.T) {
	w := maintained(t, "a", "b")
	w.fail(provider(), "a", "b")
	w.hold(check.Maintenance, "a")
	w.wait(time.Minute)
	w.expect("down b")
	if s := w.state("a", check.Maintenance); s.Incident != "" {
		t.Errorf("it is still of the incident: %+v", s)
	}
	w.ok("b")
	w.wait(time.Minute)
	w.expect("up b")
	w.hold("", "a")
	w.fail(provider(), "a")
	w.wait(time.Minute)
	w.expect("down a")
}

func TestAloneADownThatIsTakenBackLeavesNothing(t *testing.T) {
	w := maintained(t, "a")
	w.fail(status(), "a")
	w.hold(check.Maintenance, "a")
	w.ok("a")
	w.hold("", "a")
	w.wait(time.Hour)
	w.expect()
	if open := w.tracker.Open(); len(open) != 0 {
		t.Errorf("open: %+v", open)
	}
}

func TestAnOpenGateIsToldInside(t *testing.T) {
	w := maintained(t, "a")
	w.hold(check.Maintenance, "a")
	w.fail(exposed(), "a")
	w.state("a", check.Exposed)
	w.expect("exposed a")
	w.fail(status(), "a")
	w.ok("a")
	w.wait(time.Minute)
	w.state("a", check.Maintenance)
	w.expect("up a")
	w.hold("", "a")
	w.state("a", check.Up)
}

func TestNobodyIsRemindedInside(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b"} {
		w.monitor(id, func(p *incident.Policy) { p.RemindEvery = 10 * time.Minute })
	}
	w.configure()
	w.fail(provider(), "a", "b")
	w.wait(15 * time.Minute)
	w.expect("down a,b", "reminder a,b")
	w.hold(check.Maintenance, "a")
	w.wait(10 * time.Minute)
	w.expect("reminder b")
	w.hold(check.Maintenance, "b")
	w.wait(time.Hour)
	w.expect()
	w.hold("", "a", "b")
	w.wait(time.Hour)
	w.expect() // not before a run has said how they stand
	w.fail(provider(), "a", "b")
	w.wait(time.Minute)
	w.expect("reminder a,b")
	w.ok("a", "b")
	w.wait(time.Minute)
	w.expect("up a,b")
}

// Others of the same cause are told as usual, and one whose maintenance ends
// later joins them aloud: nobody knew of it.
func TestOthersOfTheCauseAreToldAsUsual(t *testing.T) {
	w := maintained(t, "a", "b", "c")
	w.hold(check.Maintenance, "a")
	w.fail(provider(), "a", "b", "c")
	w.wait(time.Minute)
	w.expect("down b,c")
	w.hold("", "a")
	w.fail(provider(), "a")
	w.wait(time.Minute)
	w.expect("down a+")
	w.ok("a", "b", "c")
	w.wait(time.Minute)
	w.expect("up a,b,c")
}

// The shared cause of an incident that was told ends inside: its Up goes out and
// says who still fails; those in maintenance get their new Down after it only.
func TestASharedCauseThatEndsInside(t *testing.T) {
	w := maintained(t, "a", "b", "c")
	w.fail(provider(), "a", "b", "c")
	w.wait(time.Minute)
	w.expect("down a,b,c")
	w.hold(check.Maintenance, "a")
	w.ok("c")
	w.fail(status(), "a", "b")
	w.wait(time.Minute)
	w.expect("up a,b,c(a,b)", "down b")
	w.state("a", check.Maintenance)
	w.fail(status(), "a", "b")
	w.wait(time.Minute)
	w.expect()
	w.hold("", "a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
}

func TestTheLastOfASharedIncidentRecoversInside(t *testing.T) {
	w := maintained(t, "a", "b")
	w.fail(provider(), "a", "b")
	w.wait(time.Minute)
	w.expect("down a,b")
	w.hold(check.Maintenance, "a")
	w.ok("b")
	w.wait(time.Minute)
	w.expect()
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a,b")
}

func TestAMonitorThatIsRemovedInside(t *testing.T) {
	for _, told := range []bool{true, false} {
		w := maintained(t, "a", "b")
		if told {
			w.fail(status(), "a")
			w.wait(time.Minute)
			w.expect("down a")
		}
		w.hold(check.Maintenance, "a")
		w.fail(status(), "a")
		w.policies = w.policies[1:]
		w.configure()
		w.wait(time.Minute)
		if told {
			w.expect("closed a")
		} else {
			w.expect()
		}
	}
}

func TestARestartInside(t *testing.T) {
	w := maintained(t, "told", "late", "well")
	w.fail(status(), "told")
	w.wait(time.Minute)
	w.expect("down told")
	w.hold(check.Maintenance, "told", "late", "well")
	w.fail(status(), "late", "told")
	w.wait(time.Minute)
	w.restart()
	for id, fault := range map[string]bool{"told": true, "late": true, "well": false} {
		if s := w.state(id, check.Maintenance); (s.Fault != nil) != fault {
			t.Errorf("%s after the restart: %+v", id, s)
		}
	}
	w.fail(status(), "told", "late")
	w.wait(time.Minute)
	w.expect()
	w.holds = map[string]check.State{} // it ended while the agent was off
	w.restart()
	w.fresh("late", "told")
	w.state("well", check.Up)
	w.restart() // and the agent was restarted before the fresh runs
	w.fail(status(), "told", "late")
	w.wait(time.Minute)
	w.expect("down late")
	w.ok("told", "late")
	w.wait(time.Minute)
	w.expect("up told late")
}

// A restart between the end and the fresh run must not make a silent member of
// one whom nobody knows of.
func TestARestartBeforeTheFreshRun(t *testing.T) {
	w := maintained(t, "a", "b")
	w.hold(check.Maintenance, "a")
	w.fail(provider(), "a", "b")
	w.wait(time.Minute)
	w.expect("down b")
	w.hold("", "a")
	w.restart()
	w.fail(provider(), "a")
	w.wait(time.Minute)
	w.expect("down a+")
}

// Whom one notifier was told of and another not is told to the other after.
func TestEachNotifierHearsOnce(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.configure()
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
	w.channels = append(w.channels, incident.Channel{Name: "hook"})
	w.policies[0].Notify = []string{"ops", "hook"}
	w.hold(check.Maintenance, "a")
	w.configure()
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect()
	w.hold("", "a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("hook: down a")
	w.ok("a")
	w.wait(time.Minute)
	got := w.told()
	slices.Sort(got)
	if want := []string{"hook: up a", "up a"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestOurOwnLineIsCountedInside(t *testing.T) {
	w := maintained(t, "a", "b", "c", "d")
	w.hold(check.Maintenance, "a", "b", "c")
	for i, id := range []string{"a", "b", "c", "d"} {
		addr := "192.0.2." + string(rune('1'+i)) + ":443"
		w.result(id, unreachable(addr), addr)
	}
	w.wait(2 * time.Minute)
	w.expect("down d")
	if open := w.tracker.Open(); len(open) != 1 || open[0].Cause.Kind != check.CauseAgent || len(open[0].Members) != 1 {
		t.Errorf("open: %+v, want agent/offline with d alone", open)
	}
}

func TestACertificateWaitsForTheEnd(t *testing.T) {
	w := newWorld(t)
	warns := func(p *incident.Policy) { p.Monitor.CertificateWarn = []time.Duration{14 * 24 * time.Hour} }
	w.monitor("a", warns)
	w.configure()
	w.hold(check.Maintenance, "a")
	chain := &check.Chain{Name: "a.example", Fingerprint: "f1", NotBefore: w.now.Add(-80 * 24 * time.Hour), NotAfter: w.now.Add(10 * 24 * time.Hour), Verified: true}
	see := func() {
		_, c := w.tracker.Observe(check.Result{Monitor: w.policies[0].Monitor, Start: w.now, Certs: chain})
		w.commit(c)
	}
	see()
	w.wait(time.Hour)
	w.expect()
	w.hold("", "a")
	w.wait(time.Minute)
	w.expect("certificate a")
	see()
	w.wait(time.Hour)
	w.expect()
}

// Windows that follow one another or overlap are one hold, or two without a run
// between them.
func TestOneWindowAfterTheOther(t *testing.T) {
	w := maintained(t, "a")
	w.hold(check.Maintenance, "a")
	w.fail(status(), "a")
	since := w.state("a", check.Maintenance).Since
	w.wait(time.Minute)
	w.hold(check.Maintenance, "a")
	if s := w.state("a", check.Maintenance); !s.Since.Equal(since) {
		t.Errorf("it begins anew at %s", s.Since)
	}
	w.hold("", "a")
	w.hold(check.Maintenance, "a")
	w.fail(status(), "a")
	w.wait(time.Hour)
	w.expect()
	w.hold("", "a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
}
