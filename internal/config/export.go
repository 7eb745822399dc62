package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/exporters"
	"github.com/watchword/watchword/probes"
)

// Metrics is the `metrics` section.
type Metrics struct {
	// Which other program's metrics /metrics has as well; one or a list. uptime-kuma:
	// monitor_status and its like, so that dashboards and rules made for Uptime Kuma
	// go on. Default: none.
	Compat []string `koanf:"compat"`
}

// Exporters is the `exporters` section.
type Exporters struct {
	// Uptime Kumas that are told how monitors stand, through push monitors of theirs.
	KumaPush []exporters.KumaPushOptions `koanf:"kuma_push"`
}

// kumaType is by what the monitor expects, for dashboards that tell by it.
func (m Monitor) kumaType() string {
	switch e := m.HTTP.Expect; {
	case m.Type != probes.TypeHTTP:
		return ""
	case len(e.JSON) > 0:
		return "json-query"
	case len(e.Keyword)+len(e.Absent)+len(e.Regex)+len(e.AbsentRegex) > 0:
		return "keyword"
	default:
		return "http"
	}
}

func (l *loader) metrics(items []item) Metrics {
	var m Metrics
	at := l.section(&m, items)
	known := exporters.Compats()
	for i, name := range m.Compat {
		path := fmt.Sprintf("compat[%d]", i)
		switch near := nearest(name, known); {
		case slices.Contains(known, name):
		case near != "":
			l.judge(at(path), fmt.Sprintf("metrics.compat: unknown name %q, did you mean %q?", name, near))
		default:
			l.judge(at(path), fmt.Sprintf("metrics.compat: unknown name %q; there are %s", name, strings.Join(known, ", ")))
		}
	}
	return m
}

// exporters decodes what may stand in several files: their lists are appended.
func (l *loader) exporters(items []item, c *Config) Exporters {
	var lists []item
	s := l.shapeOf(reflect.TypeFor[Exporters]())
	for _, it := range items {
		if it.node.Kind != yaml.MappingNode {
			if !isNull(it.node) {
				l.complain(it.pos, it.name+": a mapping is wanted, not "+kind(it.node))
			}
			continue
		}
		for _, e := range it.src.entries(it.node) {
			if e.name == "kuma_push" {
				lists = append(lists, it.sub(e))
			} else {
				l.unknown(spot{src: it.src}.under(e), s)
			}
		}
	}
	return Exporters{KumaPush: l.kumaPush(l.listed(lists), c)}
}

func (l *loader) kumaPush(items []item, c *Config) []exporters.KumaPushOptions {
	all := make([]exporters.KumaPushOptions, 0, len(items))
	told := map[[2]string]Position{}
	for _, it := range items {
		if it.node.Kind != yaml.MappingNode {
			l.complain(it.pos, "an entry of kuma_push is a mapping with a url and tokens, not "+kind(it.node))
			continue
		}
		o := exporters.DefaultKumaPushOptions()
		l.one(&o, it)
		l.relay(exporters.CheckKumaPush(o), it)
		l.checkMirrored(o, it, c)
		for _, id := range sortedKeys(o.Tokens) {
			at, key := it.locate("tokens."+id), [2]string{strings.TrimRight(o.URL, "/"), id}
			if old, twice := told[key]; twice {
				l.complain(at, fmt.Sprintf("tokens: %q is told to this Uptime Kuma at %s already", id, old))
				continue
			}
			told[key] = at
		}
		all = append(all, o)
	}
	return all
}

// checkMirrored refuses monitors that there are not.
func (l *loader) checkMirrored(o exporters.KumaPushOptions, it item, c *Config) {
	enabled := map[string]bool{}
	for _, m := range c.Monitors {
		enabled[m.ID] = m.Enabled
	}
	for _, id := range sortedKeys(o.Tokens) {
		at := it.locate("tokens." + id)
		runs, known := enabled[id]
		switch {
		case !known:
			l.judge(at, "tokens: "+unknownName("monitor", id, sortedKeys(enabled)))
		case !runs:
			l.warn(at, fmt.Sprintf("tokens: the monitor %q is not enabled, and Kuma will miss its heartbeat", id))
		}
	}
}
