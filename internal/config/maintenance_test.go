package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/schedule"
)

func TestCovers(t *testing.T) {
	web := []check.Label{{Name: "team", Value: "web"}, {Name: "tier", Value: "1"}}
	monitors := []*check.Monitor{
		{ID: "app", Group: "Core / Gate", Labels: web},
		{ID: "db", Group: "Core", Labels: web[:1]},
		{ID: "wiki", Group: "Corel"},
	}
	for _, c := range []struct {
		name string
		m    Maintenance
		want []string
	}{
		{"nobody", Maintenance{}, nil},
		{"all", Maintenance{All: true}, []string{"app", "db", "wiki"}},
		{"by id", Maintenance{Monitors: []string{"wiki", "ap"}}, []string{"wiki"}},
		{"a group and all within it", Maintenance{Groups: []string{"Core"}}, []string{"app", "db"}},
		{"a group within one", Maintenance{Groups: []string{"Core / Gate"}}, []string{"app"}},
		{"a label", Maintenance{Labels: map[string]string{"team": "web"}}, []string{"app", "db"}},
		{"all of its labels", Maintenance{Labels: map[string]string{"team": "web", "tier": "1"}}, []string{"app"}},
		{"another value", Maintenance{Labels: map[string]string{"team": "ops"}}, nil},
		{"what is selected adds up", Maintenance{Monitors: []string{"wiki"}, Labels: map[string]string{"tier": "1"}}, []string{"app", "wiki"}},
	} {
		var got []string
		for _, m := range monitors {
			if c.m.Covers(m) {
				got = append(got, m.ID)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestMaintenanceIsWhatTheFilesSay: times come in as they were written, and the
// zone of the top level is that of windows without one.
func TestMaintenanceIsWhatTheFilesSay(t *testing.T) {
	t.Chdir("testdata/good")
	c, ps := Load([]string{"maintenance.yaml"}, LoadOptions{AllowMissingSecrets: true})
	if c == nil {
		t.Fatal(ps)
	}
	for i, want := range []struct {
		name, now, next string
	}{
		{"Once", "2026-12-01T12:00:00Z", "2026-12-01T19:00:00Z"},
		{"Once by our clocks", "2026-12-01T12:00:00Z", "2026-12-01T20:00:00+01:00"},
		{"By cron", "2026-12-01T12:00:00Z", "2026-12-06T02:00:00+01:00"},
		{"By days of the week", "2026-12-05T12:00:00Z", "2026-12-07T02:00:00+01:00"},
		{"By days of the month", "2026-12-02T12:00:00Z", "2026-12-15T02:05:00-05:00"},
		{"Every other week", "2026-12-02T12:00:00Z", "2026-12-15T23:30:00+01:00"},
	} {
		m := c.Maintenance[i]
		w, err := schedule.NewWindow(m.Window, c.Timezone)
		if err != nil || m.Name != want.name {
			t.Fatalf("%q: %v, want %q", m.Name, err, want.name)
		}
		now, _ := time.Parse(time.RFC3339, want.now)
		next, _ := time.Parse(time.RFC3339, want.next)
		if got := w.Next(now); !got.Equal(next) {
			t.Errorf("%s: got %s, want %s", m.Name, got, next)
		}
	}
	if m := c.Maintenance[1]; m.Description != "Two\nlines" || m.Pos.Line != 8 || m.Window.Timezone != "Europe/Berlin" || !slices.Equal(m.Groups, []string{"Core"}) {
		t.Errorf("got %+v", m)
	}
}

// An order of thousands of unknown names does not keep the processor busy.
func TestWhatIsMeantIsSoughtForTheFirst(t *testing.T) {
	var m Maintenance
	for range 2 * mostMeant {
		m.Monitors = append(m.Monitors, "wikki")
	}
	ps := CheckSelection(m, []*check.Monitor{{ID: "wiki"}})
	if len(ps) != len(m.Monitors) {
		t.Fatalf("%d problems, want %d", len(ps), len(m.Monitors))
	}
	for i, p := range ps {
		if got := strings.Contains(p.Message, "did you mean"); got != (i < mostMeant) || !strings.Contains(p.Message, `"wikki"`) {
			t.Errorf("problem %d: %s", i, p.Message)
		}
	}
}
