package agent

import (
	"strconv"
	"testing"

	"github.com/watchword/watchword/probes"
)

// TestRemembered: what was used last is kept, nothing is lent twice, and there is
// an end to it.
func TestRemembered(t *testing.T) {
	c := newRemembered(3)
	made := map[string]*probes.HTTP{}
	for i := range 5 {
		key := strconv.Itoa(i)
		made[key] = new(probes.HTTP)
		c.put(key, made[key])
		if p := c.take("0"); p != nil { // used again and again
			c.put("0", p)
		}
	}
	for key, want := range map[string]bool{"0": true, "1": false, "2": false, "3": true, "4": true, "5": false} {
		if p := c.take(key); (p != nil) != want || p != nil && p != made[key] {
			t.Errorf("%s: there is %t, want %t", key, p != nil, want)
		}
		if c.take(key) != nil {
			t.Errorf("%s was lent twice", key)
		}
	}
	first := new(probes.HTTP)
	c.put("x", first)
	c.put("x", new(probes.HTTP)) // of a run beside it
	if len(c.at) != 1 || c.order.Len() != 1 || c.take("x") != first {
		t.Errorf("%d and %d are kept of one target", len(c.at), c.order.Len())
	}
}
