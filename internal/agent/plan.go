package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/exporters"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/incident"
	"github.com/watchword/watchword/internal/outbox"
	"github.com/watchword/watchword/internal/schedule"
	"github.com/watchword/watchword/notifiers"
	"github.com/watchword/watchword/probes"
)

// plan is everything that is built from one configuration. What did not change
// from one plan to the next is the same object in both.
type plan struct {
	cfg      *config.Config
	location string
	sources  map[string]*source
	channels map[string]*channel
	mirrored []exporters.KumaTarget
	monitors []*monitor // enabled ones, in the order of the files
	byID     map[string]*monitor
	modules  map[string]*module // of /probe
	twins    map[string]string  // see twinsOf
	gates    gates              // see gatesOf
	windows  []*window          // of maintenance, in the order of the files
}

type fingerprint = [32]byte

type source struct {
	*auth.Source
	print fingerprint
}

type channel struct {
	*notifiers.Channel
	opts  notifiers.Options
	print fingerprint
}

// prober is a check of any type.
type prober interface {
	Probe(ctx context.Context) check.Result
	Explain(ctx context.Context) check.Result // with Detail always set
}

type monitor struct {
	check  *check.Monitor
	cfg    config.Monitor
	probe  prober
	cron   schedule.Cron
	origin string
	print  fingerprint
}

// build makes a plan. It sends nothing. On an error what it made anew is closed.
func build(cfg *config.Config, old *plan, r *rooms, key []byte) (*plan, error) {
	rest := *cfg // the monitors live on in the plan; holding them twice would cost half as much again
	rest.Monitors = nil
	p := &plan{cfg: &rest, location: cfg.Agent.Location, sources: map[string]*source{}, channels: map[string]*channel{}, byID: map[string]*monitor{}, modules: map[string]*module{}}
	if old == nil {
		old = &plan{}
	}
	if err := p.build(cfg.Monitors, old, r, key); err != nil {
		p.closeBut(old)
		return nil, err
	}
	return p, nil
}

func (p *plan) build(monitors []config.Monitor, old *plan, r *rooms, key []byte) error {
	if err := p.buildSources(old, r, key); err != nil {
		return err
	}
	if err := p.buildChannels(old, r, key); err != nil {
		return err
	}
	var err error
	if p.windows, err = windowsOf(p.cfg.Maintenance, p.cfg.Timezone); err != nil {
		return err
	}
	if err := p.buildModules(old, r, key); err != nil {
		return err
	}
	p.twins = twinsOf(monitors)
	p.gates = p.gatesOf(monitors)
	for _, m := range monitors {
		if !m.Enabled {
			continue
		}
		built, err := p.buildMonitor(m, old, r, key)
		if err != nil {
			return fmt.Errorf("%s: monitor %q: %w", m.Pos, m.Name, err)
		}
		p.monitors = append(p.monitors, built)
		p.byID[m.ID] = built
	}
	return p.buildMirrors(r, key)
}

func (p *plan) buildSources(old *plan, r *rooms, key []byte) error {
	for name, o := range p.cfg.Credentials {
		print := config.Fingerprint(o, key)
		if was := old.sources[name]; was != nil && was.print == print {
			p.sources[name] = was
			continue
		}
		s, err := r.registry.New(name, o)
		if err != nil {
			return fmt.Errorf("%s: %w", p.cfg.Where["credentials."+name], err)
		}
		p.sources[name] = &source{s, print}
	}
	return nil
}

func (p *plan) buildChannels(old *plan, r *rooms, key []byte) error {
	c, err := r.channels()
	if err != nil {
		return err
	}
	for name, o := range p.cfg.Notifiers {
		print := config.Fingerprint([]any{o, p.cfg.Timezone.String()}, key)
		if was := old.channels[name]; was != nil && was.print == print {
			p.channels[name] = was
			continue
		}
		ch, err := notifiers.New(name, o, notifiers.Common{Client: c, UserAgent: r.userAgent, Zone: p.cfg.Timezone})
		if err != nil {
			return fmt.Errorf("%s: %w", p.cfg.Where["notifiers."+name], err)
		}
		p.channels[name] = &channel{ch, o, print}
	}
	return nil
}

func (p *plan) buildMonitor(m config.Monitor, old *plan, r *rooms, key []byte) (*monitor, error) {
	pos := m.Pos
	m.Pos = config.Position{} // where it stands in the file changes nothing about it
	print := config.Fingerprint(append(p.prints(m), m), key)
	m.Pos = pos
	if was := old.byID[m.ID]; was != nil && was.print == print {
		return was, nil
	}
	b := &monitor{check: m.Check(), cfg: m, print: print}
	if m.Cron != "" {
		var err error
		if b.cron, err = schedule.ParseCron(m.Cron, m.Zone); err != nil {
			return nil, err
		}
	}
	var err error
	if b.origin, err = probes.Origin(m.HTTP.URL); err != nil {
		return nil, err
	}
	b.probe, err = p.newProbe(b, r)
	b.cfg.HTTP, b.cfg.Authz, b.cfg.Guard = probes.HTTPOptions{}, probes.AuthzOptions{}, probes.GuardOptions{} // the probe has what it needs of them
	return b, err
}

// closeBut closes the sources that the other plan does not use.
func (p *plan) closeBut(other *plan) {
	for name, s := range p.sources {
		if o := other.sources[name]; o == nil || o.Source != s.Source {
			s.Close()
		}
	}
}

func (p *plan) jobs() []schedule.Job {
	js := make([]schedule.Job, 0, len(p.monitors))
	for _, m := range p.monitors {
		js = append(js, schedule.Job{
			ID: m.cfg.ID, Interval: m.cfg.Interval, RetryInterval: m.cfg.RetryInterval, Timeout: m.cfg.Timeout,
			Cron: m.cron, Origin: m.origin, Probe: m.probe.Probe, Key: m,
		})
	}
	return js
}

func (p *plan) checks() []*check.Monitor {
	cs := make([]*check.Monitor, 0, len(p.monitors))
	for _, m := range p.monitors {
		cs = append(cs, m.check)
	}
	return cs
}

func (p *plan) policies(now time.Time, holds map[string]check.State) []incident.Policy {
	ps := make([]incident.Policy, 0, len(p.monitors))
	for _, m := range p.monitors {
		ps = append(ps, incident.Policy{
			Monitor: m.check, Interval: m.every(now), RetryInterval: m.cfg.RetryInterval, Retries: m.cfg.Retries,
			Recoveries: m.cfg.Recoveries, RemindEvery: m.cfg.RemindEvery, Notify: m.cfg.Notify,
			DependsOn: m.cfg.DependsOn, Timeout: m.cfg.Timeout, Suspended: holds[m.cfg.ID],
		})
	}
	return ps
}

// every returns the interval; of a cron monitor the gap between its next two runs.
func (m *monitor) every(now time.Time) time.Duration {
	if m.cron == nil {
		return m.cfg.Interval
	}
	next := m.cron.Next(now)
	return m.cron.Next(next).Sub(next)
}

func (p *plan) incidentChannels() []incident.Channel {
	var cs []incident.Channel
	for name, c := range p.channels {
		cs = append(cs, incident.Channel{Name: name, Keyed: c.Keyed(), Wants: c.opts.Wants})
	}
	return cs
}

func (p *plan) outboxChannels() map[string]outbox.Channel {
	cs := make(map[string]outbox.Channel, len(p.channels))
	for name, c := range p.channels {
		cs[name] = outbox.Channel{Deliver: c.Deliver, Timeout: c.opts.Timeout, Key: c.print}
	}
	return cs
}
