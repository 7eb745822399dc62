package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/notifiers"
)

// UnknownError says that the configuration has nothing of that name.
type UnknownError struct {
	What, Name string
	Known      []string
}

func (e *UnknownError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("there is no %s %q: the configuration has none", e.What, e.Name)
	}
	known := e.Known
	if len(known) > 20 {
		known = append(slices.Clone(known[:20]), "…")
	}
	return fmt.Sprintf("there is no %s %q; there are: %s", e.What, e.Name, strings.Join(known, ", "))
}

// Once is a configuration of which single things are done by hand: no
// schedule, no database, no server.
type Once struct {
	rooms *rooms
	plan  *plan
}

// NewOnce builds a configuration for single use. Close it.
func NewOnce(cfg *config.Config, o Options) (*Once, error) {
	r := newRooms(o, nil)
	p, err := build(cfg, nil, r, newKey())
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return &Once{r, p}, nil
}

// Close ends what is in flight.
func (o *Once) Close() error {
	o.plan.closeBut(&plan{})
	return o.rooms.close()
}

// atOnce is how many monitors are probed side by side.
const atOnce = 16

// Probe runs the monitors with the given names or ids (none: all) once and
// calls each with their results, in the order of the configuration.
func (o *Once) Probe(ctx context.Context, names []string, each func(check.Result)) error {
	ms, err := o.pick(names)
	if err != nil {
		return err
	}
	results := make([]chan check.Result, len(ms))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, m := range ms {
		results[i] = make(chan check.Result, 1)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			run, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
			defer cancel()
			results[i] <- m.probe.Explain(run)
		})
	}
	for _, r := range results {
		each(<-r)
	}
	return ctx.Err()
}

func (o *Once) pick(names []string) ([]*monitor, error) {
	if len(names) == 0 {
		return o.plan.monitors, nil
	}
	var ms []*monitor
	for _, name := range names {
		i := slices.IndexFunc(o.plan.monitors, func(m *monitor) bool { return m.cfg.ID == name || m.cfg.Name == name })
		if i < 0 {
			return nil, &UnknownError{"enabled monitor", name, o.ids()}
		}
		if !slices.Contains(ms, o.plan.monitors[i]) {
			ms = append(ms, o.plan.monitors[i])
		}
	}
	return ms, nil
}

func (o *Once) ids() []string {
	var ids []string
	for _, m := range o.plan.monitors {
		ids = append(ids, m.cfg.ID)
	}
	return ids
}

// View returns a result as the live table would show it.
func View(r check.Result) board.View {
	b := board.New(time.Now)
	b.Set([]*check.Monitor{r.Monitor})
	s := check.MonitorState{ID: r.Monitor.ID, Type: r.Monitor.Type, State: check.Up, Since: r.Start, Fault: r.Fault.Text()}
	switch {
	case r.Fault == nil:
	case r.Fault.Class == check.ExposedTo:
		s.State = check.Exposed
	default:
		s.State = check.Down
	}
	b.Record(r, s)
	v, _ := b.Get(r.Monitor.ID)
	return v
}

// Token fetches a token of the named credential and explains it.
func (o *Once) Token(ctx context.Context, name string) (auth.Explanation, error) {
	s := o.plan.sources[name]
	if s == nil {
		return auth.Explanation{}, &UnknownError{"credential", name, sorted(o.plan.sources)}
	}
	return s.Explain(ctx)
}

// Notify sends a sample message of the kind through the named notifier and
// returns it with what the service answered.
func (o *Once) Notify(ctx context.Context, name string, k check.Kind) (check.Delivery, check.Receipt, error) {
	c := o.plan.channels[name]
	if c == nil {
		return check.Delivery{}, check.Receipt{}, &UnknownError{"notifier", name, sorted(o.plan.channels)}
	}
	d := notifiers.Sample(k)
	d.Notifier = name
	receipt, err := c.Deliver(ctx, d)
	return d, receipt, err
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
