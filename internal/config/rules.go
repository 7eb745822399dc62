package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/probes"
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

// place returns where the first of the paths stands that the monitor gives
// itself, else its beginning. What conflicts only because of a default is the
// monitor's own problem.
func (v view) place(paths ...string) (pos Position, exact bool) {
	if v.own.node == nil {
		return v.inDefaults(paths[0])
	}
	for _, p := range paths {
		if v.own.has(first(p)) {
			return v.own.place(p)
		}
	}
	return v.own.pos, false
}

func (v view) inDefaults(path string) (Position, bool) {
	for _, d := range v.defaults {
		if d.has(first(path)) {
			return d.place(path)
		}
	}
	if len(v.defaults) > 0 {
		return v.defaults[0].pos, false
	}
	return Position{}, false
}

// first returns the first key of a path.
func first(path string) string {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return path
}

// object reports what is wrong at the first of the paths that the monitor gives
// itself. What the defaults brought with them was said of them already.
func (m *monitors) object(v view, msg string, paths ...string) { m.objectAs(v, false, msg, paths...) }

func (m *monitors) objectAs(v view, warning bool, msg string, paths ...string) {
	pos, exact := v.place(paths...)
	if v.own.node == nil {
		m.inherited[msg] = true
	} else if !exact && m.inherited[msg] {
		return
	}
	if !m.spoilt[pos] {
		m.report(pos, msg, warning)
	}
}

// checkSchedule checks interval and cron, of which the monitor's own counts.
func (m *monitors) checkSchedule(k *monitorKeys, v view) {
	if v.has("cron") && v.has("interval") {
		cron, interval := v.own.has("cron"), v.own.has("interval")
		switch {
		case cron == interval:
			m.object(v, "cron and interval exclude each other", "cron", "interval")
		case interval:
			k.Cron = ""
		}
	}
	if !v.has("cron") || k.Cron == "" {
		m.noCron(v)
		k.Cron, k.Timezone = "", ""
		return
	}
	k.Interval = 0
	m.checkZone(k, v)
}

// noCron reports what has no sense without a cron expression.
func (m *monitors) noCron(v view) {
	if v.own.has("cron") {
		m.object(v, "cron: the expression is empty", "cron")
	}
	if v.own.has("timezone") {
		m.object(v, "timezone: it is for cron, and this monitor has none", "timezone")
	}
}

func (m *monitors) checkZone(k *monitorKeys, v view) {
	if k.Timezone == "" {
		k.Timezone = m.config.Timezone.String()
	} else if _, wrong := zoneOf(k.Timezone); wrong != "" {
		m.object(v, "timezone: "+wrong, "timezone", "cron")
		return
	}
	if wrong := checkCron(k.Cron, k.Timezone); wrong != "" {
		m.object(v, wrong, "cron")
	}
}

// checkTimes checks durations and counts, and fills in the timeout.
func (m *monitors) checkTimes(k *monitorKeys, v view) {
	if k.Interval < time.Second {
		m.object(v, "interval: at least 1s is wanted", "interval")
	}
	switch {
	case !v.has("retry_interval") && k.Interval >= time.Second: // a retry is not to come later than the next ordinary run
		k.RetryInterval = min(k.RetryInterval, k.Interval)
	case k.RetryInterval < time.Second:
		m.object(v, "retry_interval: at least 1s is wanted", "retry_interval")
	}
	if k.RemindEvery != 0 && k.RemindEvery < time.Second {
		m.object(v, "remind_every: at least 1s is wanted, or 0 for never", "remind_every")
	}
	if k.Retries < 0 {
		m.object(v, "retries: 0 or more is wanted", "retries")
	}
	if k.Recoveries < 1 {
		m.object(v, "recoveries: 1 or more is wanted", "recoveries")
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
		m.object(v, "timeout: more than 0 is wanted", "timeout")
	case !byCron && k.Timeout >= k.Interval:
		m.object(v, fmt.Sprintf("timeout: %s has to be less than the interval of %s", Span(k.Timeout), Span(k.Interval)), "timeout", "interval")
	}
}

