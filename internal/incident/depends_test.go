package incident_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

// family makes a world of a router, retries 0, and children behind it that all
// passed once.
func family(t *testing.T, children ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.monitor("router", func(p *incident.Policy) { p.Timeout = 5 * time.Second })
	for _, id := range children {
		w.monitor(id, func(p *incident.Policy) { p.DependsOn = []string{"router"} })
	}
	w.configure()
	w.ok(append([]string{"router"}, children...)...)
	w.wait(20 * time.Second)
	return w
}

// heldBy returns who is held and by whom, "a<router"; one that waits ends in "?".
func (w *world) heldBy() string {
	all := w.tracker.Held()
	var list []string
	for _, id := range slices.Sorted(maps.Keys(all)) {
		h := all[id]
		s := id + "<" + strings.Join(h.By, "+")
		if !h.Failing {
			s += "?"
		}
		list = append(list, s)
	}
	return strings.Join(list, " ")
}

func (w *world) expectHeld(want string) {
	w.t.Helper()
	if got := w.heldBy(); got != want {
		w.t.Errorf("held: %q, want %q", got, want)
	}
}

func (w *world) expectAsked(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.asked, want) {
		w.t.Errorf("to be run: %q, want %q", w.asked, want)
	}
	w.asked = nil
}

func (w *world) expectState(id string, want check.State) {
	w.t.Helper()
	if s, _ := w.tracker.State(id); s.State != want {
		w.t.Errorf("%s is %s, want %s", id, s.State, want)
	}
}

// A gateway fails with all that is behind it: one message. Its recovery and
// theirs: one more.
func TestOneMessageForAGatewayAndItsChildren(t *testing.T) {
	w := family(t, "a", "b", "c")
	w.fail(status(), "a")
	w.expectAsked("router")
	w.expectHeld("a<router?")
	w.fail(status(), "b", "c")
	w.expectAsked()
	w.wait(time.Second)
	w.fail(unreachable("192.0.2.1:443"), "router")
	w.expectHeld("a<router b<router c<router")
	w.expectState("a", check.Down)
	for range 3 {
		w.wait(time.Minute)
		w.fail(status(), "a", "b", "c")
		w.fail(unreachable("192.0.2.1:443"), "router")
	}
	w.expectAsked()
	w.wait(time.Second)
	w.expect("down router")
	if open := w.tracker.Open(); len(open) != 1 || names(open[0].Members) != "router" {
		t.Errorf("open: %+v", open)
	}
	w.ok("router")
	w.expectAsked("a", "b", "c")
	w.ok("a", "b", "c")
	w.wait(time.Hour)
	w.expect("up router")
	w.expectHeld("")
}

func TestAPendingParentCountsAsDown(t *testing.T) {
	w := family(t, "a")
	w.change("router", func(p *incident.Policy) { p.Retries = 2 })
	w.fail(status(), "router")
	w.expectState("router", check.Pending)
	w.fail(status(), "a")
	w.expectState("a", check.Down)
	w.expectHeld("a<router")
	w.wait(30 * time.Second)
	w.expect()
	w.ok("router") // it was nothing
	w.expectAsked("a")
	w.wait(time.Second)
	w.fail(status(), "a")
	w.wait(10 * time.Second)
	w.expect("down a")
}

// A parent that needs two passes is down until the second.
func TestARecoveringParentHolds(t *testing.T) {
	w := family(t, "a")
	w.change("router", func(p *incident.Policy) { p.Recoveries = 2 })
	w.fail(status(), "router", "a")
	w.wait(time.Minute)
	w.ok("router")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down router")
	w.expectHeld("a<router")
	w.ok("router")
	w.wait(time.Second)
	w.fail(status(), "a")
	w.wait(10 * time.Second)
	w.expect("up router", "down a")
}

// The parents are run at the first failure, so that their answer is there when
// the retries are used up.
func TestParentsAreAskedAtTheFirstFailure(t *testing.T) {
	w := family(t, "a")
	w.change("a", func(p *incident.Policy) { p.Retries = 1 })
	w.wait(time.Minute)
	w.fail(status(), "a")
	w.expectAsked("router")
	w.wait(time.Second)
	w.ok("router")
	w.wait(19 * time.Second)
	w.fail(status(), "a")
	w.expectAsked()
	w.expectHeld("")
	w.wait(10 * time.Second)
	w.expect("down a")
}

