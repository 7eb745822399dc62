package server

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/watchword/watchword/internal/check"
)

// sorted returns the worst first: what is exposed, then by members, then by
// age.
func sorted(records []check.IncidentRecord) []check.IncidentRecord {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b check.IncidentRecord) int {
		if x, y := a.Fault.Class == check.ExposedTo, b.Fault.Class == check.ExposedTo; x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(len(b.Members), len(a.Members)), a.Opened.Compare(b.Opened))
	})
	return records
}

// counts are the monitors of the page by their look.
type counts struct {
	all, up, down, pending, fresh, maintained, paused int
	first                                             string
}

func (c *counts) add(r *row) {
	if c.all == 0 {
		c.first = r.Name
	}
	c.all++
	switch r.Shape {
	case "up":
		c.up++
	case "pending":
		c.pending++
	case "new":
		c.fresh++
	case "maintenance":
		c.maintained++
	case "paused":
		c.paused++
	default:
		c.down++
	}
}

// headline is one sentence about the world: a clause a cause, worst first, at
// most three; from the fourth on only the number and the worst.
func (o *overview) headline(records []check.IncidentRecord, c *counts) {
	if c.all > 0 {
		o.Tally = fmt.Sprintf("%d of %d up", c.up, c.all)
	}
	if len(records) == 0 {
		o.Plain = calm(c)
		o.Title = quietTitle(c)
		return
	}
	o.Title = fmt.Sprintf("%d open · Watchword", len(records))
	if len(records) > 3 {
		o.More = len(records)
		records = records[:1]
	}
	for i := range records {
		part := clauseOf(&records[i])
		if i == 0 && o.More == 0 {
			part = part.upper()
		}
		o.Headline = append(o.Headline, part)
	}
}

func quietTitle(c *counts) string {
	switch {
	case c.down > 0:
		return fmt.Sprintf("%d down · Watchword", c.down)
	case c.pending > 0:
		return fmt.Sprintf("%d failing · Watchword", c.pending)
	case c.up > 0:
		return "All well · Watchword"
	default:
		return "Watchword"
	}
}

// calm is the headline where there is no incident.
func calm(c *counts) string {
	switch {
	case c.all == 0:
		return "Nothing is watched yet."
	case c.down > 0:
		return check.Count(c.down, "monitor is down.", "monitors are down.")
	case c.pending > 0:
		return check.Count(c.pending, "monitor fails and is being tried again.", "monitors fail and are being tried again.")
	case c.up == 0 && c.fresh > 0:
		return check.Count(c.fresh, "monitor waits for its first run.", "monitors wait for their first run.")
	case c.up == 0:
		return c.allStill()
	case c.all == 1:
		return c.first + " is up."
	case c.up == c.all:
		return fmt.Sprintf("All %d monitors are up.", c.all)
	case c.fresh > 0:
		return check.Count(c.up, "monitor is up, ", "monitors are up, ") + check.Count(c.fresh, "waits for its first run.", "wait for their first run.")
	default:
		return check.Count(c.up, "monitor is up", "monitors are up") + c.still() + "."
	}
}

// allStill is the headline where every monitor is paused or in maintenance.
func (c *counts) allStill() string {
	switch {
	case c.maintained == 0:
		return "Nothing is watched at the moment."
	case c.paused > 0:
		return check.Count(c.maintained, "monitor is", "monitors are") + fmt.Sprintf(" in maintenance, %d paused.", c.paused)
	case c.all == 1:
		return c.first + " is in maintenance."
	default:
		return fmt.Sprintf("All %d monitors are in maintenance.", c.all)
	}
}

// still says who is not up and does not fail either.
func (c *counts) still() (clause string) {
	if c.maintained > 0 {
		clause = fmt.Sprintf(", %d in maintenance", c.maintained)
	}
	if c.paused > 0 {
		clause += fmt.Sprintf(", %d paused", c.paused)
	}
	return clause
}

// Separator stands before the clause at i: "a, b, and c".
func (o *overview) Separator(i int) string {
	switch n := len(o.Headline); {
	case i == 0:
		return ""
	case n == 2:
		return " and "
	case i == n-1:
		return ", and "
	default:
		return ", "
	}
}
