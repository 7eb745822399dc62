package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

// Whatever happens in whatever order, restarts included: each notifier is told
// Down before Up, an Up answers every Down exactly once, and in the end nothing
// is owed. Of a monitor in maintenance nobody is told Down or reminded, of a
// paused one nothing but what is owed; and who fails after all that is told.
func TestEveryDownIsAnsweredOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.channels = append(w.channels, incident.Channel{Name: "hook", Keyed: true})
		n := rapid.IntRange(1, 6).Draw(rt, "monitors")
		for i := range n {
			w.monitor(fmt.Sprintf("m%d", i), func(p *incident.Policy) {
				p.Retries, p.Recoveries = rapid.IntRange(0, 2).Draw(rt, "retries"), rapid.IntRange(1, 2).Draw(rt, "recoveries")
				p.Notify = [][]string{{"ops"}, {"hook"}, {"ops", "hook"}}[rapid.IntRange(0, 2).Draw(rt, "notify")]
				p.RemindEvery = time.Duration(rapid.IntRange(0, 1).Draw(rt, "remind")) * 90 * time.Second
				p.DependsOn = parents(rt, i)
			})
		}
		w.configure()
		ledger := newLedger(rt, w)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			step(rt, w, n)
			ledger.read()
		}
		w.holds = map[string]check.State{}
		w.configure()
		if rapid.Bool().Draw(rt, "fail in the end") {
			w.repeat(6, func(id string) { w.fail(status(), id) })
			ledger.read()
			ledger.allTold()
		}
		w.repeat(4, func(id string) { w.ok(id) }) // all is well again
		ledger.read()
		ledger.settled()
	})
}

// repeat has all monitors run several times.
func (w *world) repeat(times int, run func(id string)) {
	for range times {
		for _, p := range w.policies {
			run(p.Monitor.ID)
		}
		w.wait(time.Minute)
	}
	w.wait(time.Hour)
}

func step(rt *rapid.T, w *world, n int) {
	id := fmt.Sprintf("m%d", rapid.IntRange(0, n-1).Draw(rt, "which"))
	addr := "192.0.2." + id[1:] + ":443"
	what := rapid.IntRange(0, 17).Draw(rt, "what")
	if i := w.index(id); i < 0 && what < 10 { // it was removed, and is watched again
		w.monitor(id, nil)
		w.configure()
	}
	switch what {
	case 0:
		w.ok(id)
	case 1:
		w.result(id, nil, addr)
	case 2, 3:
		w.fail(provider(), id)
	case 4:
		w.fail(status(), id)
	case 5, 6:
		w.result(id, unreachable(addr), addr)
	case 7:
		w.restart()
	case 8:
		w.others[id] = true
		w.change(id, func(p *incident.Policy) {
			p.Retries = rapid.IntRange(0, 2).Draw(rt, "retries")
			p.DependsOn = parents(rt, int(id[1]-'0'))
			p.Notify = [][]string{{"ops"}, {"hook"}, {"ops", "hook"}, nil}[rapid.IntRange(0, 3).Draw(rt, "notify")]
			if rapid.Bool().Draw(rt, "type") {
				p.Monitor = &check.Monitor{ID: id, Name: "new " + id, Type: p.Monitor.Type + "x"}
			}
		})
	case 9:
		w.fail(exposed(), id)
	case 10:
		if i := w.index(id); i >= 0 {
			w.policies = slices.Delete(w.policies, i, i+1)
			w.configure()
		}
	case 11:
		w.hold(check.Maintenance, id)
	case 12:
		w.hold(check.Paused, id)
	case 13:
		w.hold("", id)
	case 14:
		if w.index(id) >= 0 {
			w.began(id, time.Duration(rapid.IntRange(1, 60).Draw(rt, "ago"))*time.Second, status())
		}
	default:
		w.wait(time.Duration(rapid.IntRange(0, 200).Draw(rt, "seconds")) * time.Second)
	}
}

