package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

// monitorKeys are the keys of a monitor and of `defaults`.
type monitorKeys struct {
	ID            string             `koanf:"id"`
	Name          string             `koanf:"name"`
	Type          string             `koanf:"type"`
	Group         string             `koanf:"group"`
	Labels        map[string]string  `koanf:"labels"`
	Interval      time.Duration      `koanf:"interval"`
	Cron          string             `koanf:"cron"`
	Timezone      string             `koanf:"timezone"`
	Timeout       time.Duration      `koanf:"timeout"`
	Retries       int                `koanf:"retries"`
	RetryInterval time.Duration      `koanf:"retry_interval"`
	Recoveries    int                `koanf:"recoveries"`
	RemindEvery   time.Duration      `koanf:"remind_every"`
	Credential    string             `koanf:"credential"`
	Notify        []string           `koanf:"notify"`
	Enabled       bool               `koanf:"enabled"`
	HTTP          probes.HTTPOptions `koanf:",squash"`

	// How long before its certificate expires people are told of it, once at each
	// of these times: 21d, 14d, 7d by default, [] for never. One that is above a
	// third of the certificate's life is skipped.
	CertificateWarn []time.Duration `koanf:"certificate_warn"`
}

func defaultMonitor() monitorKeys {
	return monitorKeys{
		Type: "http", Interval: time.Minute, Retries: 1, RetryInterval: 20 * time.Second,
		Recoveries: 1, Enabled: true, HTTP: probes.DefaultHTTPOptions(),
		CertificateWarn: []time.Duration{21 * day, 14 * day, 7 * day},
	}
}

// monitors loads the monitors, one at a time: at fifty thousand, koanf's map of
// them all would take twice the memory of all the rest.
type monitors struct {
	*loader
	config    *Config
	defaults  []item
	base      map[string]any  // what koanf carries of the defaults
	leaves    int             // of them
	values    int             // and what they reveal
	inherited map[string]bool // said of the defaults
	tls       map[transport.TLS][]check.Problem
	names     map[string]Position
	ids       map[string]Position
	creds     []string // names, for suggestions
	channels  []string
	used      map[string]bool // "credentials.NAME", "notifiers.NAME"
}

func newMonitors(l *loader, c *Config, p *parts) *monitors {
	m := &monitors{
		loader: l, config: c, defaults: p.defaults, inherited: map[string]bool{}, tls: map[transport.TLS][]check.Problem{},
		names: map[string]Position{}, ids: map[string]Position{}, used: map[string]bool{},
		creds: sortedKeys(c.Credentials), channels: sortedKeys(c.Notifiers),
	}
	m.begin(0, 0)
	base := newKoanf()
	m.carry(base, reflect.TypeFor[monitorKeys](), p.defaults...)
	m.base = base.Raw()
	m.checkDefaults(base)
	m.leaves, m.values = len(m.loader.leaves), len(m.loader.values)
	return m
}

// checkDefaults reports what is wrong with the defaults by themselves, once and
// at their own place.
func (m *monitors) checkDefaults(base *koanf.Koanf) {
	k := defaultMonitor()
	m.unmarshal(base, &k, Position{})
	v := view{defaults: m.defaults}
	for _, key := range []string{"id", "name"} {
		if v.has(key) {
			m.object(v, key+" cannot stand in defaults: every monitor has its own", key)
		}
	}
	if len(m.defaults) == 0 {
		return
	}
	k.Name, k.ID = "defaults", "defaults"
	if !v.has("url") {
		k.HTTP.URL = "https://defaults.invalid/"
	}
	m.askProbes(&k, v)
	m.checkTimes(&k, v)
	m.checkSchedule(&k, v)
	m.checkCertificates(&k, v)
	m.checkLabels(k.Labels, v)
	m.checkCredential(k.Credential, v)
	m.resolveNotify(k.Notify, v)
}

// load adds the monitors to the configuration.
func (m *monitors) load(items []item) {
	m.config.Monitors = make([]Monitor, 0, len(items))
	for _, it := range items {
		if it.node.Kind != yaml.MappingNode {
			m.complain(it.pos, "a monitor is a mapping with a name and a url, not "+kind(it.node))
			continue
		}
		m.begin(m.leaves, m.values)
		k := defaultMonitor()
		carried := newKoanf()
		m.lay(carried, clone(m.base), it.pos)
		m.carry(carried, reflect.TypeFor[monitorKeys](), it)
		if it.src.budget < 0 {
			continue // it is not whole, and that was said
		}
		m.unmarshal(carried, &k, it.pos)
		v := view{own: it, defaults: m.defaults}
		if !m.checkType(k.Type, v) {
			m.use(&k, v)
			continue
		}
		m.config.Monitors = append(m.config.Monitors, m.monitor(&k, v))
	}
}

