package server

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// windowRow is a maintenance window on a page.
type windowRow struct {
	Path   string // the id in an address
	Name   string
	Text   string // description or reason, "" for none
	Active bool
	Hand   bool // ordered by hand
	From   stamp
	To     stamp
	Who    string
	Count  string // of the monitors that it is about
}

// shownWindows is how many windows the overview shows; the page of maintenance
// shows all.
const shownWindows = 5

// windowRows returns the windows that are in force or to come, the next first.
func (s *Server) windowRows(now time.Time) []windowRow {
	if s.o.Actions.Maintenance == nil {
		return nil
	}
	all := slices.DeleteFunc(s.o.Actions.Maintenance(), func(m Maintenance) bool { return m.Next == nil || m.From == nil || m.To == nil })
	slices.SortStableFunc(all, func(a, b Maintenance) int {
		if a.Active != b.Active {
			if a.Active {
				return -1
			}
			return 1
		}
		return a.Next.Compare(*b.Next)
	})
	rows := make([]windowRow, 0, len(all))
	for _, m := range all {
		r := windowRow{
			Path: url.PathEscape(m.ID), Name: m.Name, Text: m.Description, Active: m.Active, Hand: m.Source == FromAPI,
			From: stampOf(*m.From, now, s.o.Zone), To: stampOf(*m.To, now, s.o.Zone), Who: m.who(),
			Count: check.Count(len(m.Monitors), "monitor", "monitors"),
		}
		if m.Reason != m.Name {
			r.Text = strings.TrimSpace(r.Text + " " + m.Reason)
		}
		rows = append(rows, r)
	}
	return rows
}

// who says whom a window is about, as it was ordered.
func (m *Maintenance) who() string {
	const few = 3
	if m.All {
		return "all monitors"
	}
	var parts []string
	for _, g := range m.Groups {
		parts = append(parts, "group "+g)
	}
	var labels []string
	for name, value := range m.Labels {
		labels = append(labels, name+"="+value)
	}
	if slices.Sort(labels); len(labels) > 0 {
		parts = append(parts, "label "+strings.Join(labels, " and "))
	}
	if len(parts) == 0 {
		parts = m.Monitors
	}
	return check.Some(parts, few)
}

func (o *overview) addWindows(rows []windowRow) {
	o.Windows = rows[:min(len(rows), shownWindows)]
	o.Further = len(rows) - len(o.Windows)
}
