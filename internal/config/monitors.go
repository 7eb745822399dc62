package config

import (
	"cmp"
	"fmt"
	"reflect"
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
	// State, history and metrics follow the id: a-z, 0-9 and single dashes between
	// them. Default: the name in lower case, every run of other characters a dash.
	ID string `koanf:"id"`
	// The name of the monitor, in messages and on the page. Every monitor has one of
	// its own.
	Name string `koanf:"name"`
	// What is checked: http sends a request and judges the answer, authz asks the gate
	// alone for its decision, guard tries to get in where nobody should, issuer looks
	// at the identity provider.
	Type string `koanf:"type"`
	// The heading under which the page shows the monitor. Default: none.
	Group string `koanf:"group"`
	// Labels of the metric watchword_monitor_info, such as team: web. Names hold
	// letters, digits and _. Default: none.
	Labels map[string]string `koanf:"labels"`
	// From one run to the next, at least 1s. Default of a guard: 5m.
	Interval time.Duration `koanf:"interval"`
	// When to run, instead of interval: minute, hour, day of month, month, day of
	// week, such as "30 6 * * MON-FRI"; or @hourly, @daily, @weekly, @monthly, @yearly.
	Cron string `koanf:"cron"`
	// The time zone of cron. Default: that of the top level.
	Timezone string `koanf:"timezone"`
	// How long a whole run may take, the token included; less than the interval.
	// Default: 80 % of the interval, at most 10s; 10s with cron.
	Timeout time.Duration `koanf:"timeout"`
	// Failures in a row that are borne as pending before the monitor is down. 0: it
	// is down at once.
	Retries int `koanf:"retries"`
	// From a failed run to the next while pending, at least 1s. Unset, it is never
	// longer than the interval.
	RetryInterval time.Duration `koanf:"retry_interval"`
	// Passes in a row that are needed before the monitor is up again, at least 1.
	Recoveries int `koanf:"recoveries"`
	// How often the alert is repeated while the monitor is down, at least 1s, such
	// as 4h. 0, the default: never.
	RemindEvery time.Duration `koanf:"remind_every"`
	// The credential to get in with: a name under credentials. Default: none, and
	// the request goes out as a stranger's.
	Credential string `koanf:"credential"`
	// Whom to tell: names under notifiers. Default: all of them. []: nobody.
	Notify []string `koanf:"notify"`
	// Monitors, by their ids, that this one cannot work without, such as the router in
	// front of it. While one of them fails, nothing is sent of this monitor. Default:
	// none.
	DependsOn []string `koanf:"depends_on"`
	// Whether the monitor is watched. false: as if it was not there.
	Enabled bool `koanf:"enabled"`

	// How long before its certificate expires people are told of it, once at each
	// of these times: 21d, 14d, 7d by default, [] for never. One that is above a
	// third of the certificate's life is skipped.
	CertificateWarn []time.Duration `koanf:"certificate_warn"`

	HTTP   probes.HTTPOptions   `koanf:",squash"`
	Authz  probes.AuthzOptions  `koanf:",squash"`
	Guard  probes.GuardOptions  `koanf:",squash"`
	Issuer probes.IssuerOptions `koanf:",squash"`
}

