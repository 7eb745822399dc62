package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// view is a monitor over the defaults: what of it is written where.
type view struct {
	own      item
	defaults []item
}

// has says whether a key is given at all.
func (v view) has(key string) bool { _, ok := v.find(key); return ok }

func (v view) find(key string) (item, bool) {
	if v.own.has(key) {
		return v.own, true
	}
	for _, d := range v.defaults {
		if d.has(key) {
			return d, true
		}
	}
	return item{}, false
}

// at returns where the first of the keys stands that the monitor gives itself.
// What conflicts only because of a default is the monitor's own problem.
func (v view) at(keys ...string) Position {
	for _, key := range keys {
		if v.own.has(key) || v.own.node == nil && v.has(key) {
			return v.locate(key)
		}
	}
	return v.locate("")
}

func (v view) locate(path string) Position {
	if v.own.node != nil {
		return v.own.locate(path)
	}
	best := Position{}
	for _, d := range v.defaults {
		if key := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' }); best.File == "" || len(key) > 0 && d.has(key[0]) {
			best = d.locate(path)
		}
	}
	return best
}

// checkSchedule checks interval and cron, of which the monitor's own counts.
func (m *monitors) checkSchedule(k *monitorKeys, v view) {
	if v.has("cron") && v.has("interval") {
		cron, interval := v.own.has("cron"), v.own.has("interval")
		switch {
		case cron == interval:
			m.judge(v.at("cron", "interval"), "cron and interval exclude each other")
		case interval:
			k.Cron = ""
		}
	}
	if !v.has("cron") || k.Cron == "" {
		if v.own.has("cron") {
			m.judge(v.at("cron"), "cron: the expression is empty")
		}
		if v.own.has("timezone") {
			m.judge(v.at("timezone"), "timezone: it is for cron, and this monitor has none")
		}
		k.Cron, k.Timezone = "", ""
		return
	}
	k.Interval = 0
	zone := k.Timezone
	if zone == "" {
		zone = m.config.Timezone.String()
	} else if _, wrong := zoneOf(zone); wrong != "" {
		m.judge(v.at("timezone", "cron"), "timezone: "+wrong)
		return
	}
	if err := checkCron(k.Cron, zone); err != nil {
		m.judge(v.at("cron"), "cron: "+err.Error())
	}
}

// checkTimes checks durations and counts, and fills in the timeout.
func (m *monitors) checkTimes(k *monitorKeys, v view) {
	if k.Interval < time.Second {
		m.judge(v.at("interval"), "interval: at least 1s is wanted")
	}
	if k.RetryInterval < time.Second {
		m.judge(v.at("retry_interval"), "retry_interval: at least 1s is wanted")
	}
	if k.RemindEvery != 0 && k.RemindEvery < time.Second {
		m.judge(v.at("remind_every"), "remind_every: at least 1s is wanted, or 0 for never")
	}
	if k.Retries < 0 {
		m.judge(v.at("retries"), "retries: 0 or more is wanted")
	}
	if k.Recoveries < 1 {
		m.judge(v.at("recoveries"), "recoveries: 1 or more is wanted")
	}
	m.checkTimeout(k, v)
}

func (m *monitors) checkTimeout(k *monitorKeys, v view) {
	const longest = 10 * time.Second
	byCron := v.own.has("cron") || v.has("cron") && !v.own.has("interval")
	switch {
	case !v.has("timeout") && byCron:
		k.Timeout = longest
	case !v.has("timeout"):
		k.Timeout = min(longest, k.Interval/5*4)
	case k.Timeout <= 0:
		m.judge(v.at("timeout"), "timeout: more than 0 is wanted")
	case !byCron && k.Timeout >= k.Interval:
		m.judge(v.at("timeout", "interval"), fmt.Sprintf("timeout: %s has to be less than the interval of %s", span(k.Timeout), span(k.Interval)))
	}
}

// span writes a duration as people do: 1m30s, not 1m30.0s; 1h, not 1h0m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// checkLabels holds labels to what Prometheus takes.
func (m *monitors) checkLabels(labels map[string]string, v view) {
	for _, name := range sortedKeys(labels) {
		switch at := v.locate("labels." + name); {
		case !isLabel(name):
			m.judge(at, fmt.Sprintf("labels: %q is not a label name: letters, digits and _ are, not beginning with a digit", name))
		case strings.HasPrefix(name, "__"):
			m.judge(at, fmt.Sprintf("labels: %q begins with __, which Prometheus keeps to itself", name))
		case slices.Contains([]string{"monitor", "name", "type", "group", "url", "credential"}, name):
			m.judge(at, fmt.Sprintf("labels: %q is a label of ours already", name))
		}
	}
}

func isLabel(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

func (m *monitors) checkCredential(name string, v view) {
	if name == "" {
		return
	}
	m.used["credentials."+name] = true
	if _, ok := m.config.Credentials[name]; !ok {
		m.judge(v.at("credential"), "credential: "+unknownName("credential", name, m.creds))
	}
}

func unknownName(what, name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("there is no %s %q, did you mean %q?", what, name, near)
	}
	return fmt.Sprintf("there is no %s %q", what, name)
}

// resolveNotify returns the notifiers of a monitor: all where none are named.
func (m *monitors) resolveNotify(names []string, v view) []string {
	if !v.has("notify") {
		for _, name := range m.channels {
			m.used["notifiers."+name] = true
		}
		return m.channels
	}
	if len(names) == 0 {
		m.warn(v.at("notify"), "notify: nobody is told when this monitor fails")
	}
	known := make([]string, 0, len(names))
	for i, name := range names {
		m.used["notifiers."+name] = true
		if _, ok := m.config.Notifiers[name]; !ok {
			m.judge(v.locate("notify["+strconv.Itoa(i)+"]"), "notify: "+unknownName("notifier", name, m.channels))
		} else if !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	return known
}

// checkURL warns of a credential that would travel in the clear.
func (m *monitors) checkURL(k *monitorKeys, v view) {
	u, err := url.Parse(k.HTTP.URL)
	if err != nil || k.Credential == "" || u.Scheme != "http" || isLoopback(u.Hostname()) {
		return
	}
	m.warn(v.at("url"), "url: the credential "+strconv.Quote(k.Credential)+" goes over http:// in the clear")
}
