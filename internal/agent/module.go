package agent

import (
	"container/list"
	"fmt"
	"net/url"
	"sync"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// mostTargets is how many targets of one module are remembered. One that is
// forgotten is built anew when it is asked for.
const mostTargets = 2048

// module is one entry under `modules`, ready to probe any target that it allows.
type module struct {
	name    string
	cfg     config.Module
	source  *source         // nil: no credential
	targets *probes.Targets // nil: every target
	common  probes.Common
	known   *remembered
	print   fingerprint
}

func (p *plan) buildModules(old *plan, r *rooms, key []byte) error {
	for name, c := range p.cfg.Modules {
		print := config.Fingerprint(append([]any{name, c}, p.prints(config.Monitor{Credential: c.Credential})...), key)
		if was := old.modules[name]; was != nil && was.print == print {
			p.modules[name] = was
			continue
		}
		m, err := p.newModule(name, c, r)
		if err != nil {
			return fmt.Errorf("%s: module %q: %w", c.Pos, name, err)
		}
		m.print = print
		p.modules[name] = m
	}
	return nil
}

func (p *plan) newModule(name string, c config.Module, r *rooms) (*module, error) {
	m := &module{name: name, cfg: c, source: p.sources[c.Credential], known: newRemembered(mostTargets)}
	if len(c.AllowedTargets) > 0 {
		t, wrong := probes.NewTargets(c.AllowedTargets)
		if len(wrong) > 0 {
			return nil, fmt.Errorf("%s: %s", wrong[0].Path, wrong[0].Message)
		}
		m.targets = t
	}
	var err error
	if m.common, err = r.common(c.HTTP.Transport(), c.HTTP.ForeignTransport()); err != nil {
		return nil, err
	}
	if m.targets != nil {
		m.common.Leads = m.targets.AllowOrigin
	}
	_, err = m.build(&url.URL{Scheme: "https", Host: "module.invalid", Path: "/"})
	return m, err
}

// build makes the probe of a target.
func (m *module) build(target *url.URL) (*probes.HTTP, error) {
	o := m.cfg.HTTP
	o.URL = target.String()
	origin, err := probes.Origin(o.URL)
	if err != nil {
		return nil, err
	}
	shown := secret.URL(o.URL)
	mon := &check.Monitor{ID: m.name, Name: shown, Type: probes.TypeHTTP, URL: shown, Credential: m.cfg.Credential}
	return probes.NewHTTP(mon, o, wayIn(m.source, origin), m.common)
}

// lend returns the probe of a target for one run, and what is to be done after
// it. A probe runs once at a time: of two scrapes at once the second gets one of
// its own.
func (m *module) lend(target *url.URL) (p *probes.HTTP, after func(), err error) {
	key := target.String()
	if p = m.known.take(key); p == nil {
		if p, err = m.build(target); err != nil {
			return nil, nil, err
		}
	}
	return p, func() { m.known.put(key, p) }, nil
}

// remembered keeps the probes that were used last.
type remembered struct {
	most  int
	mu    sync.Mutex
	order *list.List // of entries, the last used first
	at    map[string]*list.Element
}

type entry struct {
	key   string
	probe *probes.HTTP
}

func newRemembered(most int) *remembered {
	return &remembered{most: most, order: list.New(), at: map[string]*list.Element{}}
}

// take returns a probe and forgets it, nil if there is none.
func (c *remembered) take(key string) *probes.HTTP {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at[key]
	if e == nil {
		return nil
	}
	return c.drop(e)
}

func (c *remembered) put(key string, p *probes.HTTP) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at[key] != nil { // of another run, at the same time
		return
	}
	for c.order.Len() >= c.most {
		c.drop(c.order.Back())
	}
	c.at[key] = c.order.PushFront(entry{key, p})
}

func (c *remembered) drop(e *list.Element) *probes.HTTP {
	was, _ := c.order.Remove(e).(entry)
	delete(c.at, was.key)
	return was.probe
}
