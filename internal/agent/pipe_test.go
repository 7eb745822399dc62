package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/watchword/watchword/internal/check"
)

// desk is a disk that holds up each commit until it is told to go on, and an
// outbox.
type desk struct {
	mu      sync.Mutex
	begun   chan struct{}
	goOn    chan struct{}
	err     error
	changes []check.Change
	sent    []int64
}

func (d *desk) Commit(_ context.Context, c check.Change) error {
	d.begun <- struct{}{}
	<-d.goOn
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes = append(d.changes, c)
	return d.err
}

func (d *desk) Enqueue(ds ...check.Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, x := range ds {
		d.sent = append(d.sent, x.ID)
	}
}

func newDesk() *desk { return &desk{begun: make(chan struct{}), goOn: make(chan struct{})} }

// pass lets one commit through.
func (d *desk) pass() { <-d.begun; d.goOn <- struct{}{} }

// What comes while the disk is busy is one commit of the newest there is:
// however often an incident changes, one record of it waits.
func TestPipeKeepsTheNewest(t *testing.T) {
	d := newDesk()
	p := newPipe(d, d, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { p.run(ctx) })
	p.push(check.Change{Removed: []string{"first"}})
	<-d.begun
	for n := range 5 {
		p.push(check.Change{
			States:     []check.MonitorState{{ID: "a", Fails: n}, {ID: "gone", Fails: n}},
			Incidents:  []check.IncidentRecord{{ID: "i", Members: make([]check.Member, n)}},
			Deliveries: []check.Delivery{{ID: int64(n)}},
		})
	}
	p.push(check.Change{Removed: []string{"gone", "turned"}, States: []check.MonitorState{{ID: "turned", Type: "new"}}})
	d.goOn <- struct{}{}
	stop()
	d.pass()
	run.Wait()
	if len(d.changes) != 2 {
		t.Fatalf("%d commits, want 2", len(d.changes))
	}
	c := d.changes[1]
	slices.SortFunc(c.States, func(a, b check.MonitorState) int { return len(a.ID) - len(b.ID) })
	if got, want := fmt.Sprint(c.Removed, len(c.States), c.States[0].Fails, " ", c.States[1].Type), "[gone] 2 4 new"; got != want {
		t.Errorf("committed %s, want %s", got, want)
	}
	if len(c.Incidents) != 1 || len(c.Incidents[0].Members) != 4 {
		t.Errorf("committed incidents %v, want the newest record", c.Incidents)
	}
	if !slices.Equal(d.sent, []int64{0, 1, 2, 3, 4}) {
		t.Errorf("sent %v, want all in order", d.sent)
	}
}

// What cannot be written is sent all the same, the last of it after the end.
func TestPipeSendsWhatCannotBeWritten(t *testing.T) {
	d := newDesk()
	d.err = errors.New("the disk is full")
	p := newPipe(d, d, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	p.push(check.Change{Deliveries: []check.Delivery{{ID: 1}}})
	stop()
	run.Go(func() { p.run(ctx) })
	d.pass()
	run.Wait()
	if !slices.Equal(d.sent, []int64{1}) {
		t.Errorf("sent %v, want what was pushed before the end", d.sent)
	}
}