// checkPace checks max_duration, which a run that takes longer than its timeout
// never comes to.
func (m *monitors) checkPace(k *monitorKeys, v view) {
	e := k.HTTP.Expect
	if e.MaxDuration > 0 && k.Timeout > 0 && e.MaxDuration >= k.Timeout {
		m.object(v, fmt.Sprintf("expect.max_duration: %s has to be less than the timeout of %s", Span(e.MaxDuration), Span(k.Timeout)), "expect.max_duration", "timeout", "interval")
	}
	if _, own := v.own.place("expect.warn"); own && e.Warn && e.MaxDuration == 0 {
		m.object(v, "expect.warn: it is for max_duration, and this monitor has none", "expect.warn")
	}
}

// checkCertificates checks and sorts the thresholds, and warns of those that
// can never be reached.
func (m *monitors) checkCertificates(k *monitorKeys, v view) {
	for i, d := range k.CertificateWarn {
		if d <= 0 {
			m.object(v, "certificate_warn: more than 0 is wanted; [] is for no warning", "certificate_warn["+strconv.Itoa(i)+"]")
		}
	}
	slices.Sort(k.CertificateWarn)
	slices.Reverse(k.CertificateWarn)
	k.CertificateWarn = slices.Compact(k.CertificateWarn)
	switch {
	case len(k.CertificateWarn) == 0 || !v.own.has("certificate_warn"):
	case strings.HasPrefix(k.HTTP.URL, "http://"):
		m.objectAs(v, true, "certificate_warn: http:// has no certificate", "certificate_warn")
	case k.HTTP.TLS.InsecureSkipVerify:
		m.objectAs(v, true, "certificate_warn: no warning comes of a certificate that is not verified", "certificate_warn")
	}
}

// checkLabels holds labels to what Prometheus takes.
func (m *monitors) checkLabels(labels map[string]string, v view) {
	for _, name := range sortedKeys(labels) {
		switch at := "labels." + name; {
		case !isLabel(name):
			m.object(v, fmt.Sprintf("labels: %q is not a label name: letters, digits and _ are, not beginning with a digit", name), at)
		case strings.HasPrefix(name, "__"):
			m.object(v, fmt.Sprintf("labels: %q begins with __, which Prometheus keeps to itself", name), at)
		case slices.Contains(ownLabels(), name):
			m.object(v, fmt.Sprintf("labels: %q is a label of ours already", name), at)
		}
	}
}

// ownLabels are the labels that metrics have already.
func ownLabels() []string { return []string{"monitor", "name", "type", "group", "url", "credential"} }

func isLabel(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

func (m *monitors) checkCredential(name string, v view) {
	if _, ok := m.config.Credentials[name]; !ok && name != "" {
		m.object(v, "credential: "+unknownName("credential", name, m.creds), "credential")
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
		return m.channels
	}
	if len(names) == 0 {
		m.objectAs(v, true, "notify: nobody is told when this monitor fails", "notify")
	}
	known := make([]string, 0, len(names))
	for i, name := range names {
		if _, ok := m.config.Notifiers[name]; !ok {
			m.object(v, "notify: "+unknownName("notifier", name, m.channels), "notify["+strconv.Itoa(i)+"]")
		} else if !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	return known
}

// checkURL misses a URL, and warns of a credential that would travel in the
// clear.
func (m *monitors) checkURL(k *monitorKeys, v view) {
	if k.HTTP.URL == "" {
		m.object(v, "url: a monitor of type "+k.Type+" needs a url", "url")
	}
	u, err := url.Parse(k.HTTP.URL)
	if err != nil || u.Scheme != "http" || machine.IsLoopback(u.Hostname()) || k.Type == probes.TypeIssuer { // which sends none there
		return
	}
	for _, name := range credentialsOf(k.Credential, k.Guard) {
		m.objectAs(v, true, "url: the credential "+strconv.Quote(name)+" goes over http:// in the clear", "url")
	}
}

// checkWords warns of what can never pass.
func (m *monitors) checkWords(e probes.Expect, v view) {
	for i, word := range e.Absent {
		if slices.Contains(e.Keyword, word) {
			m.objectAs(v, true, "expect.absent: the same text is a keyword, so no answer can pass", "expect.absent["+strconv.Itoa(i)+"]")
		}
	}
}
