package agent

import (
	"encoding/json"
	"slices"

	"github.com/watchword/watchword/internal/check"
)

// The kinds of orders that are stored.
const (
	orderPause      = "pause"
	orderPauseGroup = "pause-group"
	orderWindow     = "maintenance"
	orderEnded      = "maintenance-ended"
)

// pauses say who is paused. An entry of a monitor counts before those of its
// groups, and that of an inner group before that of an outer one: false says that
// it runs although a group of it is paused.
type pauses struct {
	monitors, groups map[string]bool
}

func newPauses() pauses { return pauses{map[string]bool{}, map[string]bool{}} }

func (p *pauses) paused(m *check.Monitor) bool {
	if is, found := p.monitors[m.ID]; found {
		return is
	}
	return p.byGroup(m.Groups())
}

// byGroup says whether a monitor is paused with one of its groups, the outermost
// of which is the first.
func (p *pauses) byGroup(groups []string) bool {
	for _, g := range slices.Backward(groups) {
		if is, found := p.groups[g]; found {
			return is
		}
	}
	return false
}

// set pauses or resumes a monitor, and returns what is to be stored.
func (p *pauses) set(m *check.Monitor, paused bool) []check.Order {
	if !paused && !p.byGroup(m.Groups()) {
		delete(p.monitors, m.ID)
		return []check.Order{{Kind: orderPause, Name: m.ID}}
	}
	p.monitors[m.ID] = paused
	return []check.Order{pauseOrder(orderPause, m.ID, paused)}
}

// setGroup pauses or resumes a group with all that is in it; who was paused by
// itself stays so.
func (p *pauses) setGroup(name string, members []*check.Monitor, paused bool) []check.Order {
	orders := p.clean(name, members)
	p.groups[name] = true
	if !paused {
		delete(p.groups, name)
		if len(members) == 0 || !p.byGroup(members[0].Groups()) { // else one around it is paused
			return append(orders, check.Order{Kind: orderPauseGroup, Name: name})
		}
		p.groups[name] = false
	}
	return append(orders, pauseOrder(orderPauseGroup, name, paused))
}

// clean takes back what was said of the monitors and groups within a group, but
// for monitors that were paused by themselves.
func (p *pauses) clean(name string, members []*check.Monitor) []check.Order {
	var orders []check.Order
	for _, m := range members {
		if is, found := p.monitors[m.ID]; found && !is {
			delete(p.monitors, m.ID)
			orders = append(orders, check.Order{Kind: orderPause, Name: m.ID})
		}
		for _, g := range m.Groups() {
			if _, found := p.groups[g]; found && (&check.Monitor{Group: g}).InGroup(name) && g != name {
				delete(p.groups, g)
				orders = append(orders, check.Order{Kind: orderPauseGroup, Name: g})
			}
		}
	}
	return orders
}

// forget takes back what is said of monitors and groups that there are no more.
func (p *pauses) forget(all []*check.Monitor) []check.Order {
	ids, groups := map[string]bool{}, map[string]bool{}
	for _, m := range all {
		ids[m.ID] = true
		for _, g := range m.Groups() {
			groups[g] = true
		}
	}
	var orders []check.Order
	for id := range p.monitors {
		if !ids[id] {
			delete(p.monitors, id)
			orders = append(orders, check.Order{Kind: orderPause, Name: id})
		}
	}
	for g := range p.groups {
		if !groups[g] {
			delete(p.groups, g)
			orders = append(orders, check.Order{Kind: orderPauseGroup, Name: g})
		}
	}
	return orders
}

// pauseBody is how an entry is stored.
type pauseBody struct {
	Paused bool `json:"paused"`
}

func pauseOrder(kind, name string, paused bool) check.Order {
	return order(kind, name, pauseBody{paused})
}

// order returns an order of which the body always marshals: it is plain data.
func order(kind, name string, body any) check.Order {
	b, _ := json.Marshal(body)
	return check.Order{Kind: kind, Name: name, Body: b}
}
