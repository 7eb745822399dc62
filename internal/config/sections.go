package config

import (
	"net"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/notifiers"
)

// section decodes a section that may stand in several files over the defaults
// in out, and returns where its keys stand, by their paths.
func (l *loader) section(out any, items []item) func(key string) Position {
	l.begin(0, 0)
	k := newKoanf()
	l.carry(k, reflect.TypeOf(out).Elem(), items...)
	l.unmarshal(k, out, Position{})
	return func(path string) Position {
		for _, it := range items {
			if it.has(first(path)) {
				return it.locate(path)
			}
		}
		return Position{}
	}
}

// splitListen says whether an address can be reached from other machines, or
// what is wrong with it.
func splitListen(addr string) (off bool, wrong string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false, "an address such as 127.0.0.1:9640 is wanted"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return false, "the port has to be a number from 0 to 65535"
	}
	return !machine.IsLoopback(host), ""
}

func isAbsolute(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

func (l *loader) agent(items []item) Agent {
	var a Agent
	l.section(&a, items)
	return a
}

func (l *loader) storage(items []item) Storage {
	s := defaultStorage()
	l.section(&s, items)
	return s
}

func (l *loader) alerting(items []item) Alerting {
	a := defaultAlerting()
	at := l.section(&a, items)
	if a.GroupWait > time.Hour {
		l.judge(at("group_wait"), "alerting.group_wait: more than 1h would hold alerts back for too long")
	}
	return a
}

// timezone decodes the one value that stands alone at the top.
func (l *loader) timezone(items []item) *time.Location {
	var top struct {
		Timezone string `koanf:"timezone"`
	}
	l.begin(0, 0)
	k := newKoanf()
	for _, it := range items {
		at := spot{src: it.src, pos: it.pos, path: it.name, key: it.name}
		if v, ok := l.build(it.node, reflect.TypeFor[string](), at); ok {
			l.lay(k, tree{it.name: v}, it.pos)
		}
	}
	l.unmarshal(k, &top, Position{})
	zone, wrong := zoneOf(top.Timezone)
	if wrong != "" {
		l.judge(items[0].pos, "timezone: "+wrong)
		return time.UTC
	}
	return zone
}

func zoneOf(name string) (*time.Location, string) {
	if name == "Local" { // what it means depends on the machine
		return nil, "name a zone such as Europe/Berlin"
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, "unknown time zone " + strconv.Quote(name) + ": name one such as Europe/Berlin"
	}
	return zone, ""
}

func (l *loader) credentials(items []item, where map[string]Position) map[string]auth.Options {
	all := make(map[string]auth.Options, len(items))
	l.checkNames("credentials", items)
	for _, it := range items {
		o := auth.DefaultOptions()
		l.one(&o, it)
		l.relay(checkCredential(it.name, o), it)
		all[it.name], where["credentials."+it.name] = o, it.pos
	}
	return all
}

func (l *loader) notifiers(items []item, where map[string]Position) map[string]notifiers.Options {
	all := make(map[string]notifiers.Options, len(items))
	l.checkNames("notifiers", items)
	for _, it := range items {
		o := notifiers.DefaultOptions()
		l.one(&o, it)
		l.relay(checkNotifier(o), it)
		all[it.name], where["notifiers."+it.name] = o, it.pos
	}
	return all
}

// one decodes an item over the defaults in out. What is missing beside a key
// that is not supported yet is no mistake.
func (l *loader) one(out any, it item) {
	l.begin(0, 0)
	l.refused = false
	defer func() {
		if l.refused || it.src.budget < 0 {
			l.spoil(it.pos)
		}
	}()
	k := newKoanf()
	l.carry(k, reflect.TypeOf(out).Elem(), it)
	l.unmarshal(k, out, it.pos)
}
