package server

import (
	"fmt"

	"github.com/watchword/watchword/internal/check"
)

// addHolds adds those who are down and not announced because of those that they
// depend on.
func (s *Server) addHolds(held map[string]*holder) {
	for id, h := range s.o.Held() {
		if len(h.By) > 0 {
			held[id] = &holder{At: "m-" + h.By[0], What: s.holdClause(h)}
		}
	}
}

// holdClause says who holds a monitor: "it depends on Router, which fails".
func (s *Server) holdClause(h check.Hold) clause {
	c := clause{Before: "it depends on ", Name: h.By[0]}
	if v, found := s.o.Get(h.By[0]); found {
		c.Name = v.Monitor.Name
	}
	one := len(h.By) == 1
	switch {
	case !one && h.Failing:
		c.After = fmt.Sprintf(" and %d more, which fail", len(h.By)-1)
	case h.Failing:
		c.After = ", which fails"
	case !one:
		c.After = fmt.Sprintf(" and %d more, and waits for a fresh run", len(h.By)-1)
	default:
		c.After = ", and waits for a fresh run"
	}
	return c
}