// A run of the parent that began before the child failed says nothing: the
// child waits for the next, and is announced at once where it passes.
func TestAChildWaitsForAFreshRunOfItsParent(t *testing.T) {
	w := family(t, "a")
	w.fail(status(), "a")
	w.expectAsked("router")
	begun := w.now.Add(-5 * time.Second)
	w.now = w.now.Add(time.Second)
	w.resultSince("router", begun, nil) // it was on its way
	w.expectHeld("a<router?")
	w.expectAsked() // it is to be run once more already
	w.expectState("a", check.Down)
	w.now = w.now.Add(time.Second)
	w.ok("router")
	w.expectHeld("")
	w.expect()
	w.wait(10 * time.Second)
	w.expect("down a")
	w.ok("a")
	w.wait(10 * time.Second)
	w.expect("up a")
}

// resultSince observes a run that began earlier and ends now.
func (w *world) resultSince(id string, start time.Time, f *check.Fault) {
	m := w.policies[w.index(id)].Monitor
	_, c := w.tracker.Observe(check.Result{Monitor: m, Start: start, Took: w.now.Sub(start), Fault: f})
	w.commit(c)
}

// No answer is waited for without end.
func TestAMissedAnswerIsNotAMissedAlarm(t *testing.T) {
	w := family(t, "a")
	w.fail(status(), "a")
	w.wait(14 * time.Second)
	w.expectHeld("a<router?")
	w.wait(time.Second) // twice its timeout of 5 s, and 5 s
	w.expectHeld("")
	w.wait(10 * time.Second)
	w.expect("down a")
}

func TestWhoRecoversWhileItWaitsIsNotTold(t *testing.T) {
	w := family(t, "a", "b")
	w.change("b", func(p *incident.Policy) { p.Recoveries = 2 })
	w.fail(status(), "a", "b")
	w.wait(time.Second)
	w.ok("a", "b")
	w.expectHeld("b<router?")
	w.ok("router")
	w.wait(time.Second)
	w.ok("b")
	w.wait(time.Hour)
	w.expect()
	w.expectHeld("")
}

// Forty that fail at once ask for one run of what they have in common.
func TestFortyChildrenAskOnce(t *testing.T) {
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf("m%02d", i))
	}
	w := family(t, ids...)
	w.fail(status(), ids...)
	w.expectAsked("router")
	w.ok("router")
	w.expectAsked()
	w.expectHeld("")
	w.wait(10 * time.Second)
	w.expect("down " + strings.Join(ids, " "))
}

// Those who are released are run a few at a time.
func TestTheReleasedAreRunInTurn(t *testing.T) {
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf("m%02d", i))
	}
	w := family(t, ids...)
	w.fail(status(), "router")
	w.fail(status(), ids...)
	w.wait(time.Minute)
	w.ok("router")
	w.expectAsked(ids[:16]...)
	w.fail(status(), ids[20]) // its ordinary run comes first
	w.wait(time.Second)
	w.expectAsked(slices.Concat(ids[16:20], ids[21:33])...)
	w.ok(ids[35])
	w.wait(time.Second)
	w.expectAsked(slices.Concat(ids[33:35], ids[36:])...)
	w.wait(time.Minute)
	w.expectAsked()
}

// When the parent recovers, one failure of a run that began afterwards releases
// the alert; one that was on its way does not.
func TestOneFreshFailureReleases(t *testing.T) {
	w := family(t, "a")
	w.fail(status(), "router", "a")
	w.wait(time.Minute)
	w.expect("down router")
	begun := w.now.Add(-time.Second)
	w.ok("router")
	w.expectHeld("a<router?")
	w.now = w.now.Add(5 * time.Second)
	w.resultSince("a", begun, status())
	w.expectHeld("a<router?")
	w.fail(status(), "a")
	w.expectHeld("")
	w.wait(10 * time.Second)
	w.expect("up router", "down a")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
}

