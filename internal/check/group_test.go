package check

import (
	"slices"
	"testing"
)

func TestGroups(t *testing.T) {
	for group, want := range map[string][]string{
		"":                nil,
		"Core":            {"Core"},
		"A/B":             {"A/B"},
		"Core / Gate":     {"Core", "Core / Gate"},
		"A / B / C":       {"A", "A / B", "A / B / C"},
		" / odd":          {" / odd"},
		"A / ":            {"A", "A / "},
		"Core / Gate/Two": {"Core", "Core / Gate/Two"},
	} {
		m := &Monitor{Group: group}
		if got := m.Groups(); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", group, got, want)
		}
		for _, name := range want {
			if !m.InGroup(name) {
				t.Errorf("%q is not in %q", group, name)
			}
		}
	}
	m := &Monitor{Group: "Core / Gate"}
	for _, name := range []string{"", "Cor", "Core /", "Gate", "core", "Core / Gate / West"} {
		if m.InGroup(name) {
			t.Errorf("%q is in %q", m.Group, name)
		}
	}
}