// monitor checks what is left to check and returns the finished monitor.
func (m *monitors) monitor(k *monitorKeys, v view) Monitor {
	m.identify(k, v)
	m.checkTimes(k, v)
	m.checkSchedule(k, v)
	m.checkCertificates(k, v)
	m.checkLabels(k.Labels, v)
	m.use(k, v)
	m.checkCredential(k.Credential, v)
	m.checkURL(k, v)
	m.checkWords(k.HTTP.Expect, v)
	m.askProbes(k, v)
	return Monitor{
		ID: k.ID, Name: k.Name, Type: k.Type, Group: k.Group, Labels: k.Labels,
		Interval: k.Interval, Cron: k.Cron, Zone: k.Timezone, Timeout: k.Timeout, RetryInterval: k.RetryInterval,
		Retries: k.Retries, Recoveries: k.Recoveries, RemindEvery: k.RemindEvery, CertificateWarn: k.CertificateWarn,
		Credential: k.Credential, Notify: m.resolveNotify(k.Notify, v), Enabled: k.Enabled, HTTP: k.HTTP, Pos: v.own.pos,
	}
}

// askProbes relays what probes finds wrong with its part.
func (m *monitors) askProbes(k *monitorKeys, v view) {
	for _, p := range m.checkHTTP(k.HTTP) {
		if p.Path != "url" || k.HTTP.URL != "" {
			m.objectAs(v, p.Warning, relayed(p), p.Path)
		}
	}
}

func (m *monitors) checkType(t string, v view) bool {
	switch {
	case t == "http":
		return true
	case slices.Contains(laterMonitorTypes(), t):
		m.object(v, "type: "+t+" is not supported yet", "type")
	case nearest(t, append(laterMonitorTypes(), "http")) != "":
		m.object(v, fmt.Sprintf("type: unknown type %q, did you mean %q?", t, nearest(t, append(laterMonitorTypes(), "http"))), "type")
	default:
		m.object(v, fmt.Sprintf("type: unknown type %q; it is http", t), "type")
	}
	return false
}

// identify checks name and id, and makes the id of the name where none is
// given.
func (m *monitors) identify(k *monitorKeys, v view) {
	at, _ := v.place("name")
	if k.Name == "" {
		m.judge(at, "name: a monitor needs a name")
	} else if old, ok := m.names[k.Name]; ok {
		m.judge(at, fmt.Sprintf("name: %q is the name of another monitor at %s", k.Name, old))
	} else {
		m.names[k.Name] = at
	}
	if v.has("id") {
		at, _ = v.place("id")
		if k.ID == "" || slug(k.ID) != k.ID {
			m.judge(at, "id: an id holds a-z, 0-9 and single dashes between them")
			return
		}
	} else if k.ID = slug(k.Name); k.ID == "" {
		if k.Name != "" {
			m.judge(at, "name: no id can be made of this name, it holds none of a-z and 0-9: give the monitor an id")
		}
		return
	}
	switch old, ok := m.ids[k.ID]; {
	case !ok:
		m.ids[k.ID] = at
	case m.names[k.Name] == at || v.has("id"): // else it was said of the name
		m.judge(at, fmt.Sprintf("the id %q belongs to another monitor at %s: give one of them another id", k.ID, old))
	}
}

// slug makes an id of a name: lower case, every run of other characters a dash.
func slug(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	return strings.ToLower(strings.Join(words, "-"))
}

// use notes whom a monitor names, also one that is refused.
func (m *monitors) use(k *monitorKeys, v view) {
	m.used["credentials."+k.Credential] = true
	names := k.Notify
	if !v.has("notify") {
		names = m.channels
	}
	for _, name := range names {
		m.used["notifiers."+name] = true
	}
}

// unused warns of what nobody uses.
func (m *monitors) unused() {
	if len(m.config.Monitors) == 0 {
		return
	}
	for _, name := range m.creds {
		if key := "credentials." + name; !m.used[key] {
			m.warn(m.config.Where[key], "credential "+strconv.Quote(name)+" is used by no monitor")
		}
	}
	for _, name := range m.channels {
		if key := "notifiers." + name; !m.used[key] {
			m.warn(m.config.Where[key], "notifier "+strconv.Quote(name)+" is used by no monitor")
		}
	}
}
