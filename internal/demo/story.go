package demo

import (
	"fmt"
	"slices"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/notifiers"
)

// counts is how many monitors stand how.
type counts struct {
	up, down, pending int
	aside             int // in maintenance or paused
}

func (m *model) counts() (n counts) {
	for _, w := range m.monitors {
		switch w.state {
		case check.Up:
			n.up++
		case check.Down, check.Exposed:
			n.down++
		case check.Maintenance, check.Paused:
			n.aside++
		default:
			n.pending++
		}
	}
	return n
}

// well says whether all monitors are up, but for those that somebody has set
// aside.
func (m *model) well() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.counts()
	return n.up > 0 && n.up+n.aside == len(m.monitors) && len(m.open) == 0
}

// story is what the control page shows.
func (m *model) story() lab.Story {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := lab.Story{Page: m.page, Headline: m.headline(), Well: len(m.open) == 0}
	for _, r := range m.open {
		i := lab.StoryIncident{
			Verdict: string(r.Fault.Class) + "/" + string(r.Fault.Reason), Message: r.Fault.Message, Hint: r.Fault.Hint,
			Since: r.Opened, Exposed: r.Fault.Class == check.ExposedTo,
		}
		for _, mem := range r.Members {
			i.Monitors = append(i.Monitors, mem.Name)
		}
		kind := check.KindDown
		if i.Exposed {
			kind = check.KindExposed
		}
		i.Title = notifiers.Title(check.Delivery{Kind: kind, Events: []check.Event{{Cause: r.Cause, Fault: r.Fault, Members: r.Members}}})
		s.Incidents = append(s.Incidents, i)
	}
	slices.SortFunc(s.Incidents, func(a, b lab.StoryIncident) int { return a.Since.Compare(b.Since) })
	for _, w := range m.monitors {
		s.Monitors = append(s.Monitors, lab.StoryMonitor{Name: w.name, Group: w.group, Status: w.word(), Note: w.note()})
	}
	return s
}

func (m *model) headline() string {
	n, all := m.counts(), len(m.monitors)
	switch {
	case len(m.open) > 0:
		causes := "cause"
		if len(m.open) > 1 {
			causes = "causes"
		}
		return fmt.Sprintf("%d of %d monitors fail, for %d %s.", n.down, all, len(m.open), causes)
	case n.up == all:
		return fmt.Sprintf("All %d monitors are up.", all)
	case n.down > 0:
		return fmt.Sprintf("%d of %d monitors fail.", n.down, all)
	case n.aside == 0:
		return fmt.Sprintf("%d of %d monitors are up; the others are being tried.", n.up, all)
	case n.pending == 0:
		return fmt.Sprintf("%d of %d monitors are up; the others are in maintenance or paused.", n.up, all)
	}
	return fmt.Sprintf("%d of %d monitors are up; the others are being tried, in maintenance or paused.", n.up, all)
}

func (w *watched) word() string {
	switch {
	case w.state == check.Paused || w.state == check.Maintenance:
		return string(w.state)
	case !w.ran:
		return "new"
	case w.held:
		return "held"
	}
	return string(w.state)
}

func (w *watched) note() string {
	switch {
	case w.fault != nil:
		return string(w.fault.Class) + "/" + string(w.fault.Reason)
	case w.ran:
		return length(w.took)
	}
	return ""
}
