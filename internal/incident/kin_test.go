package incident

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// kinWorld is a gateway behind a switch behind a router, in a tracker whose
// states can be set.
type kinWorld struct {
	*Tracker
	t   *testing.T
	now time.Time
	ids int
}

func newKinWorld(t *testing.T) *kinWorld {
	w := &kinWorld{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	id := func() int64 { w.ids++; return int64(w.ids) }
	o := Options{NewID: func() string { return fmt.Sprint(id()) }, DeliveryID: id}
	w.Tracker = New(o)
	var ps []Policy
	before := []string(nil)
	for _, name := range []string{"router", "switch", "gateway"} {
		ps = append(ps, Policy{Monitor: &check.Monitor{ID: name, Name: name, Type: "http"}, Interval: time.Minute, Recoveries: 1, Notify: []string{"ops"}, DependsOn: before})
		before = []string{name}
	}
	w.Configure(o, ps, []Channel{{Name: "ops"}}, w.now)
	for _, p := range ps {
		w.run(p.Monitor.ID, true)
	}
	return w
}

// run observes a run, a second after the one before, and returns whom it told of
// and whom it has run at once.
func (w *kinWorld) run(id string, passes bool) (told, asked []string) {
	w.now = w.now.Add(time.Second)
	r := check.Result{Monitor: w.entries[id].policy.Monitor, Start: w.now}
	if !passes {
		r.Fault = &check.Fault{Class: check.Target, Reason: check.Status}
	}
	_, c := w.Observe(r)
	for _, d := range c.Deliveries {
		for _, e := range d.Events {
			told = append(told, string(d.Kind)+" "+e.Members[0].ID)
		}
	}
	return told, c.Probe
}

// set puts a monitor into a state as the rooms that pause and maintain do.
func (w *kinWorld) set(id string, s check.State) (asked []string) {
	w.now = w.now.Add(time.Second)
	if s != check.Paused && s != check.Maintenance {
		s = ""
	}
	w.suspend(w.entries[id], s, w.now)
	return w.take(w.now).Probe
}

func (w *kinWorld) expect(what string, got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// A parent that is paused or in maintenance holds nothing, is not run, and does
// not hide what stands behind it.
func TestPausedAndMaintainedParentsHoldNothing(t *testing.T) {
	for _, s := range []check.State{check.Paused, check.Maintenance} {
		w := newKinWorld(t)
		w.set("switch", s)
		_, asked := w.run("gateway", false)
		w.expect("asked", asked, "router")
		told, _ := w.run("router", true)
		w.expect("told", told, "down gateway")

		w = newKinWorld(t)
		w.set("switch", s)
		w.run("gateway", false)
		told, _ = w.run("router", false)
		w.expect("told", told, "down router")
		if h := w.Held()["gateway"]; !slices.Equal(h.By, []string{"router"}) || !h.Failing {
			t.Errorf("held: %+v", h)
		}
		_, asked = w.run("router", true)
		w.expect("asked", asked, "gateway")
		told, _ = w.run("gateway", false)
		w.expect("told", told, "down gateway")
	}
}

// Where the parent is paused while it holds, one fresh failure releases.
func TestAParentThatIsPausedWhileItHolds(t *testing.T) {
	for _, s := range []check.State{check.Paused, check.Maintenance} {
		w := newKinWorld(t)
		w.run("switch", false)
		w.run("router", true)
		w.run("gateway", false)
		if h := w.Held()["gateway"]; !slices.Equal(h.By, []string{"switch"}) {
			t.Fatalf("held: %+v", h)
		}
		w.expect("asked", w.set("switch", s), "gateway")
		_, asked := w.run("gateway", false)
		w.expect("asked", asked, "router") // that stands in its place now
		told, _ := w.run("router", true)
		w.expect("told", told, "down gateway")
	}
}

// A maintenance of the parent that ends while it fails holds again those who
// were not announced meanwhile.
func TestAMaintenanceOfTheParentThatEnds(t *testing.T) {
	w := newKinWorld(t)
	w.run("switch", false)
	w.run("router", true)
	w.run("gateway", false)
	w.set("switch", check.Maintenance)
	w.set("switch", check.Down)
	if h := w.Held()["gateway"]; !h.Failing {
		t.Errorf("held: %+v", h)
	}
	told, _ := w.run("gateway", false)
	w.expect("told", told)
}

// Who is paused itself is not held, and nothing of it is said when its parent
// recovers.
func TestWhoIsPausedIsNotHeld(t *testing.T) {
	for _, s := range []check.State{check.Paused, check.Maintenance} {
		w := newKinWorld(t)
		w.run("switch", false)
		w.run("router", true)
		w.run("gateway", false)
		w.set("gateway", s)
		if len(w.Held()) > 0 {
			t.Errorf("held: %+v", w.Held())
		}
		told, asked := w.run("switch", true)
		w.expect("told", told, "up switch")
		w.expect("asked", asked)
	}
}

// Circles are refused by the configuration; here they end.
func TestACircleEnds(t *testing.T) {
	w := newKinWorld(t)
	w.entries["router"].policy.DependsOn = []string{"gateway"}
	w.mu.Lock()
	w.relate(w.now)
	w.mu.Unlock()
	for _, id := range []string{"router", "switch", "gateway"} {
		w.set(id, check.Paused)
	}
	if up := w.above(w.entries["router"]); len(up) > 0 {
		t.Errorf("above: %d", len(up))
	}
	w.eachBelow(w.entries["router"], still, func(e *entry) {
		if e.state.ID == "router" {
			t.Error("router stands below itself")
		}
	})
}
