package incident_test

import (
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

func TestAPausedMonitorThatWasDownIsNoted(t *testing.T) {
	w := maintained(t, "a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
	w.hold(check.Paused, "a")
	s := w.state("a", check.Paused)
	if s.Fault != nil || s.Incident != "" || !s.Since.Equal(w.now) {
		t.Errorf("state %+v, want nothing but paused, since now", s)
	}
	w.wait(time.Minute)
	if len(w.sent) != 1 || !w.sent[0].Events[0].Members[0].Paused {
		t.Errorf("sent %+v, want a note that it is paused", w.sent)
	}
	w.expect("closed a")
	if got := w.result("a", nil, ""); got != "" {
		t.Errorf("a run that had begun before left it %q", got)
	}
	w.state("a", check.Paused)
	w.restart()
	w.state("a", check.Paused)
	w.hold("", "a")
	w.state("a", check.Pending)
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
	w.ok("a")
	w.wait(time.Minute)
	w.expect("up a")
}

func TestAPauseOfWhomNobodyWasToldIsSilent(t *testing.T) {
	w := maintained(t, "a", "b")
	w.fail(provider(), "a", "b")
	w.hold(check.Paused, "a") // within group_wait
	w.wait(time.Minute)
	w.expect("down b")
	w.ok("b")
	w.wait(time.Minute)
	w.expect("up b")
	w.hold(check.Paused, "b")
	w.wait(time.Minute)
	w.expect()
}

// Of a shared incident the Up comes when the last of the others recovers, and
// says who did not.
func TestAPausedMemberOfASharedIncident(t *testing.T) {
	w := maintained(t, "a", "b")
	w.fail(provider(), "a", "b")
	w.wait(time.Minute)
	w.expect("down a,b")
	w.hold(check.Paused, "a")
	w.wait(time.Minute)
	w.expect()
	w.ok("b")
	w.wait(time.Minute)
	if len(w.sent) != 1 || len(w.sent[0].Events[0].Members) != 2 {
		t.Fatalf("sent %+v", w.sent)
	}
	for _, m := range w.sent[0].Events[0].Members {
		if m.Paused != (m.ID == "a") {
			t.Errorf("%s: paused is %t", m.ID, m.Paused)
		}
	}
	w.expect("up a,b")
}

func TestAPausedMemberThatIsResumedBeforeTheUp(t *testing.T) {
	w := maintained(t, "a", "b")
	w.fail(provider(), "a", "b")
	w.wait(time.Minute)
	w.hold(check.Paused, "a")
	w.hold("", "a")
	w.ok("a", "b")
	w.wait(time.Minute)
	for _, m := range w.sent[len(w.sent)-1].Events[0].Members {
		if m.Paused {
			t.Errorf("%s is said to be paused", m.ID)
		}
	}
	w.expect("down a,b", "up a,b")
}

func TestPausedWhileExposed(t *testing.T) {
	w := maintained(t, "a")
	w.fail(exposed(), "a")
	w.expect("exposed a")
	w.hold(check.Paused, "a")
	w.wait(time.Minute)
	w.expect("closed a")
}

func TestAPauseWithinAMaintenance(t *testing.T) {
	w := maintained(t, "a")
	w.hold(check.Maintenance, "a")
	w.fail(status(), "a")
	w.hold(check.Paused, "a")
	w.state("a", check.Paused)
	w.hold(check.Maintenance, "a") // resumed, and the window goes on
	w.state("a", check.Maintenance)
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect()
	w.hold("", "a")
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
}

// One that is to be announced with others does not keep them waiting.
func TestAPauseLetsTheOthersGo(t *testing.T) {
	for _, as := range []check.State{check.Paused, check.Maintenance} {
		w := newWorld(t)
		for _, id := range []string{"a", "b", "c"} {
			w.monitor(id, func(p *incident.Policy) { p.Retries, p.Interval = 1, 5*time.Minute })
		}
		w.configure()
		w.fail(provider(), "a", "b", "c")
		w.fail(provider(), "a", "b", "c")
		w.wait(time.Minute)
		w.ok("c")
		w.fail(status(), "a", "b") // the cause is over
		w.hold(as, "b")
		w.fail(status(), "a")
		w.wait(20 * time.Second)
		w.expect("down a,b,c", "up a,b,c(a,b)", "down a")
	}
}
