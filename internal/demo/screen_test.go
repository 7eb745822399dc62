package demo

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
)

// full is a model of 14 monitors of which some fail.
func full() *model {
	m := newModel()
	m.page, m.control = "http://127.0.0.1:9640/", "http://127.0.0.1:9644/control/"
	c := &config.Config{}
	for i := range 14 {
		c.Monitors = append(c.Monitors, config.Monitor{ID: fmt.Sprintf("m-%d", i), Name: fmt.Sprintf("東京監視システム with a long name %d", i)})
	}
	m.configure(c)
	for i := range 200 {
		mon := &check.Monitor{ID: fmt.Sprintf("m-%d", i%14), Name: fmt.Sprintf("東京監視システム🔥 %d", i%14)}
		r, s := check.Result{Monitor: mon, Took: time.Duration(i) * time.Millisecond}, check.MonitorState{State: check.Up}
		if i%14 < 3 {
			r.Fault = &check.Fault{Class: check.Policy, Reason: check.SecondFactorRequired, Message: "m", Hint: "h"}
			s.State = check.Down
		}
		m.Ran(r, s)
	}
	return m
}

func sized(width, height int) func() (int, int) {
	return func() (int, int) { return width, height }
}

// visible takes the control sequences out of what was drawn.
func visible(s string) string {
	return regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`).ReplaceAllString(s, "")
}

func TestTableFitsTheTerminal(t *testing.T) {
	for _, size := range [][2]int{{60, 24}, {80, 24}, {80, 40}, {120, 50}, {200, 24}, {200, 60}} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			s := newScreen(Options{Out: &out, Color: true, Size: sized(size[0], size[1])}, full())
			s.show(false)
			lines := strings.Split(strings.TrimSuffix(visible(out.String()), "\n"), "\n")
			if len(lines) != len(s.drawn) || len(lines) > size[1]*3/4 {
				t.Errorf("%v: %d lines, of which %d are known", size, len(lines), len(s.drawn))
			}
			for _, line := range lines {
				if n := columns(line); n >= size[0] {
					t.Errorf("%v: a line of %d columns: %q", size, n, line)
				}
			}
			if text := strings.Join(lines, "\n"); !strings.Contains(text, "11 up, 3 down") || !strings.Contains(text, "http://127.0.0.1:9644") {
				t.Errorf("%v: the table does not say how things stand, or where to look:\n%s", size, text)
			}
			first := len(s.drawn)
			out.Reset()
			s.show(false)
			if !strings.HasPrefix(out.String(), fmt.Sprintf("\x1b[%dA", first)) {
				t.Errorf("%v: the next frame does not take the place of the one before: %q", size, out.String()[:20])
			}
			out.Reset()
			s.show(true)
			if strings.Contains(visible(out.String()), "11 up") || s.drawn != nil {
				t.Errorf("%v: the table stays at the end", size)
			}
		})
	}
}

func TestEntriesAreWrappedAndGathered(t *testing.T) {
	for _, width := range []int{80, 200} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			m := newModel()
			s := newScreen(Options{Out: &out, Size: sized(width, 10)}, m)
			for i := range 8 {
				m.note("down", fmt.Sprintf("Page %d", i), "policy/forbidden", strings.Repeat("every page is forbidden ", 12), "→ look at the policy")
			}
			for _, channel := range []string{"telegram", "slack"} {
				m.add(entry{kind: "told", head: "[Down] 8 causes, 8 monitors", key: "k", who: []string{channel}})
			}
			s.show(false)
			if text := out.String(); strings.Contains(text, "Page") {
				t.Errorf("it was told before it was whole:\n%s", text)
			}
			time.Sleep(2 * settle)
			s.show(false)
			text := out.String()
			for _, want := range []string{"DOWN      Page 0, Page 1, Page 2, Page 3, Page 4, Page 5 and 2 more", "policy/forbidden", "→ look at the policy", "[Down] 8 causes, 8 monitors  to slack, telegram"} {
				if strings.Count(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(want), " ")) != 1 {
					t.Errorf("%d columns: want %q once in\n%s", width, want, text)
				}
			}
			for line := range strings.SplitSeq(text, "\n") {
				if n := columns(line); n >= width {
					t.Errorf("a line of %d columns in %d: %q", n, width, line)
				}
			}
			if strings.Contains(text, "\x1b") {
				t.Error("colour where none is wanted")
			}
		})
	}
}

// A terminal that is too narrow gets no table, and one that became narrower
// has its old lines taken away as it has wrapped them.
func TestNarrowTerminals(t *testing.T) {
	var out bytes.Buffer
	width := 120
	s := newScreen(Options{Out: &out, Size: func() (int, int) { return width, 40 }}, full())
	if err := s.show(false); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, n := range s.drawn {
		rows += max(1, (n+69)/70)
	}
	if rows <= len(s.drawn) {
		t.Fatalf("the lines %v would fit into 70 columns: the test shows nothing", s.drawn)
	}
	width = 70
	out.Reset()
	if err := s.show(false); err != nil || !strings.HasPrefix(out.String(), fmt.Sprintf("\x1b[%dA", rows)) {
		t.Errorf("%v: %q, want %d lines taken away", err, out.String()[:10], rows)
	}
	width = 40
	out.Reset()
	_ = s.show(false)
	out.Reset()
	if err := s.show(false); err != nil || out.Len() > 0 {
		t.Errorf("%v: at 40 columns %q was drawn", err, &out)
	}
}

// Who is set aside or held is neither up nor an alarm, and a pause is shown
// though no run brings it.
func TestWhoIsSetAside(t *testing.T) {
	m := newModel()
	c := &config.Config{}
	for _, id := range []string{"router", "wiki", "shop", "mail"} {
		c.Monitors = append(c.Monitors, config.Monitor{ID: id, Name: id})
	}
	m.configure(c)
	fault := &check.Fault{Class: check.Network, Reason: check.Timeout, Message: "m"}
	ran := func(id string, f *check.Fault, state check.State) {
		m.Ran(check.Result{Monitor: &check.Monitor{ID: id, Name: id}, Fault: f}, check.MonitorState{ID: id, State: state})
	}
	ran("router", fault, check.Down)
	ran("wiki", fault, check.Down)
	ran("shop", fault, check.Maintenance)
	ran("mail", nil, check.Up)
	router := check.Member{ID: "router", Name: "router"}
	m.Changed(check.Change{
		States:    []check.MonitorState{{ID: "mail", State: check.Paused}},
		Incidents: []check.IncidentRecord{{ID: "i", Members: []check.Member{router}}},
		Deliveries: []check.Delivery{{Kind: check.KindDown, Events: []check.Event{
			{Kind: check.KindDown, Members: []check.Member{router}, Held: []check.Member{{ID: "wiki", Name: "wiki"}}},
		}}},
	})
	var out bytes.Buffer
	s := newScreen(Options{Out: &out, Size: sized(80, 40)}, m)
	s.show(true)
	if !strings.Contains(out.String(), "not announced: wiki") {
		t.Errorf("the message does not name who is behind it:\n%s", &out)
	}
	s.show(false)
	for _, want := range []string{"✕ router             down ", "□ wiki               held ", "◇ shop               maintenance ", "‖ mail               paused ", "0 up, 2 down, 2 in maintenance or paused"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, &out)
		}
	}
	m.Changed(check.Change{States: []check.MonitorState{{ID: "mail", State: check.Pending}}})
	ran("router", nil, check.Up)
	ran("wiki", nil, check.Up)
	m.Changed(check.Change{Incidents: []check.IncidentRecord{{ID: "i", Closed: time.Now()}}})
	if got := m.story(); m.well() || got.Monitors[3].Status != "new" || !strings.Contains(got.Headline, "being tried, in maintenance or paused") {
		t.Errorf("mail was resumed and has not run: %q, %v", got.Headline, got.Monitors)
	}
	ran("mail", nil, check.Up)
	if got := m.story(); !m.well() || got.Headline != "3 of 4 monitors are up; the others are in maintenance or paused." {
		t.Errorf("all are up but for what is set aside: %q", got.Headline)
	}
}

// Without a terminal nothing is drawn over, and how things stand is said now
// and then.
func TestPipeGetsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(Options{Out: &out, Runs: true}, full())
		s.show(false)
		time.Sleep(summary + time.Second)
		s.show(false)
		text := out.String()
		if strings.Contains(text, "\x1b") {
			t.Errorf("control sequences in a pipe: %q", text)
		}
		if n := strings.Count(text, "  run  "); n != 200 {
			t.Errorf("%d runs were printed, want 200", n)
		}
		if !strings.Contains(text, "14 monitors: 11 up, 3 down · 200 runs") {
			t.Errorf("no summary:\n%s", text[max(0, len(text)-300):])
		}
	})
}
