package kuma

import (
	"cmp"
	"fmt"
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
	for _, t := range targets {
		name := cmp.Or(t.module, standard)
		m, ok := r.modules[name]
		switch {
		case ok:
			r.monitor(t, name, m)
		case slices.ContainsFunc(r.doc.Stays, func(s Stay) bool { return s.Name == name }):
			r.stay("target", t.url, name, "Its module stays")
		case name == "":
			return fmt.Errorf("%s names no module, and there are several: say which with --module (%s)", t.url, check.Some(r.order, 10))
		default:
			return fmt.Errorf("%s is asked for with the module %q, which there is not; there are %s", t.url, name, check.Some(r.order, 10))
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

func (r *blackboxReader) monitor(t target, module string, m value) {
	raw := t.url
	if !strings.HasPrefix(raw, "http://") && !strings.HasPrefix(raw, "https://") { // as blackbox_exporter does
		raw = "http://" + raw
	}
	_, name, _ := strings.Cut(raw, "://")
	name, _, _ = strings.Cut(name, "?")
	e := &Entry{Name: strings.TrimSuffix(name, "/"), Group: t.job}
	if len(r.order) > 1 {
		e.Comment("module " + module)
	}
	e.Fields.Set("url", r.url(e.Name, raw))
	r.module = module
	r.http(e, m.get("http"))
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

// labels are those of the target but what Prometheus sets itself.
func (r *blackboxReader) labels(all []member) Fields {
	var f Fields
	for _, l := range all {
		name := labelName(l.key)
		switch {
		case strings.HasPrefix(l.key, "__"), l.key == "instance", l.key == "job", name == "":
			continue
		case slices.Contains([]string{"monitor", "name", "type", "group", "url", "credential"}, name):
			name = "label_" + name
		}
		f = append(f, Field{Key: name, Value: clean(l.value.text())})
	}
	return f
}
