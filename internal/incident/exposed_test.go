package incident_test

import (
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

func exposed() *check.Fault {
	return &check.Fault{Class: check.ExposedTo, Reason: check.AnonymousAccess, Message: "it is open", Hint: "shut it"}
}

// guard is a monitor that bears two failures and wants two passes.
func guard(p *incident.Policy) { p.Retries, p.Recoveries = 2, 2 }

func (w *world) in(id string, want check.State) {
	w.t.Helper()
	if got, _ := w.tracker.State(id); got.State != want {
		w.t.Errorf("%s is %s, want %s", id, got.State, want)
	}
}

// TestExposedAtOnce: no retries, no waiting for others; recoveries count.
func TestExposedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", guard)
	w.monitor("b", nil)
	w.configure()
	w.ok("a", "b")
	w.fail(status(), "b") // is due in group_wait, and stays so
	w.fail(exposed(), "a")
	w.in("a", check.Exposed)
	w.expect("exposed a")
	w.wait(10 * time.Second)
	w.expect("down b")
	w.fail(exposed(), "a")
	w.wait(time.Minute)
	w.ok("a")
	w.in("a", check.Exposed)
	w.ok("a")
	w.in("a", check.Up)
	w.wait(10 * time.Second)
	w.expect("up a")
	w.ok("b")
	w.wait(time.Minute)
	w.expect("up b")
}

// TestExposedWhilePending: what was borne before does not hold it back.
func TestExposedWhilePending(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", guard)
	w.configure()
	w.fail(status(), "a")
	w.in("a", check.Pending)
	w.wait(20 * time.Second)
	w.fail(exposed(), "a")
	w.expect("exposed a")
	if since := w.tracker.Open()[0].Members[0].Since; !since.Equal(w.now) {
		t.Errorf("open since %s, want %s", since, w.now)
	}
}

// TestExposedOpensItsOwn: also where the monitor was announced for something
// else, alone or with others.
func TestExposedOpensItsOwn(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.monitor("b", nil)
	w.configure()
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
	w.fail(exposed(), "a")
	w.expect("up a(a)", "exposed a")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")

	w.fail(provider(), "a", "b")
	w.wait(time.Minute)
	w.expect("down a,b")
	w.fail(exposed(), "a")
	w.expect("exposed a")
	if open := w.tracker.Open(); len(open) != 2 {
		t.Errorf("open: %+v, want the provider's and a's own", open)
	}
	w.ok("b")
	w.wait(time.Minute)
	w.expect("up a,b(a)")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
	if open := w.tracker.Open(); len(open) != 0 {
		t.Errorf("still open: %+v", open)
	}
}

// TestExposedBeforeTheDownWent: the Down that waited is told with its end.
func TestExposedBeforeTheDownWent(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.configure()
	w.fail(status(), "a")
	w.wait(time.Second)
	w.fail(exposed(), "a")
	w.expect("down a", "up a(a)", "exposed a")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
}

// TestExposedUntilSeenShut: a fault that says nothing of the gate does not end
// it, and is not sent; nor does a restart.
func TestExposedUntilSeenShut(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", func(p *incident.Policy) { p.Retries = 1; p.RemindEvery = time.Hour })
	w.configure()
	w.fail(exposed(), "a")
	w.expect("exposed a")
	for _, f := range []*check.Fault{status(), unreachable("192.0.2.1:443"), status()} {
		w.wait(time.Minute)
		w.fail(f, "a")
		w.in("a", check.Exposed)
	}
	w.restart()
	w.in("a", check.Exposed)
	w.fail(status(), "a")
	w.expect()
	if open := w.tracker.Open(); len(open) != 1 || open[0].Fault.Class != check.ExposedTo {
		t.Errorf("open: %+v, want what was exposed", open)
	}
	w.wait(time.Hour)
	w.expect("reminder a")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
}

// TestExposedByAnotherWay: another reason is recorded and not sent.
func TestExposedByAnotherWay(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.configure()
	w.fail(exposed(), "a")
	w.expect("exposed a")
	f := exposed()
	f.Reason = check.BypassOpen
	w.fail(f, "a")
	w.wait(time.Minute)
	w.expect()
	if open := w.tracker.Open(); len(open) != 1 || open[0].Fault.Reason != check.BypassOpen {
		t.Errorf("open: %+v", open)
	}
}
