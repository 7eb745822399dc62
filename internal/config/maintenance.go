package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/schedule"
)

// Maintenance is one entry under `maintenance`: when nobody is told of certain
// monitors.
type Maintenance struct {
	// The name of the window, on the page and in lists. Every window has one of its
	// own.
	Name string `koanf:"name"`
	// What is going on, for those who look. Default: none.
	Description string `koanf:"description"`

	Window schedule.WindowOptions `koanf:",squash"`

	// The monitors that it is about, by their ids. What monitors, groups and labels
	// select adds up.
	Monitors []string `koanf:"monitors"`
	// The groups whose monitors it is about. Core is also "Core / Gate".
	Groups []string `koanf:"groups"`
	// It is about the monitors that have all of these labels, such as team: web.
	Labels map[string]string `koanf:"labels"`
	// It is about every monitor.
	All bool `koanf:"all"`

	Pos Position `koanf:"-"`
}

// maintenanceKeys says of the keys of a window what their types do not.
func maintenanceKeys() []check.Key {
	return append([]check.Key{{Path: "name", Required: true}}, schedule.WindowKeys()...)
}

// Covers says whether the window is about a monitor.
func (m Maintenance) Covers(mon *check.Monitor) bool {
	return m.All || slices.Contains(m.Monitors, mon.ID) || slices.ContainsFunc(m.Groups, mon.InGroup) ||
		len(m.Labels) > 0 && !slices.ContainsFunc(sortedKeys(m.Labels), func(name string) bool {
			return !slices.Contains(mon.Labels, check.Label{Name: name, Value: m.Labels[name]})
		})
}

// maintenance decodes the windows, which are about the monitors of c; whole says
// that none of these was left out for its mistakes.
func (l *loader) maintenance(c *Config, items []item, whole bool) []Maintenance {
	if len(items) == 0 {
		return nil
	}
	all := make([]Maintenance, 0, len(items))
	names := map[string]Position{}
	has := selectable(c.Monitors)
	has.whole = whole
	for _, it := range items {
		if it.node.Kind != yaml.MappingNode {
			l.complain(it.pos, "a maintenance window is a mapping with a name, not "+kind(it.node))
			continue
		}
		m := Maintenance{Pos: it.pos}
		l.one(&m, it)
		l.relay(m.checkNames(names, it), it)
		l.relay(schedule.CheckWindow(m.Window, c.Timezone), it)
		l.relay(has.check(m), it)
		if m.Window.Timezone == "" {
			m.Window.Timezone = c.Timezone.String()
		}
		all = append(all, m)
	}
	return all
}

// checkNames holds a window to a name of its own, and to what can be shown.
func (m Maintenance) checkNames(names map[string]Position, it item) []check.Problem {
	at := it.locate("name")
	old, taken := names[m.Name]
	var ps []check.Problem
	switch {
	case m.Name == "":
		ps = append(ps, check.Problem{Path: "name", Message: "a maintenance window needs a name"})
	case unseen(m.Name) != "":
		ps = append(ps, check.Problem{Path: "name", Message: unseen(m.Name)})
	case taken:
		ps = append(ps, check.Problem{Path: "name", Message: fmt.Sprintf("%q is the name of another maintenance window at %s", m.Name, old)})
	default:
		names[m.Name] = at
	}
	if wrong := unseen(strings.ReplaceAll(m.Description, "\n", " ")); wrong != "" {
		ps = append(ps, check.Problem{Path: "description", Message: wrong})
	}
	return ps
}

// selection is what windows can select monitors by.
type selection struct {
	whole       bool // no monitor is missing here: what is not known is a mistake
	monitors    []*check.Monitor
	ids, groups []string
	labels      map[string][]string // the values by name
	meant       int                 // words for which one that was meant was looked for
}

// mostMeant bounds that: it compares a word with all that there are, and an order
// can name thousands.
const mostMeant = 50

func selectable(monitors []Monitor) *selection {
	all := make([]*check.Monitor, 0, len(monitors))
	for _, m := range monitors {
		all = append(all, m.Check())
	}
	return selectionOf(all)
}

func selectionOf(monitors []*check.Monitor) *selection {
	s := &selection{monitors: monitors, labels: map[string][]string{}}
	groups := map[string]bool{}
	for _, m := range monitors {
		s.ids = append(s.ids, m.ID)
		for _, g := range m.Groups() {
			groups[g] = true
		}
		for _, l := range m.Labels {
			if !slices.Contains(s.labels[l.Name], l.Value) {
				s.labels[l.Name] = append(s.labels[l.Name], l.Value)
			}
		}
	}
	s.groups = sortedKeys(groups)
	return s
}

// CheckSelection returns what is wrong with whom a window is about, where these
// are all monitors that there are.
func CheckSelection(m Maintenance, monitors []*check.Monitor) []check.Problem {
	s := selectionOf(monitors)
	s.whole = true
	return s.check(m)
}

// check returns what is wrong with whom a window is about.
func (s *selection) check(m Maintenance) []check.Problem {
	some := len(m.Monitors)+len(m.Groups)+len(m.Labels) > 0
	switch {
	case m.All && some:
		return []check.Problem{{Path: "all", Message: "every monitor is meant: take out monitors, groups and labels, or this"}}
	case !m.All && !some:
		return []check.Problem{{Message: "it says nowhere whom it is about: give monitors, groups or labels, or all: true"}}
	}
	if !s.whole {
		return nil
	}
	var ps []check.Problem
	for i, id := range m.Monitors {
		ps = append(ps, s.unmet(fmt.Sprintf("monitors[%d]", i), "there is no monitor with the id ", id, s.ids)...)
	}
	for i, name := range m.Groups {
		ps = append(ps, s.unmet(fmt.Sprintf("groups[%d]", i), "no monitor is in the group ", name, s.groups)...)
	}
	return append(ps, s.checkLabels(m.Labels)...)
}

func (s *selection) checkLabels(labels map[string]string) []check.Problem {
	var ps []check.Problem
	for _, name := range sortedKeys(labels) {
		path := "labels." + name
		if wrong := s.unmet(path, "no monitor has the label ", name, sortedKeys(s.labels)); wrong != nil {
			ps = append(ps, wrong...)
		} else {
			ps = append(ps, s.unmet(path, "no monitor has this label with the value ", labels[name], s.labels[name])...)
		}
	}
	if len(ps) == 0 && len(labels) > 0 && !slices.ContainsFunc(s.monitors, Maintenance{Labels: labels}.Covers) {
		ps = append(ps, check.Problem{Path: "labels", Message: "each of them belongs to some monitor, all of them to none"})
	}
	return ps
}

// unmet says that a word is none of those known, if it is not.
func (s *selection) unmet(path, what, word string, known []string) []check.Problem {
	if slices.Contains(known, word) {
		return nil
	}
	msg := what + strconv.Quote(word)
	if s.meant++; s.meant > mostMeant {
		return []check.Problem{{Path: path, Message: msg}}
	}
	if near := nearest(word, known); near != "" {
		msg += fmt.Sprintf(", did you mean %q?", near)
	}
	return []check.Problem{{Path: path, Message: msg}}
}
