package incident_test

import (
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// began has a run of a monitor end that began a while ago.
func (w *world) began(id string, ago time.Duration, f *check.Fault) check.State {
	w.t.Helper()
	s, c := w.tracker.Observe(check.Result{Monitor: w.policies[w.index(id)].Monitor, Start: w.now.Add(-ago), Took: ago, Fault: f})
	w.commit(c)
	return s.State
}

// A run that was in flight when the maintenance ended saw what is no longer so:
// it is the fresh one that counts.
func TestARunInFlightAtTheEndIsNotFresh(t *testing.T) {
	w := maintained(t, "a")
	w.hold(check.Maintenance, "a")
	w.wait(time.Hour)
	w.hold("", "a")
	w.wait(2 * time.Second)
	if got := w.began("a", 5*time.Second, status()); got == check.Down {
		t.Errorf("a run that began inside makes it %s", got)
	}
	w.wait(time.Minute)
	w.expect()
	w.ok("a")
	w.state("a", check.Up)
	w.wait(time.Hour)
	w.expect()
}

func TestARunInFlightAtTheEndOfAPause(t *testing.T) {
	w := maintained(t, "a")
	w.hold(check.Paused, "a")
	w.wait(time.Second)
	w.hold("", "a")
	w.wait(2 * time.Second)
	w.began("a", 5*time.Second, status())
	w.state("a", check.Pending)
	w.fail(status(), "a")
	w.wait(time.Minute)
	w.expect("down a")
}
