package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// notInDefaults returns the keys that are a monitor's own, with the reason.
func notInDefaults() map[string]string {
	const own = "every monitor has its own"
	return map[string]string{"id": own, "name": own, "depends_on": "a monitor would depend on itself"}
}

// dependent is a monitor with depends_on.
type dependent struct {
	monitor int // its index
	view    view
}

// depends checks who depends on whom once all monitors are known.
func (m *monitors) depends() {
	at := make(map[string]int, len(m.config.Monitors))
	for i := range m.config.Monitors {
		at[m.config.Monitors[i].ID] = i
	}
	edges := map[string][]edge{}
	for _, d := range m.dependents {
		mon := &m.config.Monitors[d.monitor]
		for i, id := range mon.DependsOn {
			path := "depends_on[" + strconv.Itoa(i) + "]"
			parent, known := at[id]
			switch {
			case slices.Contains(mon.DependsOn[:i], id):
				m.object(d.view, fmt.Sprintf("depends_on: %q stands here twice", id), path)
			case id == mon.ID:
				m.object(d.view, "depends_on: a monitor cannot depend on itself", path)
			case known:
				pos, _ := d.view.place(path)
				edges[mon.ID] = append(edges[mon.ID], edge{id, pos})
				m.checkParent(mon, &m.config.Monitors[parent], d.view, path)
			case !m.refusedIDs[id]: // else what is wrong was said of it
				m.object(d.view, "depends_on: "+unknownName("monitor with the id", id, slices.Collect(maps.Keys(at))), path)
			}
		}
	}
	m.circles(edges)
}

// checkParent warns of a parent that holds nothing, and of people whom nobody
// tells anything while it holds.
func (m *monitors) checkParent(mon, parent *Monitor, v view, path string) {
	if !parent.Enabled {
		m.objectAs(v, true, fmt.Sprintf("depends_on: %q is not enabled: it holds nothing", parent.ID), path)
		return
	}
	var missing []string
	for _, name := range mon.Notify {
		if !slices.Contains(parent.Notify, name) {
			missing = append(missing, strconv.Quote(name))
		}
	}
	if len(missing) > 0 && mon.Enabled {
		m.objectAs(v, true, fmt.Sprintf("depends_on: while %q fails nothing is sent of this monitor, and %s is not told of %q either: see its notify",
			parent.ID, strings.Join(missing, ", "), parent.ID), path)
	}
}

// edge is one dependency, and where it is written.
type edge struct {
	to string
	at Position
}

// circles reports each circle once, where its first dependency is written.
func (m *monitors) circles(edges map[string][]edge) {
	place := map[string]int{} // of whom is on the way, from 1 on; -1: done
	var way []edge            // each leads to where the next begins
	var follow func(from string)
	follow = func(from string) {
		place[from] = len(way)
		for _, e := range edges[from] {
			way = append(way, e)
			switch p := place[e.to]; {
			case p > 0:
				m.circle(way[p:])
			case p == 0:
				follow(e.to)
			}
			way = way[:len(way)-1]
		}
		place[from] = -1
	}
	for _, d := range m.dependents {
		if id := m.config.Monitors[d.monitor].ID; place[id] == 0 {
			way = []edge{{to: id}}
			follow(id)
		}
	}
}

// circle reports one: its edges lead from the last one's end back to there.
func (m *monitors) circle(es []edge) {
	names, places := []string{es[len(es)-1].to}, []string(nil)
	for i, e := range es {
		names = append(names, e.to)
		if i > 0 {
			places = append(places, e.at.String())
		}
	}
	m.judge(es[0].at, fmt.Sprintf("depends_on: monitors cannot depend on each other in a circle: %s (also written at %s)", strings.Join(names, " → "), strings.Join(places, ", ")))
}
