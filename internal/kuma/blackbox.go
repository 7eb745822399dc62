package kuma

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// BlackboxOptions says what is to be watched by the modules of a
// blackbox_exporter. Without targets its modules become ours, for /probe.
type BlackboxOptions struct {
	Targets []string // URLs
	// Files with targets: one URL a line, a list of targets and labels as file_sd
	// has it (YAML or JSON), or a configuration of Prometheus.
	Files  []string
	Module string // of targets that name none; "": http_2xx, or the only one of http
}

// FromBlackbox reads a configuration of blackbox_exporter.
func FromBlackbox(path string, o BlackboxOptions) (*Document, error) {
	root, err := parseForeign(path, nil)
	if err != nil {
		return nil, err
	}
	if !root.get("modules").given() {
		return nil, fmt.Errorf("%s is no configuration of blackbox_exporter: it has no modules", path)
	}
	r := &blackboxReader{desk: newDesk(filepath.Base(path)+" of blackbox_exporter", "watchword import blackbox"), modules: map[string]value{}}
	r.doc.Read = append([]string{path}, o.Files...)
	r.dir = filepath.Dir(path)
	for _, m := range root.get("modules").members() {
		if why := blackboxStays(m.value); why != "" {
			r.stay("module", m.key, m.value.get("prober").text(), why)
			continue
		}
		r.modules[m.key] = m.value
		r.order = append(r.order, m.key)
	}
	targets, err := r.targets(o)
	if err != nil {
		return nil, err
	}
	if len(r.order) == 0 {
		return nil, fmt.Errorf("there is no module of prober http in %s", path)
	}
	if len(targets) == 0 {
		r.writeModules()
		return r.doc, nil
	}
	return r.doc, r.writeMonitors(targets, o.Module)
}

func blackboxStays(m value) string {
	switch m.get("prober").text() {
	case "http":
		return ""
	case "":
		return "It names no prober"
	}
	return "Watchword watches what is asked by HTTP"
}

type blackboxReader struct {
	*desk
	modules map[string]value // those of http
	order   []string
	module  string // at hand: what secrets and credentials are named by
}

// writeModules makes a module of each.
func (r *blackboxReader) writeModules() {
	for _, name := range r.order {
		m := r.modules[name]
		e := &Entry{Name: name}
		if d := m.get("timeout").duration(0); d > 0 {
			e.Fields.Set("timeout", min(d, 2*time.Minute))
		}
		had := len(r.doc.Vault.vars) + len(r.doc.Vault.files)
		r.module = name
		r.http(e, m.get("http"))
		if e.Fields.Get("credential") != nil || len(r.doc.Vault.vars)+len(r.doc.Vault.files) > had || holdsSecret(e.Fields) {
			e.Fields.Set("allowed_targets", []string{"https://replace-me.invalid/*"})
			r.object(e, "allowed_targets: name what this module may be asked for, such as https://*.example.com: a secret of it must not go where any scraper asks")
		}
		r.doc.Modules = append(r.doc.Modules, e)
	}
	if len(r.order) > 0 {
		r.doc.Notes = append(r.doc.Notes, "Prometheus goes on with metrics_path: /probe, and Watchword's address in place of blackbox_exporter's; with --targets or --target the modules become monitors instead")
	}
}

// holdsSecret says whether a reference to a secret file is among the values.
func holdsSecret(f Fields) bool {
	return slices.ContainsFunc(f, func(x Field) bool {
		switch v := x.Value.(type) {
		case Fields:
			return holdsSecret(v)
		case Raw:
			return strings.Contains(string(v), "${")
		}
		return false
	})
}

