package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/notifiers"
)

// document is the top level of a file, for its keys.
type document struct {
	// The time zone of cron expressions and of times in messages: a name of the
	// IANA database, such as Europe/Berlin. Default: UTC.
	Timezone string `koanf:"timezone"`
	// The page, the API and the metrics: where they are served.
	Server Server `koanf:"server"`
	// What tells this agent from others.
	Agent Agent `koanf:"agent"`
	// Where state and history are kept.
	Storage Storage `koanf:"storage"`
	// How monitors prove who they are, by names of your choice. A monitor uses one
	// with credential: NAME.
	Credentials map[string]auth.Options `koanf:"credentials"`
	// Whom to tell, by names of your choice. A monitor without notify tells all of
	// them.
	Notifiers map[string]notifiers.Options `koanf:"notifiers"`
	// When messages go out.
	Alerting Alerting `koanf:"alerting"`
	// What holds for every monitor that says nothing else: any key of a monitor
	// except name, id and depends_on. Maps merge with a monitor's own, all else is replaced.
	Defaults monitorKeys `koanf:"defaults"`
	// What is watched.
	Monitors []monitorKeys `koanf:"monitors"`
	// When nobody is told of certain monitors: once, or again and again.
	Maintenance []Maintenance `koanf:"maintenance"`
}

// parts is what the files say, by section: a section may stand in several
// files.
type parts struct {
	files                                                []*source
	timezone, server, agent, storage, alerting, defaults []item
	credentials, notifiers, monitors, maintenance        []item
}

// gather sorts what stands at the top of all files into sections, appends lists
// and reports what is said twice.
func (l *loader) gather(files []*source) *parts {
	p := &parts{files: files}
	sections := map[string]*[]item{
		"timezone": &p.timezone, "server": &p.server, "agent": &p.agent, "storage": &p.storage, "alerting": &p.alerting,
		"defaults": &p.defaults, "credentials": &p.credentials, "notifiers": &p.notifiers, "monitors": &p.monitors,
		"maintenance": &p.maintenance,
	}
	s := l.shapeOf(reflect.TypeFor[document]())
	for _, f := range files {
		if f.root == nil {
			continue
		}
		entries := f.entries(f.root)
		if l.stranger(f, entries, s) {
			continue
		}
		for _, e := range entries {
			at := spot{src: f}.under(e)
			switch {
			case sections[e.name] != nil:
				*sections[e.name] = append(*sections[e.name], item{f, e.value, at.pos, e.name, e.name})
			case strings.HasPrefix(e.name, "x-"): // a home for anchors
			case s.later[e.name]:
				l.refuse(at, e.value)
			default:
				l.unknown(at, s)
			}
		}
	}
	for _, name := range []string{"timezone", "server", "agent", "storage", "alerting", "defaults"} {
		l.clash(name, *sections[name])
	}
	p.credentials = l.named("credential", p.credentials)
	p.notifiers = l.named("notifier", p.notifiers)
	p.monitors = l.listed(p.monitors)
	p.maintenance = l.listed(p.maintenance)
	return p
}

// stranger reports a file that is not ours: none of its keys is known or nearly
// so. What stands in it is not quoted but for what looks like a key.
func (l *loader) stranger(f *source, entries []entry, s shape) bool {
	known := append(s.known(), slices.Sorted(maps.Keys(s.later))...)
	for _, e := range entries {
		if slices.Contains(known, e.name) || strings.HasPrefix(e.name, "x-") || nearest(e.name, known) != "" {
			return false
		}
	}
	if len(entries) == 0 {
		return false
	}
	begins := ""
	if first := entries[0].name; regexp.MustCompile(`^[A-Za-z][\w-]{0,30}$`).MatchString(first) {
		begins = fmt.Sprintf(" (it begins with %q)", first)
	}
	l.complain(f.at(entries[0].key), fmt.Sprintf("this is no configuration of Watchword%s: the keys here are %s", begins, short(s.known())))
	return true
}

// clash reports values of a section that several files give.
func (l *loader) clash(path string, items []item) {
	for i, b := range items {
		for _, a := range items[:i] {
			l.clashBetween(path, a, b)
		}
	}
}

func (l *loader) clashBetween(path string, a, b item) {
	if a.node.Kind != yaml.MappingNode || b.node.Kind != yaml.MappingNode {
		if !isNull(a.node) && !isNull(b.node) {
			l.complain(b.pos, fmt.Sprintf("%s is already defined at %s", path, a.pos))
		}
		return
	}
	for _, eb := range b.src.entries(b.node) {
		if ea, ok := a.find(eb.name); ok {
			l.clashBetween(path+"."+eb.name,
				a.sub(ea), b.sub(eb))
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// named returns the entries of a section whose keys are names.
func (l *loader) named(what string, sections []item) []item {
	var all []item
	first := map[string]Position{}
	for _, s := range sections {
		if s.node.Kind != yaml.MappingNode {
			if !isNull(s.node) {
				l.complain(s.pos, s.name+": a mapping of names is wanted, not "+kind(s.node))
			}
			continue
		}
		for _, e := range s.src.entries(s.node) {
			at := s.src.at(e.key)
			if old, ok := first[e.name]; ok {
				l.complain(at, fmt.Sprintf("%s %q is already defined at %s", what, e.name, old))
				continue
			}
			if e.name == "" {
				l.complain(at, "the name of a "+what+" is empty")
				continue
			}
			first[e.name] = at
			all = append(all, item{s.src, e.value, at, e.name, ""})
		}
	}
	return all
}

// listed returns the elements of a list that several files add to.
func (l *loader) listed(sections []item) []item {
	var all []item
	for _, s := range sections {
		if s.node.Kind != yaml.SequenceNode {
			if !isNull(s.node) {
				l.complain(s.pos, s.name+": a list is wanted, not "+kind(s.node))
			}
			continue
		}
		for _, c := range s.node.Content {
			all = append(all, item{s.src, resolve(c), s.src.at(c), "", ""})
		}
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
