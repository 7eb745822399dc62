package agent

import (
	"log/slog"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
	"github.com/watchword/watchword/internal/store"
)

// A result that ends a shared cause changes how others stand who fail for
// reasons of their own: the board shows that at once, as the disk has it.
func TestBoardFollowsTheTracker(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{opts: Options{Observer: nobody{}}, log: slog.New(slog.DiscardHandler), board: board.New(time.Now), store: s, woken: make(chan struct{}, 1)}
	a.metrics, a.pipe = a.newMetrics(), newPipe(s, nil, a.log)
	a.plan.Store(&plan{})
	var ms []*check.Monitor
	var ps []incident.Policy
	for _, id := range []string{"a", "b", "c"} {
		m := &check.Monitor{ID: id, Type: "http"}
		ms, ps = append(ms, m), append(ps, incident.Policy{Monitor: m, Interval: time.Minute, Retries: 1, Recoveries: 1})
	}
	a.board.Set(ms)
	o := incident.Options{NewID: a.ids.incident, DeliveryID: a.ids.delivery}
	a.tracker = incident.New(o)
	now := time.Now()
	a.tracker.Configure(o, ps, nil, now)
	run := func(m *check.Monitor, f *check.Fault) {
		now = now.Add(time.Second)
		a.observe(check.Result{Monitor: m, Start: now, Fault: f})
	}
	shared := &check.Fault{Class: check.IDP, Reason: check.TokenTimeout, Cause: check.Cause{Kind: check.CauseProvider, Key: "https://auth.example.com"}}
	own := &check.Fault{Class: check.Target, Reason: check.Status}
	for range 2 {
		for _, m := range ms {
			run(m, shared)
		}
	}
	run(ms[1], own)
	run(ms[2], own)
	run(ms[0], nil) // the provider is well again
	for _, m := range ms {
		want, _ := a.tracker.State(m.ID)
		if v, _ := a.board.Get(m.ID); v.State != want.State || !v.Since.Equal(want.Since) {
			t.Errorf("%s is %s since %s on the board, and %s since %s", m.ID, v.State, v.Since, want.State, want.Since)
		}
	}
	if s, _ := a.tracker.State("b"); s.State != check.Pending {
		t.Errorf("b is %s: nothing was tested", s.State)
	}
}
