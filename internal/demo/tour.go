package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
)

const (
	patience = 40 * time.Second // for a step to be seen, told, and over
	again    = 100 * time.Millisecond
	pace     = 5 * time.Second
	quietly  = 4 * time.Second // more than group_wait of the demo's configuration
)

// stops are the switches that the tour shows, in its order: along the way of a
// request, what heals by itself last.
func stops() []string {
	return []string{
		"provider-down", "provider-slow", "secret-rotated", "scope-withdrawn", "audience-wrong", "tokens-revoked", "rate-limited",
		"gateway-down", "gateway-open", "policy-deny", "second-factor", "app-500", "keyword-gone", "app-slow",
		"certificate-expiring", "certificate-expired", "network-lost", "revoke-once",
	}
}

// tour breaks one thing after the other and shows what is said of it. The error
// names what was not said as expected.
func (d *demo) tour(ctx context.Context) error {
	rest := d.o.Pace
	if rest == 0 {
		rest = pace
	}
	if !wait(ctx, d.patience(), d.model.well) {
		return errors.Join(ctx.Err(), fmt.Errorf("the monitors were not all up within %s of the start", d.patience()))
	}
	names := d.o.stops
	if names == nil {
		names = stops()
	}
	var wrong []error
	for i, name := range names {
		err := d.stop(ctx, fmt.Sprintf("%d of %d", i+1, len(names)), d.world.SwitchOf(name), rest)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			d.model.note("tour", err.Error())
			wrong = append(wrong, err)
		}
	}
	if wrong == nil {
		d.model.note("tour", fmt.Sprintf("The end of %d stops: each failure was told as what it is. Break something yourself: %s", len(names), d.model.control))
	}
	return errors.Join(wrong...)
}

// stop shows one failure: broken, seen, told, mended, over.
func (d *demo) stop(ctx context.Context, which string, s lab.SwitchState, rest time.Duration) error {
	d.model.note("tour", fmt.Sprintf("%s: %s", which, s.Title), s.Help+"; expected: "+s.Expect)
	d.model.forget()
	if s.Once {
		return d.quiet(ctx, s, rest)
	}
	if err := d.world.Switch(s.Name, true); err != nil {
		return fmt.Errorf("%s: %w", s.Title, err)
	}
	var wrong error
	if !wait(ctx, d.patience(), func() bool { return d.model.saw(s.Expect) }) {
		wrong = fmt.Errorf("%s: %s was not told within %s", s.Title, s.Expect, d.patience())
	}
	if d.o.shown != nil {
		d.o.shown(d, s)
	}
	wait(ctx, rest, never)
	if err := d.world.Switch(s.Name, false); err != nil {
		return errors.Join(wrong, fmt.Errorf("%s: %w", s.Title, err))
	}
	if !wait(ctx, d.patience(), d.model.well) {
		wrong = errors.Join(wrong, fmt.Errorf("%s: not all monitors were up again %s after it was mended", s.Title, d.patience()))
	}
	wait(ctx, max(rest/2, quietly), never) // the Up goes out
	return wrong
}

// quiet shows that nobody is told of what heals within a run.
func (d *demo) quiet(ctx context.Context, s lab.SwitchState, rest time.Duration) error {
	before := d.world.Provider.TokenRequests()
	if err := d.world.Switch(s.Name, true); err != nil {
		return fmt.Errorf("%s: %w", s.Title, err)
	}
	wait(ctx, max(rest, d.round()), never)
	if told := d.model.toldSince(); told > 0 {
		return fmt.Errorf("%s: %d messages were sent, and none was due", s.Title, told)
	}
	if d.model.failed() {
		return fmt.Errorf("%s: a run failed, and none had to", s.Title)
	}
	d.model.note("tour", fmt.Sprintf("No run failed for it. The gate refused the old tokens, and %d requests brought new ones for all monitors.", d.world.Provider.TokenRequests()-before))
	return nil
}

// round is a time in which every monitor runs.
func (d *demo) round() time.Duration {
	if d.o.calm {
		return 8 * time.Second
	}
	return 5 * time.Second
}

func (d *demo) patience() time.Duration {
	if d.o.calm {
		return 3 * patience
	}
	return patience
}

func never() bool { return false }

// wait looks again and again until it holds; false: the time is over.
func wait(ctx context.Context, limit time.Duration, holds func() bool) bool {
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end.C:
			return holds()
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// forget begins a new page of what was seen and told.
func (m *model) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.verdicts)
	m.messages = m.messages[:0]
}

// saw says whether the verdict was found, or the kind of message sent, and
// people were told.
func (m *model) saw(expect string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if strings.HasPrefix(expect, "[") {
		return slices.ContainsFunc(m.messages, func(title string) bool { return strings.HasPrefix(title, expect) })
	}
	found := m.verdicts[expect]
	for _, r := range m.open {
		found = found || string(r.Fault.Class)+"/"+string(r.Fault.Reason) == expect
	}
	return found && slices.ContainsFunc(m.messages, func(title string) bool { return !strings.HasPrefix(title, "[Up]") })
}

func (m *model) toldSince() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.messages)
}

// failed says whether a run failed for its token since forget.
func (m *model) failed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for verdict := range m.verdicts {
		class, _, _ := strings.Cut(verdict, "/")
		if slices.Contains([]check.Class{check.IDP, check.Credential, check.Gateway, check.Policy}, check.Class(class)) {
			return true
		}
	}
	return false
}
