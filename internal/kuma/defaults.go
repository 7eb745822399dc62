package kuma

import (
	"slices"
	"strings"
	"time"
)

// factored are the keys that go into defaults where most monitors agree.
func factored() []string {
	return []string{"interval", "timeout", "retries", "retry_interval", "recoveries", "remind_every", "certificate_warn", "max_redirects", "notify"}
}

// factor moves what most monitors say into the defaults and takes out of each
// what holds for it anyway.
//
// A key is factored only where every monitor gives it: one that is silent means
// what is built in. The certificates of a monitor without https are nobody's
// concern, so that its silence is no obstacle.
func (d *Document) factor() {
	d.unanimous()
	for _, key := range factored() {
		if v := d.common(key); v != nil {
			d.defaults.Set(key, v)
		}
	}
	if told, ok := d.defaults.Get("notify").([]string); ok && len(told) == 0 {
		d.defaults.SetNote("notify", told, "LOOK: a monitor that you add tells nobody either, unless it says whom")
		d.look("most monitors tell nobody, and so do the defaults: a monitor that you add needs a notify of its own")
	}
	d.reconcile()
	for _, m := range d.Monitors {
		d.relieve(m)
	}
}

// unanimous takes notify out where every monitor tells everybody, which is what
// holds without.
func (d *Document) unanimous() {
	all := make([]string, len(d.Notifiers))
	for i, n := range d.Notifiers {
		all[i] = n.Name
	}
	slices.Sort(all)
	for _, m := range d.Monitors {
		told, ok := m.Fields.Get("notify").([]string)
		if sorted := slices.Sorted(slices.Values(told)); !ok || !slices.Equal(sorted, all) {
			return
		}
	}
	for _, m := range d.Monitors {
		m.Fields.Drop("notify")
	}
}

// common returns the value that most monitors give to a key, nil where there is
// nothing to factor out.
func (d *Document) common(key string) any {
	count, first, most := map[string]int{}, map[string]any{}, ""
	w := &writer{}
	for _, m := range d.Monitors {
		v := m.Fields.Get(key)
		if v == nil && key == "certificate_warn" && !isHTTPS(m) {
			continue
		}
		if v == nil {
			return nil
		}
		s, _ := w.inline(v, false)
		if count[s]++; count[s] == 1 {
			first[s] = v
		}
		if most == "" || count[s] > count[most] {
			most = s
		}
	}
	if count[most] < 2 || builtIn(key, first[most]) {
		return nil
	}
	return first[most]
}

func isHTTPS(m *Entry) bool {
	w := &writer{layout: newLayout("", nil)}
	s, _ := w.inline(m.Fields.Get("url"), false)
	return strings.HasPrefix(strings.ToLower(s), "https:")
}

// builtIn says whether a value is what holds where nobody says anything, as far
// as that is the same for all monitors.
func builtIn(key string, value any) bool {
	const day = 24 * time.Hour
	switch key {
	case "interval":
		return value == time.Minute
	case "retries", "recoveries":
		return value == 1
	case "remind_every":
		return value == time.Duration(0)
	case "max_redirects":
		return value == 10
	case "certificate_warn":
		warn, ok := value.([]time.Duration)
		return ok && slices.Equal(warn, []time.Duration{21 * day, 14 * day, 7 * day})
	}
	return false
}

// reconcile takes out of the defaults what does not stand beside the rest of
// them: a timeout that is not below the interval.
func (d *Document) reconcile() {
	timeout, given := d.defaults.Get("timeout").(time.Duration)
	if given && timeout >= duration(d.defaults.Get("interval"), time.Minute) {
		d.defaults.Drop("timeout")
	}
}

func duration(value any, otherwise time.Duration) time.Duration {
	if d, ok := value.(time.Duration); ok {
		return d
	}
	return otherwise
}

// relieve takes out of a monitor what it would have anyway.
func (d *Document) relieve(m *Entry) {
	interval := duration(m.Fields.Get("interval"), duration(d.defaults.Get("interval"), time.Minute))
	for _, key := range factored() {
		if v := m.Fields.Get(key); v != nil && d.inherits(key, v, interval) {
			m.Fields.Drop(key)
		}
	}
	for _, fixed := range []Field{{Key: "method", Value: "GET"}, {Key: "enabled", Value: true}, {Key: "ip_family", Value: "any"}} {
		if m.Fields.Get(fixed.Key) == fixed.Value {
			m.Fields.Drop(fixed.Key)
		}
	}
}

// inherits says whether a monitor of that interval has the value anyway.
func (d *Document) inherits(key string, v any, interval time.Duration) bool {
	if def := d.defaults.Get(key); def != nil {
		w := &writer{}
		mine, _ := w.inline(v, false)
		theirs, _ := w.inline(def, false)
		return mine == theirs
	}
	switch key {
	case "timeout":
		return v == min(10*time.Second, interval/5*4)
	case "retry_interval":
		return v == min(20*time.Second, interval)
	}
	return builtIn(key, v)
}
