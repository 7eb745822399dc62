package store

import (
	"testing"

	"github.com/watchword/watchword/internal/check"
)

func order(name, body string) check.Order {
	return check.Order{Kind: "pause", Name: name, Body: []byte(body)}
}

func TestOrdersHoldUntilTheyAreTakenBack(t *testing.T) {
	path := file(t)
	s := openPlain(t, path)
	keep := func(os ...check.Order) {
		t.Helper()
		if err := s.Keep(t.Context(), os...); err != nil {
			t.Fatal(err)
		}
	}
	other := check.Order{Kind: "maintenance", Name: "a", Body: []byte(`{"for":"2h"}`)}
	keep(order("a", `1`), order("b", `2`), other)
	keep(order("a", `3`), check.Order{Kind: "pause", Name: "b"})
	keep()
	for range 2 {
		closeStore(t, s)
		s = openPlain(t, path)
		equal(t, "orders", load1(t, s).Orders, []check.Order{other, order("a", `3`)})
	}
}

// What could not be written yet is written later, and what was taken back
// meanwhile does not come back.
func TestOrdersWaitForTheDisk(t *testing.T) {
	g := &gate{}
	path := file(t)
	s := open(t, Options{Path: path, SlowAfter: 1, before: g.before})
	g.shut()
	_ = s.Keep(t.Context(), order("a", `1`), order("b", `1`)) // its error is another test's
	_ = s.Keep(t.Context(), check.Order{Kind: "pause", Name: "a"})
	g.release()
	until(t, "everything is written", func() bool { return s.Stats().Unwritten == 0 })
	closeStore(t, s)
	equal(t, "orders", load1(t, openPlain(t, path)).Orders, []check.Order{order("b", `1`)})
}

func TestOrdersInMemory(t *testing.T) {
	s := openPlain(t, "")
	if err := s.Keep(t.Context(), order("a", `1`)); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Unwritten != 0 {
		t.Errorf("stats %+v", st)
	}
}
