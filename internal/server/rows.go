package server

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// row is one monitor on the page.
type row struct {
	ID, Name, URL string
	State         check.State // as the API says it
	Shape, Word   string      // as the eye meets it: held and new are the page's own
	Hop           hop
	Class         check.Class
	Reason        check.Reason // "" while it passes
	Message, Hint string
	Held          *holder
	Told          bool   // the incident that holds it says the same
	For           string // how long it has been what it is
	Since         stamp
	Took          string
	Uptime        string
	Full          bool
	Cert          string // how long until its certificate expires, "" without one
	Soon          bool   // people are warned of it
	Ends          stamp  // when it expires
	Last          stamp
	Writes        bool   // whether who asks may do something
	Path          string // the id in an address
	rank          int
}

// holder is what holds a monitor: an incident whose cause lies elsewhere, or a
// monitor that it depends on.
type holder struct {
	At    string // its place on the page
	What  clause
	fault *check.FaultText // nil: that of a monitor
}

// heldBy tells for each monitor which cause elsewhere it fails for; addHolds adds
// those that others hold.
func heldBy(records []check.IncidentRecord) map[string]*holder {
	held := map[string]*holder{}
	for i := range records {
		r := &records[i]
		if !r.Cause.Shared() || r.Fault.Class == check.ExposedTo {
			continue
		}
		h := &holder{"inc-" + r.ID, clauseOf(r), &r.Fault}
		for j := range r.Members {
			held[r.Members[j].ID] = h
		}
	}
	return held
}

func newRow(v *board.View, h *holder, now time.Time, zone *time.Location) row {
	m := v.Monitor
	r := row{
		ID: m.ID, Path: url.PathEscape(m.ID), Name: m.Name, URL: m.URL, State: stateOf(v),
		Took: "–", Uptime: percent(v.Uptime24h), Full: v.Uptime24h >= 1 || math.IsNaN(v.Uptime24h),
	}
	r.look(v.Last.Has || v.Last.Fault != nil, h)
	if f := v.Last.Fault; f != nil {
		r.Hop, r.Class, r.Reason, r.Message, r.Hint = hopOf(f), f.Class, f.Reason, f.Message, f.Hint
		r.Told = r.Held != nil && r.Held.fault != nil && *r.Held.fault == *f
	}
	if !v.Since.IsZero() && r.State != check.Maintenance { // what fails began at another time
		r.For, r.Since = length(now.Sub(v.Since)), stampOf(v.Since, now, zone)
	}
	if at := v.Last.CertExpiry; !at.IsZero() {
		r.Cert, r.Ends = untilExpiry(at.Sub(now)), stampOf(at, now, zone)
		r.Soon = v.Last.Chain.Due(m.CertificateWarn, now) > 0 || !at.After(now)
	}
	if v.Last.Has {
		r.Took, r.Last = took(v.Last.Took), stampOf(v.Last.Start, now, zone)
	}
	return r
}

// look sets shape, word and place: trouble comes first in each group.
func (r *row) look(known bool, h *holder) {
	set := func(shape, word string, rank int) { r.Shape, r.Word, r.rank = shape, word, rank }
	switch r.State {
	case check.Exposed:
		set("exposed", "Exposed", 0)
	case check.Down:
		set("down", "Down", 1)
		if h != nil {
			set("held", "Held", 2)
			r.Held = h
		}
	case check.Pending:
		set("pending", "Pending", 3)
		if !known {
			set("new", "New", 4)
		}
	case check.Maintenance:
		set("maintenance", "Maintenance", 4)
	case check.Paused:
		set("paused", "Paused", 4)
	default:
		set("up", "Up", 4)
	}
}

// Trouble says whether the row is one to look at.
func (r *row) Trouble() bool { return r.rank < 4 }

// count is how many rows of a group have one look.
type count struct {
	Shape string
	Text  string
}

// group is the rows of one group, those in trouble apart.
type group struct {
	Name    string // "" is shown as Heading
	Heading string
	Total   int
	Tally   []count
	Open    bool
	Bad     []row
	Good    []row
	Folded  bool   // the good rows are behind one more fold
	Path    string // the name in an address; "" where nothing may be done
	Paused  int    // how many of them are
}

// groups gathers rows by group, in the order of their first monitors.
type groups struct {
	list   []*group
	byName map[string]*group
}

func newGroups() *groups { return &groups{byName: map[string]*group{}} }

func (g *groups) add(name string, r row) {
	to := g.byName[name]
	if to == nil {
		to = &group{Name: name}
		if r.Writes {
			to.Path = url.PathEscape(name)
		}
		g.byName[name] = to
		g.list = append(g.list, to)
	}
	if r.State == check.Paused {
		to.Paused++
	}
	if r.Trouble() {
		to.Bad = append(to.Bad, r)
	} else {
		to.Good = append(to.Good, r)
	}
}

// finish sorts and folds: with many monitors only what is in trouble is open.
func (g *groups) finish(all int) []*group {
	for _, x := range g.list {
		slices.SortStableFunc(x.Bad, func(a, b row) int { return cmp.Compare(a.rank, b.rank) })
		x.Total = len(x.Bad) + len(x.Good)
		x.Tally = tally(x.Bad, x.Good)
		many := all > fewMonitors
		x.Open = !many || len(x.Bad) > 0
		x.Folded = many && len(x.Bad) > 0 && len(x.Good) > 0
		switch {
		case x.Name != "":
		case len(g.list) == 1:
			x.Heading = "Monitors"
		default:
			x.Heading = "Without a group"
		}
	}
	return g.list
}

// tally names every look that occurs, worst first.
func tally(lists ...[]row) []count {
	n := map[string]int{}
	for _, list := range lists {
		for i := range list {
			n[list[i].Shape]++
		}
	}
	var out []count
	for _, shape := range []string{"exposed", "down", "held", "pending", "maintenance", "paused", "new", "up"} {
		if n[shape] > 0 {
			out = append(out, count{shape, check.Count(n[shape], shape, shape)})
		}
	}
	return out
}
