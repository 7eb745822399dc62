package kuma

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/probes"
)

// readMonitor adds a monitor, or says why it stays.
func (r *kumaReader) readMonitor(m row) {
	kind := strings.TrimSpace(m.text("type"))
	why := staying(kind)
	if why == "" && m.text("auth_method") == "ntlm" {
		why = "NTLM has no counterpart here"
	}
	if why != "" {
		r.doc.Stays = append(r.doc.Stays, Stay{"monitor", nameOf(m), kind, why})
		return
	}
	url := strings.TrimSpace(m.text("url"))
	if _, err := probes.Origin(url); err != nil {
		r.doc.Stays = append(r.doc.Stays, Stay{"monitor", nameOf(m), kind, "its URL is none that can be requested: " + err.Error()})
		return
	}
	e := &Entry{Name: nameOf(m), ID: "kuma-" + m.key("id"), Group: r.path(m)}
	for line := range strings.Lines(m.text("description")) {
		e.Comment(line)
	}
	e.Fields.Set("url", r.hide.url(e.Name, url))
	r.request(e, m)
	r.access(e, m)
	r.route(e, m)
	r.expect(e, m, kind)
	r.times(e, m)
	r.certificates(e, m, url)
	if labels := r.labelsOf(m.key("id")); len(labels) > 0 {
		e.Fields.Set("labels", labels)
	}
	r.notify(e, m)
	if !m.flag("active", true) {
		e.Fields.Set("enabled", false)
		if m.flag("force_inactive", false) {
			e.Comment("paused with its group, or by itself: the backup does not tell")
		}
	}
	r.doc.Monitors = append(r.doc.Monitors, e)
	r.entries[m.key("id")] = e
}

// staying says why a type of monitor stays in Kuma, "" for those that come over.
func staying(kind string) string {
	switch kind {
	case "http", "keyword", "json-query":
		return ""
	case "group":
		return "Groups are headings here (group: of their members) and have no state of their own"
	case "push":
		return "Nobody reports to Watchword: it goes and looks by itself"
	case "real-browser":
		return "Watchword drives no browser"
	case "manual":
		return "Watchword takes no state that people set"
	case "":
		return "It has no type"
	}
	return "Watchword watches what is asked by HTTP"
}

// request takes over what is sent.
func (r *kumaReader) request(e *Entry, m row) {
	method := strings.ToUpper(strings.TrimSpace(m.text("method")))
	switch {
	case method == "":
		method = http.MethodGet
	case !httpguts.ValidHeaderFieldName(method) || method == http.MethodConnect:
		r.object(e, "the method %q cannot be sent: GET is in its place", method)
		method = http.MethodGet
	}
	e.Fields.Set("method", method)
	r.headers(e, m)
	r.body(e, m, method)
	if m.flag("cache_bust", false) {
		e.Fields.Set("cache_bust", true)
	}
}

// object tells of trouble with a monitor: above it, and in the summary.
func (r *kumaReader) object(e *Entry, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	e.Comment("LOOK: " + line)
	r.doc.look("%s: %s", e.Name, line)
}

// headers takes over the headers but those that are the connection's own.
func (r *kumaReader) headers(e *Entry, m row) {
	pairs, ok := m.object("headers")
	if !ok {
		r.object(e, "its headers are no JSON object, so that it fails in Uptime Kuma: they were left out")
		return
	}
	at := map[string]int{}
	var f Fields
	for _, p := range pairs {
		name := http.CanonicalHeaderKey(strings.TrimSpace(p.name))
		if why := unfit(name, p.value); why != "" {
			r.object(e, "the header %q was left out: %s", p.name, why)
			continue
		}
		field := Field{Key: strings.TrimSpace(p.name), Value: r.hide.header(e.Name, name, p.value)}
		if i, twice := at[name]; twice {
			f[i] = field
			continue
		}
		at[name] = len(f)
		f = append(f, field)
	}
	if len(f) > 0 {
		e.Fields.Set("headers", f)
	}
}

// unfit says why a header cannot be sent.
func unfit(name, value string) string {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return "this is not the name of a header"
	case slices.Contains([]string{"Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Upgrade"}, name):
		return "it belongs to the connection"
	case !httpguts.ValidHeaderFieldValue(value):
		return "its value holds characters that no header may hold"
	}
	return ""
}

func hasHeader(e *Entry, name string) bool {
	headers, _ := e.Fields.Get("headers").(Fields)
	return slices.ContainsFunc(headers, func(f Field) bool { return strings.EqualFold(f.Key, name) })
}

// body takes over the body with its Content-Type, which Kuma sets by itself.
func (r *kumaReader) body(e *Entry, m row, method string) {
	body := m.text("body")
	if strings.TrimSpace(body) == "" {
		return
	}
	if method == http.MethodTrace {
		r.object(e, "TRACE sends no body: it was left out")
		return
	}
	kind := m.text("http_body_encoding")
	switch {
	case kind == "form":
	case kind == "xml": // ours would be application/xml
		if !hasHeader(e, "Content-Type") {
			e.Fields.Set("headers.Content-Type", "text/xml; charset=utf-8")
		}
	case json.Valid([]byte(body)):
		kind = "json"
	default:
		r.object(e, "its body is no JSON, so that it fails in Uptime Kuma: it is sent as it is")
		kind = "text"
	}
	e.Fields.Set("body_type", kind)
	e.Fields.Set("body", r.hide.body(e.Name, body))
}

// times takes over when it runs, and when people are told.
func (r *kumaReader) times(e *Entry, m row) {
	const longest = 3650 * 24 * time.Hour
	every := min(time.Duration(max(m.integer("interval"), 0))*time.Second, longest)
	if every == 0 {
		every = time.Minute
	}
	e.Fields.Set("interval", every)
	r.timeout(e, m, every)
	e.Fields.Set("retries", max(m.integer("maxretries"), 0))
	retry := min(time.Duration(max(m.integer("retry_interval"), 0))*time.Second, longest)
	if retry == 0 {
		retry = every
	}
	e.Fields.Set("retry_interval", retry)
	beats := min(max(m.integer("resend_interval"), 0), int(longest/every))
	e.Fields.Set("remind_every", time.Duration(beats)*every)
}

// timeout takes over the timeout. 0, which Kuma means as 80 % of the interval
// and makes hours of by mistake, is 80 % of the interval.
func (r *kumaReader) timeout(e *Entry, m row, interval time.Duration) {
	seconds, ok := m.number("timeout")
	timeout := time.Duration(math.Round(min(seconds, 1e9)*1000)) * time.Millisecond
	usual := interval / 10 * 8
	switch {
	case !ok || timeout <= 0:
		timeout = usual
	case timeout >= interval:
		e.Comment(fmt.Sprintf("its timeout was %s, which has to be less than the interval here", config.Span(timeout)))
		timeout = usual
	}
	e.Fields.Set("timeout", timeout)
}

// certificates takes over when people hear of a certificate. Nobody hears of one
// that is not verified, there and here; http has none.
func (r *kumaReader) certificates(e *Entry, m row, url string) {
	on := m.flag("expiry_notification", false) && !m.flag("ignore_tls", false)
	https := strings.HasPrefix(strings.ToLower(url), "https:")
	switch {
	case !m.has("expiry_notification"):
	case on && https:
		e.Fields.Set("certificate_warn", r.warn)
	case !on:
		e.Fields.Set("certificate_warn", []time.Duration{})
	}
}
