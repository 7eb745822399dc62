package server

import (
	"context"
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// publicPage is all that strangers are told: names, groups, states and since
// when, of what people use. It has no place for a URL, a reason or a credential.
type publicPage struct {
	Headline []clause
	Shape    string
	Rest     string // one more sentence, or ""
	Groups   []*publicGroup
	Now      stamp
	Zone     string
}

type publicGroup struct {
	Name string // "" where no monitor has a group
	Rows []publicRow
}

type publicRow struct {
	Name, Shape, Word string
	Since             stamp
}

func (s *Server) publicPage(ctx context.Context) *publicPage {
	now := s.o.Now()
	p := &publicPage{Now: stampOf(now, now, s.o.Zone), Zone: s.o.Zone.String()}
	blind := s.blind(ctx)
	groups := map[string]*publicGroup{}
	var c publicCounts
	s.o.Each(func(v *board.View) bool {
		if watchesGate(v.Monitor.Type) {
			return true
		}
		row := newPublicRow(v, blind[v.Monitor.ID], now, s.o.Zone)
		c.add(row)
		g := groups[v.Monitor.Group]
		if g == nil {
			g = &publicGroup{Name: v.Monitor.Group}
			groups[v.Monitor.Group] = g
			p.Groups = append(p.Groups, g)
		}
		g.Rows = append(g.Rows, row)
		return true
	})
	p.Headline, p.Shape, p.Rest = c.headline()
	return p
}

// watchesGate tells the types of monitors that ask whether a gate works: the
// state of one would tell strangers that a gate is open, and since when.
func watchesGate(monitorType string) bool {
	switch monitorType {
	case "guard", "authz", "issuer":
		return true
	}
	return false
}

// blind returns the monitors behind an incident that is ours: we cannot see
// them, and know nothing against them.
func (s *Server) blind(ctx context.Context) map[string]bool {
	records, err := s.o.Incidents(ctx, "open")
	if err != nil {
		s.log.Warn("read incidents", "state", "open", "error", err)
	}
	blind := map[string]bool{}
	for i := range records {
		if isOurs(records[i].Fault.Class) {
			for _, m := range records[i].Members {
				blind[m.ID] = true
			}
		}
	}
	return blind
}

// isOurs tells the faults that lie between us and the service: to those who
// use the service they say nothing about it.
func isOurs(c check.Class) bool { return c == check.IDP || c == check.Credential || c == check.Agent }

func newPublicRow(v *board.View, blind bool, now time.Time, zone *time.Location) publicRow {
	r := publicRow{Name: v.Monitor.Name}
	r.Shape, r.Word = publicLook(v, blind)
	if !v.Since.IsZero() && r.Word != neverChecked {
		r.Since = stampOf(v.Since, now, zone)
	}
	return r
}

const (
	notChecked   = "Not checked"
	neverChecked = "Not checked yet"
)

func publicLook(v *board.View, blind bool) (shape, word string) {
	f := v.Last.Fault
	switch v.State {
	case check.Up:
		return "up", "Working"
	case check.Maintenance:
		return "maintenance", "Maintenance"
	case check.Paused:
		return "paused", "Paused"
	case check.Exposed: // that a door is open is nothing to tell strangers
		return "down", "Down"
	}
	switch {
	case blind || f != nil && isOurs(f.Class):
		return "new", notChecked
	case v.State == check.Down:
		return "down", "Down"
	case f == nil && !v.Last.Has:
		return "new", neverChecked
	default:
		return "pending", "Failed, being checked again"
	}
}

// publicCounts are the rows by what the headline says of them.
type publicCounts struct {
	all, working, unseen, again int
	down                        []string // names
}

func (c *publicCounts) add(r publicRow) {
	c.all++
	switch {
	case r.Shape == "down":
		c.down = append(c.down, r.Name)
	case r.Shape == "up":
		c.working++
	case r.Shape == "pending":
		c.again++
	case r.Word == notChecked:
		c.unseen++
	}
}

// headline blames only what was seen to fail.
func (c *publicCounts) headline() (line []clause, shape, rest string) {
	line = c.troubles()
	switch {
	case len(line) == 0 && c.working > 0:
		return []clause{{Before: "Everything works."}}, "up", ""
	case len(line) == 0:
		return []clause{{Before: "Nothing is checked at the moment."}}, "new", ""
	case c.working > 0:
		rest = "Everything else that is checked works."
	}
	shape = "new"
	if len(c.down) > 0 {
		shape = "down"
	} else if c.again > 0 {
		shape = "pending"
	}
	return line, shape, rest
}

// troubles returns a sentence for each kind of trouble there is.
func (c *publicCounts) troubles() []clause {
	line := c.downLine()
	if c.unseen > 0 {
		line = append(line, clause{Before: "We cannot see " + check.Count(c.unseen, "service", "services") + " at the moment. "})
	}
	if c.again > 0 {
		line = append(line, clause{Before: check.Count(c.again, "service failed and is being checked again.", "services failed and are being checked again.")})
	}
	return line
}

// downLine names what is down as long as that is readable.
func (c *publicCounts) downLine() []clause {
	const few = 3
	n := len(c.down)
	if n > few {
		return []clause{{Before: fmt.Sprintf("%d services are down. ", n)}}
	}
	var line []clause
	for i, name := range c.down {
		after := ", "
		switch {
		case i == n-1 && n == 1:
			after = " is down. "
		case i == n-1:
			after = " are down. "
		case i == n-2:
			after = " and "
		}
		line = append(line, clause{Name: name, After: after})
	}
	return line
}
