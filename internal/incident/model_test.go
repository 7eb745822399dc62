package incident_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

// Whatever happens in whatever order, restarts included: each notifier is told
// Down before Up, an Up answers every Down exactly once, and in the end nothing
// is owed.
func TestEveryDownIsAnsweredOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.channels = append(w.channels, incident.Channel{Name: "hook", Keyed: true})
		n := rapid.IntRange(1, 6).Draw(rt, "monitors")
		for i := range n {
			w.monitor(fmt.Sprintf("m%d", i), func(p *incident.Policy) {
				p.Retries, p.Recoveries = rapid.IntRange(0, 2).Draw(rt, "retries"), rapid.IntRange(1, 2).Draw(rt, "recoveries")
				p.Notify = [][]string{{"ops"}, {"hook"}, {"ops", "hook"}}[rapid.IntRange(0, 2).Draw(rt, "notify")]
			})
		}
		w.configure()
		ledger := newLedger(rt, w)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			step(rt, w, n)
			ledger.read()
		}
		for range 4 { // all is well again
			for i := range n {
				w.ok(fmt.Sprintf("m%d", i))
			}
			w.wait(time.Minute)
		}
		w.wait(time.Hour)
		ledger.read()
		ledger.settled()
	})
}

func step(rt *rapid.T, w *world, n int) {
	id := fmt.Sprintf("m%d", rapid.IntRange(0, n-1).Draw(rt, "which"))
	switch rapid.IntRange(0, 8).Draw(rt, "what") {
	case 0, 1:
		w.ok(id)
	case 2, 3:
		w.fail(provider(), id)
	case 4:
		w.fail(status(), id)
	case 5:
		addr := "192.0.2." + id[1:] + ":443"
		w.result(id, unreachable(addr), addr)
	case 6:
		w.restart()
	default:
		w.wait(time.Duration(rapid.IntRange(1, 200).Draw(rt, "seconds")) * time.Second)
	}
}

// debts is what each notifier believes.
type debts struct {
	rt   *rapid.T
	w    *world
	down map[string]map[string]bool // notifier+incident → members told down
}

func newLedger(rt *rapid.T, w *world) *debts {
	return &debts{rt, w, map[string]map[string]bool{}}
}

func (d *debts) read() {
	for _, del := range d.w.sent {
		for _, e := range del.Events {
			key := del.Notifier + " " + e.Incident
			switch e.Kind {
			case check.KindDown:
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

func (d *debts) settled() {
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
