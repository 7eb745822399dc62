package agent

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/schedule"
	"github.com/watchword/watchword/internal/server"
)

// spans is when a maintenance window is, by the wall clock; see schedule.Window.
type spans interface {
	Span(now time.Time) (from, to time.Time, in bool)
	Next(now time.Time) time.Time
}

// window is one maintenance window.
type window struct {
	id     string
	source string
	about  config.Maintenance // whom it is about, and its texts
	when   spans
	reason string
}

// windowsOf builds the windows of a configuration. Their ids are the slugs of
// their names.
func windowsOf(ms []config.Maintenance, zone *time.Location) ([]*window, error) {
	var all []*window
	taken := map[string]bool{}
	for _, m := range ms {
		w, err := schedule.NewWindow(m.Window, zone)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Pos, err)
		}
		slug := cmp.Or(config.Slug(m.Name), "maintenance") // a name may have no Latin letter
		id := slug
		for n := 2; taken[id]; n++ {
			id = fmt.Sprintf("%s-%d", slug, n)
		}
		taken[id] = true
		all = append(all, &window{id: id, source: server.FromConfiguration, about: m, when: w})
	}
	return all, nil
}

// covers returns those of the monitors that it is about.
func (w *window) covers(all []*monitor) []string {
	ids := []string{}
	for _, m := range all {
		if w.about.Covers(m.check) {
			ids = append(ids, m.cfg.ID)
		}
	}
	return ids
}

// ordered is a maintenance that is not in the configuration, as it is stored.
type ordered struct {
	ID       string            `json:"id"`
	Name     string            `json:"name,omitempty"`
	From     time.Time         `json:"from"`
	To       time.Time         `json:"to"`
	Begun    bool              `json:"begun,omitempty"` // it began when it was ordered: a clock that is set back does not put it off
	Monitors []string          `json:"monitors,omitempty"`
	Groups   []string          `json:"groups,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	All      bool              `json:"all,omitempty"`
	Reason   string            `json:"reason,omitempty"`
}

func (o ordered) window() *window {
	return &window{id: o.ID, source: server.FromAPI, when: o, reason: o.Reason, about: config.Maintenance{
		Name: cmp.Or(o.Name, o.Reason, "Maintenance"), Monitors: o.Monitors, Groups: o.Groups, Labels: o.Labels, All: o.All,
	}}
}

// Span and Next are those of a window that is once.
func (o ordered) Span(now time.Time) (from, to time.Time, in bool) {
	if !now.Before(o.To) || now.Before(o.From) && !o.Begun {
		return time.Time{}, time.Time{}, false
	}
	return o.From, o.To, true
}

func (o ordered) Next(now time.Time) time.Time {
	switch {
	case !now.Before(o.To):
		return time.Time{}
	case now.Before(o.From) && !o.Begun:
		return o.From
	default:
		return o.To
	}
}

// readOrder makes a maintenance of an order, at the time now; problems say what is
// wrong with it, by the fields of the order.
func readOrder(o server.MaintenanceOrder, monitors []*check.Monitor, zone *time.Location, now time.Time) (ordered, []check.Problem) {
	made := ordered{Name: o.Name, Monitors: o.Monitors, Groups: o.Groups, Labels: o.Labels, All: o.All, Reason: o.Reason}
	ps := config.CheckSelection(config.Maintenance{Monitors: o.Monitors, Groups: o.Groups, Labels: o.Labels, All: o.All}, monitors)
	for _, t := range []struct{ field, text string }{{"name", o.Name}, {"reason", o.Reason}} {
		switch wrong := config.CheckText(t.text); {
		case wrong != "":
			ps = append(ps, check.Problem{Path: t.field, Message: wrong})
		case len(t.text) > longestText:
			ps = append(ps, check.Problem{Path: t.field, Message: fmt.Sprintf("it has at most %d bytes", longestText)})
		}
	}
	from, to, wrong := spanOf(o, zone, now)
	made.From, made.To, made.Begun = from, to, !from.After(now)
	until := "to"
	if o.For != "" {
		until = "for"
	}
	switch {
	case len(wrong) > 0:
		ps = append(ps, wrong...)
	case from.Sub(now) > furthestOrder:
		ps = append(ps, check.Problem{Path: "from", Message: "it begins in more than ten years"})
	case !to.After(now):
		ps = append(ps, check.Problem{Path: until, Message: "it is over already"})
	case to.Sub(from) > longestOrder:
		ps = append(ps, check.Problem{Path: until, Message: "it lasts at most 400d: to watch no longer, pause the monitors"})
	}
	return made, ps
}

// What bounds a slip of the finger.
const (
	longestOrder  = 400 * 24 * time.Hour
	furthestOrder = 3660 * 24 * time.Hour
	longestText   = 1000
)

// spanOf reads from when to when.
func spanOf(o server.MaintenanceOrder, zone *time.Location, now time.Time) (from, to time.Time, ps []check.Problem) {
	bad := func(field, message string) (time.Time, time.Time, []check.Problem) {
		return from, to, []check.Problem{{Path: field, Message: message}}
	}
	switch {
	case o.For != "" && o.To != "":
		return bad("for", "either for or to says when it ends")
	case o.For == "" && o.To == "":
		return bad("for", "how long? Give for, such as 2h, or to")
	}
	from = now
	if o.From != "" || o.To != "" {
		begin, end, err := bounds(o, zone)
		if err != nil {
			return bad(fieldOf(err))
		}
		if o.From != "" {
			from = begin
		}
		to = end
	}
	if o.For == "" {
		return from, to, nil
	}
	d, wrong := lengthOf(o.For)
	if wrong != "" {
		return bad("for", wrong)
	}
	return from, from.Add(d), nil
}

// bounds reads from and to; what is not said lies beyond all that can be.
func bounds(o server.MaintenanceOrder, zone *time.Location) (from, to time.Time, err error) {
	w, err := schedule.NewWindow(schedule.WindowOptions{From: cmp.Or(o.From, "0000-01-01"), To: cmp.Or(o.To, "9999-12-31")}, zone)
	if err != nil {
		return from, to, err
	}
	from = w.Next(time.Time{}.AddDate(-10, 0, 0)) // before all that can be written
	return from, w.Next(from), nil
}

// lengthOf reads how long a maintenance lasts; wrong is what is wrong with it, ""
// for nothing.
func lengthOf(text string) (d time.Duration, wrong string) {
	d, err := config.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Sprintf("%q: %s", text, err)
	case d <= 0:
		return 0, "more than 0 is wanted"
	default:
		return d, ""
	}
}

// fieldOf says what is wrong with a window, and where.
func fieldOf(err error) (field, message string) {
	if w, ok := errors.AsType[*schedule.WindowError](err); ok {
		return w.Key, w.Message
	}
	return "from", err.Error()
}

// shown is what the API tells of a window at a time.
func (w *window) shown(all []*monitor, active bool, now time.Time) server.Maintenance {
	out := server.Maintenance{
		ID: w.id, Name: w.about.Name, Description: w.about.Description, Source: w.source, Active: active, Monitors: w.covers(all),
		Groups: append([]string{}, w.about.Groups...), Labels: w.about.Labels, All: w.about.All, Reason: w.reason,
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	if _, end, in := w.when.Span(now); in && !active { // it was ended by hand
		now = end
	}
	next := w.when.Next(now)
	if next.IsZero() {
		return out
	}
	out.Next = &next
	if !active {
		now = next
	}
	if from, to, in := w.when.Span(now); in {
		out.From, out.To = &from, &to
	}
	return out
}
