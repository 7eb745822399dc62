package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestASecondAgentIsToldWhoHoldsTheDatabase(t *testing.T) {
	path := file(t)
	c := startChild(t, "hold", path)
	if got := c.line(t); got != "open" {
		t.Fatal(got)
	}
	_, err := Open(t.Context(), Options{Path: path})
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("got %v, want that it is held", err)
	}
	host, _ := os.Hostname()
	if h := held.Holder; h.PID != c.Process.Pid || h.Host != host || h.Version != "1.2.3" || time.Since(h.Since) > time.Minute {
		t.Errorf("holder %+v", h)
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("pid %d", c.Process.Pid)) {
		t.Errorf("the message does not say who: %v", err)
	}
	// A link is the same database.
	link := file(t)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: link}); !errors.As(err, &held) {
		t.Errorf("through a link: got %v, want that it is held", err)
	}
	// A crash leaves no lock behind.
	c.end(t)
	s := open(t, Options{Path: path})
	if st := s.Stats(); !st.Writable {
		t.Errorf("stats %+v", st)
	}
}

func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	path := file(t)
	acknowledged := 0
	for kills := range 12 {
		c := startChild(t, "commit", path)
		for range rand.IntN(60) {
			c.line(t)
		}
		if last := c.end(t); last != "" {
			n, err := strconv.Atoi(last)
			if err != nil {
				t.Fatal(last)
			}
			acknowledged = max(acknowledged, n)
		}
		verify(t, path, acknowledged, kills+1)
	}
	if acknowledged == 0 {
		t.Error("no child committed anything")
	}
}

// verify expects n changes of commitForEver, or one more that was not
// acknowledged any more, after so many kills.
func verify(t *testing.T, path string, n, kills int) {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	found := load1(t, s)
	last := int(found.LastDelivery)
	if last < n || last > n+1 {
		t.Fatalf("%d changes were acknowledged and %d are there", n, last)
	}
	if last == 0 {
		return
	}
	if len(found.Open) != last || len(found.States) != 1 || found.States[0].Fails != last {
		t.Errorf("of %d changes: %d incidents, states %+v", last, len(found.Open), found.States)
	}
	// Every third was delivered; each kill may have come before the end of one
	// was acknowledged.
	if got, want := len(found.Deliveries), last-last/3; got < want || got > want+kills {
		t.Errorf("of %d deliveries %d are open, want %d, and one more for each of %d kills at most", last, got, want, kills)
	}
}
