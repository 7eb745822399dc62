package kuma

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/config"
)

// endpoint adds a monitor, or says why it stays.
func (r *gatusReader) endpoint(v value, shared bool) {
	name := v.get("name").text()
	if why := gatusStays(v); why != "" {
		r.stay("endpoint", name, kindOf(v), why)
		return
	}
	group := v.get("group").text()
	e := &Entry{Name: unmarked(name), Group: unmarked(group)}
	if shared && group != "" {
		e.Name = fmt.Sprintf("%s (%s)", e.Name, e.Group)
	}
	r.target(e, v)
	r.request(e, v)
	r.client(e, v)
	r.expect(e, v)
	r.times(e, v)
	r.alerts(e, v, group)
	r.extras(e, v)
	for _, w := range v.get("maintenance-windows").list() {
		r.windows = append(r.windows, gatusWindow{e, w})
	}
	r.doc.Monitors = append(r.doc.Monitors, e)
}

// kindOf is what Gatus does with an endpoint, by its URL.
func kindOf(v value) string {
	if v.get("dns").given() {
		return "dns"
	}
	scheme, _, found := strings.Cut(v.get("url").text(), "://")
	if !found {
		return ""
	}
	if marked(scheme) {
		return unmarked(scheme)
	}
	return strings.ToLower(scheme)
}

// gatusStays says why an endpoint stays, "" for those that come over.
func gatusStays(v value) string {
	raw := v.get("url").text()
	switch kind := kindOf(v); {
	case raw == "":
		return "It has no URL"
	case marked(strings.SplitN(raw, "://", 2)[0]):
		return "What its URL asks for is in a variable"
	case kind != "http" && kind != "https":
		return "Watchword watches what is asked by HTTP"
	}
	for key, why := range map[string]string{
		"identity-aware-proxy": "Watchword gets no tokens of Google's Identity-Aware Proxy yet",
		"kerberos":             "Kerberos has no counterpart here",
		"tunnel":               "Watchword goes through no SSH tunnel",
	} {
		if v.get("client", key).given() {
			return why
		}
	}
	return ""
}

// request takes over what is sent.
func (r *gatusReader) request(e *Entry, v value) {
	if method := strings.ToUpper(v.get("method").text()); method != "" {
		e.Fields.Set("method", r.raw(method))
	}
	r.headers(e, v)
	body := v.get("body").text()
	if body == "" {
		return
	}
	whole := strings.Contains(body, "[ENDPOINT_URL]") && holdsSecret(Fields{{Value: e.Fields.Get("url")}})
	body = strings.NewReplacer("[ENDPOINT_NAME]", v.get("name").text(), "[ENDPOINT_GROUP]", v.get("group").text(), "[ENDPOINT_URL]", v.get("url").text()).Replace(body)
	if strings.Contains(body, "[RANDOM_STRING_") {
		r.object(e, "[RANDOM_STRING_…] in its body is sent as it stands here: there is nothing random in a body")
	}
	if v.get("graphql").flag(false) {
		body = `{"query":` + quoted(body) + `}`
		if !hasHeader(e, "Content-Type") {
			e.Fields.Set("headers.Content-Type", "application/json")
		}
	}
	if whole { // the secret of the URL is within
		e.Fields.Set("body", r.secret(e.Name, "body", body))
		return
	}
	e.Fields.Set("body", r.body(e.Name, body))
}

// headers takes over the headers. One that carries a token or a password in the
// clear becomes a credential, so that a refusal is told from an outage.
func (r *gatusReader) headers(e *Entry, v value) {
	host := hostOf(v.get("url").text())
	for _, h := range v.get("headers").members() {
		text := h.value.text()
		why := unfit(http.CanonicalHeaderKey(h.key), text)
		switch {
		case why != "":
			r.object(e, "the header %q was left out: %s", h.key, why)
		case strings.EqualFold(h.key, "Authorization") && !v.get("client", "oauth2").given() && e.Fields.Get("credential") == nil:
			r.authorization(e, host, text)
		default:
			e.Fields.Set("headers", append(listed(e.Fields.Get("headers")), Field{Key: h.key, Value: r.header(e.Name, h.key, text)}))
		}
	}
}

func listed(v any) Fields { f, _ := v.(Fields); return f }

// times takes over when it runs.
func (r *gatusReader) times(e *Entry, v value) {
	every, limit := v.get("interval").text(), v.get("client", "timeout").text()
	interval, timeout := v.get("interval").duration(gatusInterval), v.get("client", "timeout").duration(gatusTimeout)
	if timeout < time.Millisecond {
		timeout = gatusTimeout
	}
	if marked(every) {
		e.Fields.Set("interval", r.raw(every))
		if limit != "" {
			e.Fields.Set("timeout", r.span(limit, timeout))
		}
		return
	}
	if interval < time.Second {
		r.object(e, "it ran every %s; at least 1s is taken here", interval)
		interval = time.Second
	}
	if timeout >= interval && !marked(limit) {
		e.Comment(fmt.Sprintf("its timeout of %s is not below the interval: 80 %% of that is taken", config.Span(timeout)))
		timeout = interval / 5 * 4
	}
	e.Fields.Set("interval", interval)
	e.Fields.Set("timeout", r.span(limit, timeout))
}

// span is a duration, or the variable that it is in.
func (k *desk) span(text string, d time.Duration) any {
	if marked(text) {
		return k.raw(text)
	}
	return d
}

// flag sets a key where a switch is not as it is by default, or is in a variable.
func (k *desk) flag(f *Fields, key string, v value, standard bool) {
	switch text := v.text(); {
	case marked(text):
		f.Set(key, k.raw(text))
	case v.flag(standard) != standard:
		f.Set(key, !standard)
	}
}

// extras takes over labels and what is switched off.
func (r *gatusReader) extras(e *Entry, v value) {
	own := []string{"monitor", "name", "type", "group", "url", "credential"}
	for _, l := range v.get("extra-labels").members() {
		name := labelName(l.key)
		if slices.Contains(own, name) || name == "" || strings.HasPrefix(name, "__") {
			name = "label_" + strings.Trim(name, "_")
		}
		e.Fields.Set("labels", append(listed(e.Fields.Get("labels")), Field{Key: name, Value: r.raw(l.value.text())}))
	}
	r.flag(&e.Fields, "enabled", v.get("enabled"), true)
	if regexp.MustCompile(`(?i)hide-(url|hostname)`).MatchString(strings.Join(keysOf(v.get("ui")), " ")) {
		e.Comment("Gatus hid its address; Watchword shows it without user, password and query")
	}
}

func keysOf(v value) []string {
	var all []string
	for _, m := range v.members() {
		all = append(all, m.key)
	}
	return all
}