func TestAParentThatFailsAgainGoesOnHolding(t *testing.T) {
	w := family(t, "a")
	w.fail(status(), "router", "a")
	w.wait(time.Minute)
	w.ok("router")
	w.wait(time.Second)
	w.fail(status(), "router")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expectHeld("a<router")
	w.expect("down router", "up router", "down router")
}

// Held through a chain: each is held by the one before it.
func TestAChain(t *testing.T) {
	w := newWorld(t)
	w.monitor("router", nil)
	w.monitor("switch", func(p *incident.Policy) { p.DependsOn = []string{"router"} })
	w.monitor("server", func(p *incident.Policy) { p.DependsOn = []string{"switch"} })
	w.configure()
	w.ok("router", "switch", "server")
	w.wait(time.Minute)
	w.fail(status(), "server")
	w.expectAsked("switch")
	w.fail(status(), "switch")
	w.expectAsked("router")
	w.expectHeld("server<switch switch<router?")
	w.fail(status(), "router")
	w.wait(time.Minute)
	w.expectHeld("server<switch switch<router")
	w.expect("down router")
	w.ok("router")
	w.wait(time.Second)
	w.fail(status(), "server", "switch") // the switch itself is broken
	w.expectHeld("server<switch")
	w.wait(time.Minute)
	w.expect("up router", "down switch")
	w.ok("switch")
	w.wait(time.Second)
	w.ok("server")
	w.wait(time.Minute)
	w.expect("up switch")
}

func TestOneOfTwoParentsIsEnough(t *testing.T) {
	w := family(t, "a")
	w.monitor("power", nil)
	w.change("a", func(p *incident.Policy) { p.DependsOn = []string{"router", "power"} })
	w.ok("power")
	w.wait(time.Minute)
	w.fail(status(), "router")
	w.ok("power")
	w.fail(status(), "a")
	w.expectHeld("a<router")
	w.fail(status(), "power")
	w.expectHeld("a<router+power")
	w.ok("router")
	w.expectHeld("a<power")
	w.wait(time.Second)
	w.asked = nil
	w.ok("power")
	w.expectAsked("a")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("down router power", "up router power")
}

// A parent that never ran is not known to be up.
func TestAtTheStartParentsAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.monitor("router", nil)
	w.monitor("a", func(p *incident.Policy) { p.DependsOn = []string{"router"} })
	w.configure()
	w.fail(status(), "a")
	w.expectAsked("router")
	w.expectHeld("a<router?")
	w.wait(time.Second)
	w.fail(status(), "router")
	w.wait(time.Hour)
	w.expectHeld("a<router")
	w.expect("down router")
}

// An open gate is told whatever fails, and holds nobody: it lets through.
func TestExposedIsNeverHeldAndHoldsNobody(t *testing.T) {
	w := family(t, "a")
	w.fail(status(), "router", "a")
	w.wait(time.Minute)
	w.expect("down router")
	w.fail(exposed(), "a")
	w.expect("exposed a")
	w.expectHeld("")
	w.ok("a", "router")
	w.wait(time.Minute)
	w.expect("up a router")
	w.fail(exposed(), "router")
	w.expect("exposed router")
	w.fail(status(), "a")
	w.wait(10 * time.Second)
	w.expect("down a")
}

// Who was announced stays announced, whatever becomes of the parent.
func TestWhoWasAnnouncedStaysAnnounced(t *testing.T) {
	w := family(t, "a")
	w.fail(status(), "a")
	w.ok("router")
	w.wait(time.Minute)
	w.expect("down a")
	w.fail(status(), "router", "a")
	w.wait(time.Minute)
	w.expect("down router")
	w.expectHeld("")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
}

// Others of the same cause are announced as usual; who was held joins them
// without a word once nothing holds it.
func TestASharedCauseIsToldForOthers(t *testing.T) {
	w := family(t, "a")
	w.monitor("x", nil)
	w.configure()
	w.ok("x")
	w.fail(status(), "router")
	w.fail(provider(), "a", "x")
	w.wait(10 * time.Second)
	w.expect("down router x")
	w.expectHeld("a<router")
	w.ok("router")
	w.wait(time.Second)
	w.fail(provider(), "a")
	w.wait(10 * time.Second)
	w.expect("up router")
	w.ok("a", "x")
	w.wait(time.Minute)
	w.expect("up a,x")
}

