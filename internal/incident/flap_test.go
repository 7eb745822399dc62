package incident_test

import (
	"slices"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/incident"
)

// TestFlapWithinGroupWait: what goes out last is how things stand.
func TestFlapWithinGroupWait(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.configure()
	w.fail(status(), "a")
	w.wait(2 * time.Second)
	w.ok("a")
	w.wait(2 * time.Second)
	w.fail(status(), "a")
	w.wait(time.Minute)
	if got := w.told(); !slices.Equal(got, []string{"down a", "up a", "down a"}) {
		t.Errorf("told %q", got)
	}
	w.ok("a")
	w.wait(time.Minute)
	if got := w.told(); !slices.Equal(got, []string{"up a"}) {
		t.Errorf("told %q", got)
	}
}

// TestLineComesBackWithinASecond: a monitor that goes down right after our line
// came back has an incident that stays open.
func TestLineComesBackWithinASecond(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b", "c", "d"} {
		w.monitor(id, nil)
	}
	w.configure()
	for _, id := range []string{"a", "b", "c"} {
		w.wait(time.Second)
		w.result(id, unreachable("192.0.2."+id+":443"), "192.0.2."+id+":443")
	}
	w.wait(300 * time.Millisecond)
	w.result("a", nil, "192.0.2.a:443")
	w.wait(300 * time.Millisecond)
	w.result("d", unreachable("192.0.2.d:443"), "192.0.2.d:443")
	for _, r := range w.tracker.Open() {
		for _, m := range r.Members {
			if m.ID == "d" {
				return
			}
		}
	}
	t.Errorf("d is in no open incident: %+v", w.tracker.Open())
}

// TestJoinsWhileUpIsDue: who joins an incident between the recovery of those
// that a notifier was told of and the Up is not answered by it.
func TestJoinsWhileUpIsDue(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.monitor("elsewhere", func(p *incident.Policy) { p.Notify = nil })
	w.monitor("b", nil)
	w.configure()
	w.fail(provider(), "a", "elsewhere")
	w.wait(20 * time.Second)
	w.ok("a")
	w.wait(5 * time.Second)
	w.fail(provider(), "b")
	w.wait(time.Minute)
	if got := w.told(); !slices.Equal(got, []string{"down a"}) {
		t.Errorf("told %q", got)
	}
	w.ok("b")
	w.wait(time.Minute)
	if got := w.told(); !slices.Equal(got, []string{"up a,b"}) {
		t.Errorf("told %q", got)
	}
}

// TestGoneBeforeTold: a later joiner that is removed before it was announced
// needs no Down, least of all after the note that closes the incident.
func TestGoneBeforeTold(t *testing.T) {
	w := newWorld(t)
	w.monitor("a", nil)
	w.monitor("b", nil)
	w.configure()
	w.fail(provider(), "a")
	w.wait(90 * time.Second)
	w.fail(provider(), "b")
	w.policies = nil
	w.configure()
	w.wait(time.Minute)
	if got := w.told(); len(got) != 2 || got[0] != "down a" || got[1] != "closed a" {
		t.Errorf("told %q", got)
	}
}
