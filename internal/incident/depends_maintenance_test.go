package incident_test

import (
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// A maintenance of a child ends long after it began to fail: what its parent did
// then says nothing of now. It is asked again before anybody is told.
func TestAfterAMaintenanceParentsAreAskedAnew(t *testing.T) {
	for name, passes := range map[string]bool{"the parent failed meanwhile": false, "the parent is well": true} {
		t.Run(name, func(t *testing.T) {
			w := family(t, "a")
			w.hold(check.Maintenance, "a")
			w.fail(status(), "a")
			w.wait(time.Minute)
			w.ok("router")
			w.wait(50 * time.Second)
			w.asked = nil
			w.hold("", "a")
			w.expectAsked("a")
			w.fail(status(), "a")
			w.expectAsked("router")
			w.wait(time.Second)
			w.expectHeld("a<router?")
			if passes {
				w.ok("router")
				w.wait(time.Minute)
				w.expect("down a")
				return
			}
			w.fail(status(), "router")
			w.wait(time.Minute)
			w.expect("down router")
			w.expectHeld("a<router")
		})
	}
}