// Parent and child at one address are one incident, told once.
func TestParentAndChildOfOneCause(t *testing.T) {
	w := family(t, "a")
	gone := unreachable("192.0.2.1:443")
	w.fail(gone, "a", "router")
	w.wait(time.Minute)
	w.expect("down router")
	if open := w.tracker.Open(); len(open) != 1 {
		t.Errorf("open: %+v", open)
	}
	w.ok("router")
	w.wait(time.Second)
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up router")
}

func TestAHeldMonitorOutlivesARestart(t *testing.T) {
	for name, then := range map[string]struct {
		do   func(w *world)
		want []string
	}{
		"all recover":            {func(w *world) { w.ok("router"); w.wait(time.Second); w.ok("a") }, []string{"up router"}},
		"the child goes on":      {func(w *world) { w.ok("router"); w.wait(time.Second); w.fail(status(), "a") }, []string{"up router", "down a"}},
		"the child is first":     {func(w *world) { w.ok("a"); w.wait(time.Minute); w.ok("router") }, []string{"up router"}},
		"both go on":             {func(w *world) { w.fail(status(), "a", "router") }, nil},
		"the child alone speaks": {func(w *world) { w.fail(status(), "a"); w.wait(time.Hour); w.fail(status(), "a") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := family(t, "a")
			w.fail(status(), "router", "a")
			w.wait(time.Minute)
			w.expect("down router")
			w.restart()
			w.expectHeld("a<router")
			w.expectState("a", check.Down)
			then.do(w)
			w.restart()
			w.wait(time.Minute)
			w.expect(then.want...)
		})
	}
}

// The parent recovered while the agent was away, or just before.
func TestARestartAfterTheParentRecovered(t *testing.T) {
	w := family(t, "a")
	w.fail(status(), "router", "a")
	w.wait(time.Minute)
	w.ok("router")
	w.asked = nil
	w.restart()
	w.expectHeld("a<router?")
	w.expectAsked("a")
	w.wait(time.Second)
	w.fail(status(), "a")
	w.expectAsked("router") // nothing is known of it since the restart
	w.ok("router")
	w.wait(time.Minute)
	w.expect("down router", "up router", "down a")
}

func TestReloadsOfTheHeld(t *testing.T) {
	for name, c := range map[string]struct {
		reload func(w *world)
		want   []string // after one fresh failure of the child
	}{
		"the dependency is gone": {func(w *world) { w.change("a", func(p *incident.Policy) { p.DependsOn = nil }) }, []string{"down a"}},
		"the parent is gone": {func(w *world) {
			w.policies = slices.Delete(w.policies, w.index("router"), w.index("router")+1)
			w.configure()
		}, []string{"closed router", "down a"}},
		"another parent, that is up": {func(w *world) {
			w.monitor("other", nil)
			w.change("a", func(p *incident.Policy) { p.DependsOn = []string{"other"} })
			w.ok("other")
		}, []string{"down a"}},
		"nothing of it changes": {func(w *world) { w.change("router", func(p *incident.Policy) { p.RemindEvery = time.Hour * 10 }) }, nil},
		"the child is gone": {func(w *world) {
			w.policies = slices.Delete(w.policies, w.index("a"), w.index("a")+1)
			w.configure()
			w.monitor("a", nil)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := family(t, "a")
			w.fail(status(), "router", "a")
			w.wait(time.Minute)
			w.expect("down router")
			c.reload(w)
			if name == "the child is gone" {
				w.expectHeld("")
				w.wait(time.Minute)
				w.expect()
				return
			}
			w.wait(time.Second)
			w.fail(status(), "a")
			w.wait(30 * time.Second)
			w.expect(c.want...)
		})
	}
}

// A reload that adds a parent takes nothing back.
func TestAReloadThatAddsAParent(t *testing.T) {
	w := newWorld(t)
	w.monitor("router", nil)
	w.monitor("a", func(p *incident.Policy) { p.Retries = 1 })
	w.monitor("b", nil)
	w.configure()
	w.ok("router", "a", "b")
	w.wait(time.Minute)
	w.fail(status(), "router", "a", "b") // a is pending
	w.wait(time.Minute)
	w.expect("down router b")
	w.change("a", func(p *incident.Policy) { p.DependsOn = []string{"router"} })
	w.change("b", func(p *incident.Policy) { p.DependsOn = []string{"router"} })
	w.fail(status(), "a", "b")
	w.expectHeld("a<router")
	w.wait(time.Minute)
	w.expect()
	w.ok("b")
	w.wait(time.Minute)
	w.expect("up b")
}

