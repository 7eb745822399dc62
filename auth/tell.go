package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// busy is a provider that answers none at the moment.
func (r reply) busy(reason check.Reason, m members) *finding {
	f := &finding{reason: reason, text: fmt.Sprintf("answered %d", r.status), retryAfter: r.retryAfter(), trace: r.trace(m), signs: r.signs(m)}
	if m.has("error") {
		f.text = "answered " + r.told(m)
	}
	if f.retryAfter > 0 {
		f.text += fmt.Sprintf(" and asks to wait %s", f.retryAfter.Round(time.Second))
	}
	return f
}

func (r reply) redirected() *finding {
	f := &finding{reason: check.TokenMalformed, text: fmt.Sprintf("answered %d, a redirect, which is never followed", r.status)}
	if to := r.header.Get("Location"); to != "" {
		f.location = r.shownLocation(to)
	}
	return f
}

// shownLocation is a redirect's target without userinfo, query and secrets. It
// is scrubbed decoded, because an echo in it is encoded once more.
func (r reply) shownLocation(to string) string {
	u, err := url.Parse(secret.Scrub(to, r.secrets...))
	if err != nil {
		return "an unreadable URL"
	}
	shown := u.Path
	if u.Host != "" {
		shown = providerOrigin(u) + u.Path
	}
	return secret.Line(secret.Scrub(shown, r.secrets...), quoted)
}

// told is what the endpoint says about its error: status, code and description.
func (r reply) told(m members) string {
	out := strconv.Itoa(r.status)
	code, ok := m.text("error")
	description, _ := m.text("error_description")
	if !ok && m.has("error") { // an object, as some frameworks write it
		var inner members
		if json.Unmarshal(m["error"], &inner) == nil {
			description, _ = inner.text("message")
		}
	}
	if code = r.quote(m, code); code != "" {
		out += " " + code
	}
	description = strings.Replace(description, fositeExamples, "", 1) // there is more to say in a line
	if description = r.quote(m, description); description != "" {
		out += ": " + description
	}
	return secret.Line(out, quoted)
}

// quote makes a text of the endpoint fit to be shown: without what we sent and
// without the tokens that it holds itself.
func (r reply) quote(m members, s string) string {
	hide := r.secrets
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if v, _ := m.text(name); v != "" {
			hide = append(slices.Clip(hide), v)
		}
	}
	return secret.Line(secret.Scrub(s, hide...), quoted)
}

// trace names the request in the provider's log (Entra ID).
func (r reply) trace(m members) string {
	id, _ := m.text("trace_id")
	return secret.Line(r.quote(m, id), 40)
}

// shape says what a body looks like, without quoting it.
func (r reply) shape(isJSON bool) string {
	start := strings.ToLower(strings.TrimSpace(string(r.body[:min(len(r.body), 200)])))
	switch {
	case start == "":
		return "the body is empty"
	case isJSON:
		return "JSON that does not hold what was expected"
	case strings.HasPrefix(start, "<"):
		return "the body is HTML or XML"
	case r.header.Get("Content-Encoding") != "":
		return "the body is compressed without having been asked for"
	}
	return "the body is no JSON object"
}

// retryAfter reads Retry-After, in seconds or as a date (RFC 9110, 10.2.3).
func (r reply) retryAfter() time.Duration {
	v := strings.TrimSpace(r.header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(v, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, longestAsked.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, min(at.Sub(r.now), longestAsked))
	}
	return 0
}
