package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDependsOn(t *testing.T) {
	c := load(t, `
monitors:
  - {name: Behind, url: "https://b.example.com/", depends_on: [router, off]}
  - {name: Router, url: "https://r.example.com/"}
  - {name: Off, url: "https://o.example.com/", enabled: false}
  - {name: One, url: "https://1.example.com/", depends_on: router}
`)
	for i, want := range [][]string{{"router", "off"}, nil, nil, {"router"}} {
		if got := c.Monitors[i].DependsOn; !slices.Equal(got, want) {
			t.Errorf("%s depends on %q, want %q", c.Monitors[i].Name, got, want)
		}
	}
}

// TestDependsOnOfMany: fifty thousand monitors in a chain load in good time.
func TestDependsOnOfMany(t *testing.T) {
	const n = 50_000
	l := newLoader(LoadOptions{})
	m := &monitors{loader: l, config: &Config{}}
	for i := range n {
		mon := Monitor{ID: fmt.Sprint("m", i), Enabled: true}
		if i > 0 {
			mon.DependsOn = []string{fmt.Sprint("m", i-1)}
		}
		m.config.Monitors = append(m.config.Monitors, mon)
		m.dependents = append(m.dependents, dependent{monitor: i, view: view{own: item{src: &source{name: "w.yaml"}}}})
	}
	slices.Reverse(m.dependents) // the way of searching that is the longest
	began := time.Now()
	m.depends()
	if took := time.Since(began); took > 5*time.Second || len(l.problems) > 0 {
		t.Errorf("%s, %s", took, l.problems)
	}
	m.config.Monitors[0].DependsOn = []string{"m49999"}
	m.depends()
	if len(l.problems) != 1 || !strings.Contains(l.problems[0].Message, "in a circle") {
		t.Errorf("%d problems", len(l.problems))
	}
}