// writeMonitors makes a monitor of each target.
func (r *blackboxReader) writeMonitors(targets []target, standard string) error {
	if standard == "" {
		standard = r.standard()
	}
	several := map[string]int{}
	for _, t := range targets {
		several[shown(t.url)]++
	}
	for _, t := range targets {
		name := cmp.Or(t.module, standard)
		m, ok := r.modules[name]
		switch {
		case ok:
			r.monitor(t, name, several[shown(t.url)] > 1, m)
		case r.knows(name):
			r.stay("target", shown(t.url), name, "Its module stays")
		case t.job != "" && name != "":
			r.stay("target", shown(t.url), name, "Its module is not in this file, but of another exporter or another blackbox_exporter")
		case name == "":
			return fmt.Errorf("%s names no module, and there are several: say which with --module (%s)", shown(t.url), check.Some(r.order, 10))
		default:
			return fmt.Errorf("%s is asked for with the module %q, which there is not; there are %s", shown(t.url), name, check.Some(r.order, 10))
		}
	}
	return nil
}

// standard is the module of a target that names none, as blackbox_exporter has
// it.
func (r *blackboxReader) standard() string {
	if _, ok := r.modules["http_2xx"]; ok || len(r.order) != 1 {
		return map[bool]string{true: "http_2xx"}[ok]
	}
	return r.order[0]
}

func (r *blackboxReader) monitor(t target, module string, shared bool, m value) {
	raw := t.url
	if !strings.HasPrefix(raw, "http://") && !strings.HasPrefix(raw, "https://") { // as blackbox_exporter does
		raw = "http://" + raw
	}
	e := &Entry{Name: shown(raw), Group: t.job}
	if shared {
		e.Name += " (" + module + ")"
	}
	if len(r.order) > 1 {
		e.Comment("module " + module)
	}
	r.module = module
	r.address(e, raw, r.free(m.get("http")) && !hasKey(m.get("http", "headers"), "Authorization"))
	r.http(e, m.get("http"))
	r.host(e, t.host, strings.HasPrefix(raw, "https://"))
	interval := max(cmp.Or(t.interval, time.Minute), time.Second)
	timeout := cmp.Or(m.get("timeout").duration(0), interval)
	if t.timeout > 0 {
		timeout = min(timeout, t.timeout-500*time.Millisecond) // which it leaves to Prometheus
	}
	if timeout >= interval || timeout <= 0 {
		timeout = min(interval/5*4, 10*time.Second)
	}
	e.Fields.Set("interval", interval)
	e.Fields.Set("timeout", timeout)
	if labels := r.labels(t.labels); len(labels) > 0 {
		e.Fields.Set("labels", labels)
	}
	r.doc.Monitors = append(r.doc.Monitors, e)
}

// shown is a URL as a name: without scheme, user, password and query.
func shown(raw string) string {
	if _, rest, ok := strings.Cut(raw, "://"); ok {
		raw = rest
	}
	raw, _, _ = strings.Cut(raw, "?")
	host, path, _ := strings.Cut(raw, "/")
	return strings.TrimSuffix(host[strings.LastIndex(host, "@")+1:]+"/"+path, "/")
}

// host takes over the parameter hostname: the name that is asked for at the URL.
func (r *blackboxReader) host(e *Entry, name string, secure bool) {
	if name == "" {
		return
	}
	if !hasHeader(e, "Host") {
		e.Fields.Set("headers.Host", name)
	}
	if secure && e.Fields.Get("tls.server_name") == nil {
		e.Fields.Set("tls.server_name", name)
	}
}

func hasKey(v value, name string) bool {
	return slices.ContainsFunc(v.members(), func(m member) bool { return strings.EqualFold(m.key, name) })
}

// labels are those of the target but what Prometheus sets itself.
func (r *blackboxReader) labels(all labelSet) Fields {
	var f Fields
	for _, key := range slices.Sorted(maps.Keys(all)) {
		name := labelName(key)
		switch {
		case strings.HasPrefix(key, "__"), key == "instance", key == "job", name == "":
			continue
		case slices.Contains([]string{"monitor", "name", "type", "group", "url", "credential"}, name):
			name = "label_" + name
		}
		f = append(f, Field{Key: name, Value: clean(all[key])})
	}
	return f
}