func defaultMonitor() monitorKeys {
	return monitorKeys{
		Type: probes.TypeHTTP, Interval: time.Minute, Retries: 1, RetryInterval: 20 * time.Second,
		Recoveries: 1, Enabled: true, HTTP: probes.DefaultHTTPOptions(), Authz: probes.DefaultAuthzOptions(), Guard: probes.DefaultGuardOptions(),
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

	dependents []dependent
	refusedIDs map[string]bool // ids of monitors that are left out for their type
}

func newMonitors(l *loader, c *Config, p *parts) *monitors {
	m := &monitors{
		loader: l, config: c, defaults: p.defaults, inherited: map[string]bool{}, tls: map[transport.TLS][]check.Problem{},
		names: map[string]Position{}, ids: map[string]Position{}, used: map[string]bool{}, refusedIDs: map[string]bool{},
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
	for key, why := range notInDefaults() {
		if v.has(key) {
			m.object(v, key+" cannot stand in defaults: "+why, key)
		}
	}
	if len(m.defaults) == 0 {
		return
	}
	k.Name, k.ID = "defaults", "defaults"
	if !v.has("url") {
		k.HTTP.URL = "https://defaults.invalid/"
	}
	m.checkTry(&k, v)
	m.settle(&k, v)
	m.askProbes(&k, v)
	m.checkTimes(&k, v)
	m.checkSchedule(&k, v)
	m.checkCertificates(&k, v)
	m.checkLabels(k.Labels, v)
	m.checkShown(&k, v)
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
			m.refusedIDs[cmp.Or(k.ID, slug(k.Name))] = true
			continue
		}
		if len(k.DependsOn) > 0 && v.own.has("depends_on") {
			m.dependents = append(m.dependents, dependent{len(m.config.Monitors), v})
		}
		m.config.Monitors = append(m.config.Monitors, m.monitor(&k, v))
	}
	m.depends()
}

// monitor checks what is left to check and returns the finished monitor.
func (m *monitors) monitor(k *monitorKeys, v view) Monitor {
	m.identify(k, v)
	m.settle(k, v)
	m.checkTimes(k, v)
	m.checkSchedule(k, v)
	m.checkCertificates(k, v)
	m.checkLabels(k.Labels, v)
	m.checkShown(k, v)
	m.use(k, v)
	m.checkCredential(k.Credential, v)
	m.checkKind(k, v)
	m.checkURL(k, v)
	m.checkWords(k.HTTP.Expect, v)
	m.checkPace(k, v)
	m.askProbes(k, v)
	return Monitor{
		ID: k.ID, Name: k.Name, Type: k.Type, Group: k.Group, Labels: k.Labels,
		Interval: k.Interval, Cron: k.Cron, Zone: k.Timezone, Timeout: k.Timeout, RetryInterval: k.RetryInterval,
		Retries: k.Retries, Recoveries: k.Recoveries, RemindEvery: k.RemindEvery, CertificateWarn: k.CertificateWarn,
		Credential: k.Credential, Notify: m.resolveNotify(k.Notify, v), DependsOn: k.DependsOn, Enabled: k.Enabled, HTTP: k.HTTP,
		Authz: k.Authz, Guard: k.Guard, Issuer: k.Issuer, Pos: v.own.pos,
	}
}

// askProbes relays what probes finds wrong with its part.
func (m *monitors) askProbes(k *monitorKeys, v view) {
	for _, p := range m.checkOptions(k) {
		if p.Path != "url" || k.HTTP.URL != "" {
			m.objectAs(v, p.Warning, relayed(p), p.Path)
		}
	}
}

// identify checks name and id, and makes the id of the name where none is
// given.
func (m *monitors) identify(k *monitorKeys, v view) {
	at := m.named(k.Name, v)
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

// named checks the name and returns where it stands.
func (m *monitors) named(name string, v view) Position {
	at, _ := v.place("name")
	old, taken := m.names[name]
	switch {
	case name == "":
		m.judge(at, "name: a monitor needs a name")
	case unseen(name) != "":
		m.judge(at, "name: "+unseen(name))
	case taken:
		m.judge(at, fmt.Sprintf("name: %q is the name of another monitor at %s", name, old))
	default:
		m.names[name] = at
	}
	return at
}

// Slug makes an id of a name, "" where nothing is left of it.
func Slug(name string) string { return slug(name) }

// slug makes an id of a name: lower case, every run of other characters a dash.
func slug(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	return strings.ToLower(strings.Join(words, "-"))
}

// use notes whom a monitor names, also one that is refused.
func (m *monitors) use(k *monitorKeys, v view) {
	for _, name := range credentialsOf(k.Credential, k.Guard) {
		m.used["credentials."+name] = true
	}
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
	if len(m.config.Monitors) == 0 && len(m.config.Modules) == 0 {
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