// parents draws some of those with smaller numbers than i, so that there
// are no circles.
func parents(rt *rapid.T, i int) []string {
	var ids []string
	for j := range i {
		if rapid.IntRange(0, 2).Draw(rt, "parent") == 0 {
			ids = append(ids, fmt.Sprintf("m%d", j))
		}
	}
	return ids
}

func (w *world) index(id string) int {
	return slices.IndexFunc(w.policies, func(p incident.Policy) bool { return p.Monitor.ID == id })
}

func (w *world) change(id string, f func(*incident.Policy)) {
	f(&w.policies[w.index(id)])
	w.configure()
}

// debts is what each notifier believes.
type debts struct {
	rt   *rapid.T
	w    *world
	down map[string]map[string]bool // notifier+incident → members told down
	last map[string]check.Kind      // notifier+member → what was said last of it
}

func newLedger(rt *rapid.T, w *world) *debts {
	return &debts{rt, w, map[string]map[string]bool{}, map[string]check.Kind{}}
}

func (d *debts) read() {
	for _, del := range d.w.sent {
		for _, e := range del.Events {
			key := del.Notifier + " " + e.Incident
			for _, m := range e.Members {
				d.last[del.Notifier+" "+m.ID] = e.Kind
			}
			d.still(&e)
			switch e.Kind {
			case check.KindDown, check.KindExposed:
				if d.down[key] == nil {
					d.down[key] = map[string]bool{}
				}
				if len(e.Members) == 0 {
					d.rt.Fatalf("a Down without members: %+v", e)
				}
				for _, m := range e.Members {
					if d.down[key][m.ID] {
						d.rt.Fatalf("%s: %s was told down twice", key, m.ID)
					}
					d.down[key][m.ID] = true
				}
			case check.KindReminder:
				for _, m := range e.Members {
					if s, known := d.w.tracker.State(m.ID); d.down[key] == nil || !known && s.State == check.Up {
						d.rt.Fatalf("%s: a reminder of %s", key, m.ID)
					}
				}
			case check.KindUp, check.KindClosed:
				if d.down[key] == nil {
					d.rt.Fatalf("%s: an Up without a Down", key)
				}
				answered := map[string]bool{}
				for _, m := range e.Members {
					answered[m.ID] = true
				}
				for id := range d.down[key] {
					if !answered[id] {
						d.rt.Fatalf("%s: the Up does not answer %s", key, id)
					}
				}
				delete(d.down, key)
			}
		}
	}
	d.w.sent = nil
}

// still holds an event to who may be told of.
func (d *debts) still(e *check.Event) {
	if e.Kind != check.KindDown && e.Kind != check.KindReminder || e.Fault.Class == check.ExposedTo {
		return
	}
	for _, m := range e.Members {
		if h := d.w.holds[m.ID]; h != "" && d.w.index(m.ID) >= 0 {
			d.rt.Fatalf("%s %+v, which is in %s", e.Kind, m, h)
		}
	}
}

// allTold says that every notifier was told of every monitor that it is down, and
// nothing since that takes it back. Other notifiers than at the beginning hear of
// the next incident only, and those behind a parent wait for it.
func (d *debts) allTold() {
	for _, p := range d.w.policies {
		if d.w.others[p.Monitor.ID] || len(p.DependsOn) > 0 {
			continue
		}
		for _, name := range p.Notify {
			told := false
			for key, down := range d.down {
				told = told || strings.HasPrefix(key, name+" ") && down[p.Monitor.ID]
			}
			if !told {
				d.rt.Fatalf("%s fails, and %s believes that it does not", p.Monitor.ID, name)
			}
		}
	}
}

func (d *debts) settled() {
	for key, kind := range d.last {
		if kind == check.KindDown || kind == check.KindExposed || kind == check.KindReminder {
			d.rt.Errorf("%s: the last word is %s", key, kind)
		}
	}
	if len(d.down) > 0 {
		d.rt.Fatalf("never answered: %v", d.down)
	}
	if open := d.w.tracker.Open(); len(open) > 0 {
		d.rt.Fatalf("still open: %+v", open)
	}
	for _, r := range d.w.records {
		if r.Closed.IsZero() {
			d.rt.Fatalf("recorded as open: %+v", r)
		}
	}
}
