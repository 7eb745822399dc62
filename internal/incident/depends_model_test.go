package incident_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

// Whatever went before, restarts and reloads included, and whether those that
// are to be run at once are or not: who keeps failing is told if none of its
// parents fails, and else is not; when its last parent recovers, it is told.
func TestNoDownIsLostBehindAParent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.channels = append(w.channels, incident.Channel{Name: "hook", Keyed: true})
		n := rapid.IntRange(2, 7).Draw(rt, "monitors")
		for i := range n {
			w.monitor(fmt.Sprintf("m%d", i), func(p *incident.Policy) {
				p.Retries, p.Recoveries = rapid.IntRange(0, 2).Draw(rt, "retries"), rapid.IntRange(1, 2).Draw(rt, "recoveries")
				p.Notify = [][]string{{"ops"}, {"hook"}, {"ops", "hook"}}[rapid.IntRange(0, 2).Draw(rt, "notify")]
				p.DependsOn = parents(rt, i)
			})
		}
		w.configure()
		g := &game{rt, w, newLedger(rt, w), map[string]bool{}}
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			step(rt, w, n)
			g.debts.read()
		}
		w.holds = map[string]check.State{}
		w.configure()
		w.asked = nil
		g.rounds(4)
		for _, p := range w.policies {
			if rapid.Bool().Draw(rt, "fails") {
				g.broken[p.Monitor.ID] = true
			}
		}
		for {
			g.rounds(7)
			g.check()
			if len(g.broken) == 0 {
				break
			}
			g.mend()
		}
		w.wait(time.Hour)
		g.debts.read()
		g.debts.settled()
	})
}

// game is a world of which some monitors are broken.
type game struct {
	rt     *rapid.T
	w      *world
	debts  *debts
	broken map[string]bool
}

func (g *game) run(id string) {
	if g.w.index(id) < 0 {
		g.rt.Fatalf("%s is to be run, and is not there", id)
	}
	if g.broken[id] {
		g.w.fail(status(), id)
	} else {
		g.w.ok(id)
	}
}

// rounds has every monitor run once a minute, in any order.
func (g *game) rounds(n int) {
	prompt := rapid.Bool().Draw(g.rt, "run at once")
	for range n {
		var ids []string
		for _, p := range g.w.policies {
			ids = append(ids, p.Monitor.ID)
		}
		for _, id := range rapid.Permutation(ids).Draw(g.rt, "order") {
			g.run(id)
			g.w.wait(time.Minute / time.Duration(len(ids)))
			for asked := g.w.asked; prompt && len(asked) > 0; asked = g.w.asked {
				g.w.asked = nil
				for _, id := range asked {
					g.run(id)
				}
			}
			g.w.asked = nil
			g.debts.read()
		}
		if rapid.IntRange(0, 5).Draw(g.rt, "restart") == 0 {
			g.w.restart()
		}
	}
}

// check says whether exactly those were told who fail with no parent that does.
func (g *game) check() {
	held := g.w.tracker.Held()
	for _, p := range g.w.policies {
		id := p.Monitor.ID
		behind := slices.ContainsFunc(p.DependsOn, func(parent string) bool { return g.broken[parent] })
		s, _ := g.w.tracker.State(id)
		if want := g.broken[id]; want != (s.State == check.Down) {
			g.rt.Fatalf("%s is %s; broken: %v", id, s.State, want)
		}
		if _, is := held[id]; is != (g.broken[id] && behind && s.Incident == "") {
			g.rt.Fatalf("%s: held %v, broken %v, behind one that is %v", id, is, g.broken[id], behind)
		}
		for _, name := range p.Notify {
			last := g.debts.last[name+" "+id]
			told := last == check.KindDown || last == check.KindReminder
			if told != (g.broken[id] && s.Incident != "") || g.broken[id] && !behind && !told {
				g.rt.Fatalf("%s: the last word to %s is %q; broken %v, behind one that is %v", id, name, last, g.broken[id], behind)
			}
		}
	}
}

// mend repairs one of those that are broken and have no broken parent, or any.
func (g *game) mend() {
	var ids []string
	for _, p := range g.w.policies {
		if g.broken[p.Monitor.ID] {
			ids = append(ids, p.Monitor.ID)
		}
	}
	which := rapid.SampledFrom(ids).Draw(g.rt, "mended")
	if rapid.Bool().Draw(g.rt, "from the top") {
		which = ids[0]
	}
	delete(g.broken, which)
}
