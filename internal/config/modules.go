package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/probes"
)

// moduleKeys are the keys of a module: those of a monitor of type http but for
// what says which, when and whom to tell.
type moduleKeys struct {
	// What is done. Modules are of type http.
	Type string `koanf:"type"`
	// The credential to get in with: a name under credentials. It wants
	// allowed_targets. Default: none, and the request goes out as a stranger's.
	Credential string `koanf:"credential"`
	// How long a whole run may take, the token included; at most 2m. Prometheus
	// says how long it waits, and half a second less than that is the limit as well.
	Timeout time.Duration `koanf:"timeout"`
	// What may be asked for, such as https://*.example.com/health*: scheme, host and,
	// where they matter, port and path. A * that is a whole part of the host stands
	// for one or more parts, elsewhere for any characters. Default: every target,
	// which a module with a secret in it may not have.
	AllowedTargets []string `koanf:"allowed_targets"`

	HTTP probes.HTTPOptions `koanf:",squash"`
}

const (
	moduleTimeout  = 10 * time.Second
	longestTimeout = 2 * time.Minute // as blackbox_exporter has it
)

func defaultModule() moduleKeys {
	return moduleKeys{Type: probes.TypeHTTP, Timeout: moduleTimeout, HTTP: probes.DefaultHTTPOptions()}
}

// Module is one entry under `modules`, with `defaults` and the built-in defaults
// worked in. The URL of its options is the scraper's to name.
type Module struct {
	Credential     string // "" for none
	Timeout        time.Duration
	AllowedTargets []string // none: every target
	HTTP           probes.HTTPOptions
	Pos            Position
}

// notInModules returns the keys of monitors that modules do not have, with the
// reason.
func notInModules() map[string]string {
	keys := map[string]string{"url": "who asks names the target", "id": "a module goes by its key", "name": "a module goes by its key"}
	for reason, names := range map[string][]string{
		"who asks says when": {"interval", "cron", "timezone"},
		"a module keeps no state and tells nobody": {
			"retries", "retry_interval", "recoveries", "remind_every", "notify", "group", "labels", "certificate_warn", "enabled", "depends_on",
		},
		"modules are of type http": {"implementation", "resource", "try", "bypass_urls", "fresh_token"},
	} {
		for _, name := range names {
			keys[name] = reason
		}
	}
	return keys
}

// loadModules adds the modules to the configuration.
func (m *monitors) loadModules(items []item) {
	m.config.Modules = make(map[string]Module, len(items))
	m.checkNames("modules", items)
	for _, it := range items {
		if it.node.Kind != yaml.MappingNode && !isNull(it.node) {
			m.complain(it.pos, "a module is a mapping, not "+kind(it.node))
			continue
		}
		m.begin(m.leaves, m.values)
		k, carried := defaultModule(), newKoanf()
		m.lay(carried, m.forModules(), it.pos)
		m.carry(carried, reflect.TypeFor[moduleKeys](), m.sieved(it))
		if it.src.budget < 0 {
			continue // it is not whole, and that was said
		}
		m.unmarshal(carried, &k, it.pos)
		m.checkModule(&k, view{own: it, defaults: m.defaults})
		m.config.Modules[it.name] = Module{Credential: k.Credential, Timeout: k.Timeout, AllowedTargets: k.AllowedTargets, HTTP: k.HTTP, Pos: it.pos}
		m.config.Where["modules."+it.name] = it.pos
	}
}

// forModules returns what of the defaults is for modules.
func (m *monitors) forModules() map[string]any {
	base, s := clone(m.base), m.shapeOf(reflect.TypeFor[moduleKeys]())
	maps.DeleteFunc(base, func(key string, _ any) bool { return s.fields[key] == nil || key == "type" })
	return base
}

// sieved returns a module without the keys of monitors that it cannot have,
// which are reported.
func (m *monitors) sieved(it item) item {
	reasons, n := notInModules(), *it.node
	n.Content = nil
	for i := 0; i+1 < len(it.node.Content); i += 2 {
		k := it.node.Content[i]
		if reason := reasons[k.Value]; reason != "" && !isMerge(k) {
			m.complain(it.src.at(k), k.Value+": a module has none: "+reason)
			continue
		}
		n.Content = append(n.Content, k, it.node.Content[i+1])
	}
	it.node = &n
	return it
}

func (m *monitors) checkModule(k *moduleKeys, v view) {
	if k.Type != probes.TypeHTTP {
		m.object(v, fmt.Sprintf("type: modules are of type http, not %q", k.Type), "type")
	}
	if k.Timeout <= 0 || k.Timeout > longestTimeout {
		m.object(v, "timeout: more than 0 and at most "+Span(longestTimeout)+" is wanted", "timeout")
	}
	m.checkCredential(k.Credential, v)
	m.used["credentials."+k.Credential] = true
	m.checkWords(k.HTTP.Expect, v)
	as := monitorKeys{Type: probes.TypeHTTP, Timeout: k.Timeout, HTTP: k.HTTP}
	m.checkPace(&as, v)
	as.HTTP.URL = "https://module.invalid/"
	for _, p := range m.checkOptions(&as) {
		m.objectAs(v, p.Warning, relayed(p), p.Path)
	}
	m.checkTargets(k, v)
}

// checkTargets sees to it that what is secret in a module goes where it is meant
// to go only.
func (m *monitors) checkTargets(k *moduleKeys, v view) {
	t, wrong := probes.NewTargets(k.AllowedTargets)
	for _, p := range wrong {
		m.object(v, relayed(p), p.Path)
	}
	private := k.HTTP.Private()
	if k.Credential != "" {
		private = "credential"
	}
	switch {
	case v.own.has("allowed_targets") && len(k.AllowedTargets) == 0:
		m.object(v, "allowed_targets: none would be allowed: name some, or leave the key out to allow every target", "allowed_targets")
	case private == "" || len(wrong) > 0:
	case len(k.AllowedTargets) == 0:
		m.object(v, private+": what is secret must not go where any scraper asks: say in allowed_targets where it may, such as https://*.example.com/*", private)
	case t.Anywhere() >= 0:
		m.object(v, "allowed_targets: with any host, what is secret ("+private+") would go where any scraper asks", "allowed_targets["+strconv.Itoa(t.Anywhere())+"]")
	default:
		m.warnOfPlain(t, private, v)
	}
}

func (m *monitors) warnOfPlain(t *probes.Targets, private string, v view) {
	plain := t.Plain()
	for _, i := range slices.Sorted(maps.Keys(plain)) {
		if !machine.IsLoopback(plain[i]) {
			m.objectAs(v, true, "allowed_targets: what is secret ("+private+") goes over http:// in the clear", "allowed_targets["+strconv.Itoa(i)+"]")
		}
	}
}