// The Down of the parent says who is silent for it, and so does its reminder.
func TestTheDownNamesThoseBehindIt(t *testing.T) {
	w := family(t, "a", "b", "c")
	w.monitor("deep", func(p *incident.Policy) { p.DependsOn = []string{"b"} })
	w.change("router", func(p *incident.Policy) { p.RemindEvery = time.Hour })
	w.change("a", func(p *incident.Policy) { p.Retries = 3 })
	w.ok("deep")
	w.fail(status(), "router")
	w.fail(status(), "a", "b", "deep")
	w.wait(10 * time.Second)
	if len(w.sent) != 1 || names(w.sent[0].Events[0].Held) != "a,b,deep" {
		t.Fatalf("sent %+v", w.sent)
	}
	w.sent = nil
	w.wait(time.Minute)
	w.fail(status(), "c")
	w.ok("a")
	w.wait(time.Hour)
	if len(w.sent) != 1 || w.sent[0].Kind != check.KindReminder || names(w.sent[0].Events[0].Held) != "b,c,deep" {
		t.Fatalf("sent %+v", w.sent)
	}
	w.sent = nil
	w.ok("router")
	w.wait(time.Minute)
	if len(w.sent) != 1 || len(w.sent[0].Events[0].Held) > 0 {
		t.Fatalf("sent %+v", w.sent)
	}
}

// What holds is told once, not at every failure.
func TestHeldIsReportedOnce(t *testing.T) {
	w := family(t, "a")
	var said []string
	w.opts.Held = func(id string, by []string) { said = append(said, id+"<"+strings.Join(by, "+")) }
	w.configure()
	w.fail(status(), "router")
	for range 5 {
		w.fail(status(), "a")
		w.wait(time.Minute)
	}
	if !slices.Equal(said, []string{"a<router"}) {
		t.Errorf("said %q", said)
	}
}

// A parent with a long interval may have recovered: who fails behind it has it
// run, once in 90 s at most.
func TestAFailingParentIsRunAgain(t *testing.T) {
	w := family(t, "a", "b")
	w.fail(status(), "router", "a", "b")
	w.expectAsked()
	w.wait(89 * time.Second)
	w.fail(status(), "a", "b")
	w.expectAsked()
	w.wait(time.Second)
	w.fail(status(), "a", "b")
	w.expectAsked("router")
}

// A parent that runs once a day was run for a child, and is down: when the child
// recovers it is run again, once, and not left down until tomorrow. One that runs
// often is left to its interval.
func TestWhoRecoversHasItsParentRun(t *testing.T) {
	for _, interval := range []time.Duration{24 * time.Hour, time.Minute} {
		w := family(t, "a", "b")
		w.policies[w.index("router")].Interval = interval
		w.configure()
		w.ok("router", "a", "b")
		w.wait(20 * time.Second)
		w.fail(status(), "router", "a", "b")
		w.asked = nil
		w.wait(20 * time.Second)
		w.ok("a", "b")
		if interval < time.Hour {
			w.expectAsked()
			continue
		}
		w.expectAsked("router")
		w.ok("router")
		w.expectState("router", check.Up)
		w.wait(20 * time.Second)
		w.ok("a", "b")
		w.expectAsked()
	}
}

// A certificate that ends soon is nobody's fault but its own.
func TestCertificatesAreNotHeld(t *testing.T) {
	w := family(t, "a")
	i := w.index("a")
	m := *w.policies[i].Monitor
	m.CertificateWarn = []time.Duration{14 * day}
	w.policies[i].Monitor = &m
	w.configure()
	w.fail(status(), "router", "a")
	w.wait(time.Minute)
	w.expect("down router")
	w.see(w.cert("a", 10*day), status(), "a")
	w.wait(time.Minute)
	w.expect("certificate a")
	w.expectHeld("a<router")
}
