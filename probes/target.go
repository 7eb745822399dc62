package probes

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// The messages and hints of what the service and the network say.

func (s *scene) gatewayError(a *answer) *finding {
	who := "what stands before the service"
	if p := stockPage(a.body); a.status == http.StatusInternalServerError && p != "" {
		who = "a proxy (" + p + ", by its page)"
	}
	hint := "the proxy is there and does not reach the service, or the service answers too late: look at the service behind " + s.origin
	if a.status == http.StatusInternalServerError {
		hint = "nginx answers so when its auth_request fails: look at the proxy's error log"
	}
	if s.way != nil && s.way.Provider != "" {
		hint += fmt.Sprintf("; the gate %q may be what it does not reach", s.way.Gate)
	}
	return &finding{check.GatewayError,
		fmt.Sprintf("%s answered %s%s", who, named(a.status), s.says(a)), hint}
}

func named(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprint(status)
}

func (s *scene) status(a *answer) *finding {
	f := &finding{reason: check.Status, message: fmt.Sprintf("answered %s, which is not expected%s", named(a.status), s.says(a))}
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden: // without a credential
		f.hint = "it asks for a credential: give the monitor one"
		if s.url.User != nil {
			f.hint = "the user name and password in the URL were not taken"
		}
	case a.status == http.StatusNotFound:
		f.hint = fmt.Sprintf("is the path right? nothing is at %s", s.shown(a.url))
	case a.status == http.StatusTooManyRequests:
		f.hint = "we are asked to come less often: a longer interval, or an exception for the monitor"
	case a.status == 561:
		f.hint = "an AWS load balancer says that its identity provider returned an error"
	case a.status >= 500:
		f.hint = "the service failed while it answered: look at its log"
	case redirects(a.status) && location(a) != "":
		f.hint = "max_redirects is 0, so the redirect itself is judged: expect its status, or allow redirects" + s.whereTo(a)
	default:
		f.hint = "if this status is right, add it to expect.status"
	}
	return f
}

func (s *scene) whereTo(a *answer) string { return fmt.Sprintf(" (it leads to %s)", s.target(a)) }

// target returns the redacted Location of an answer, "" for none.
func (s *scene) target(a *answer) string {
	loc := location(a)
	if loc == "" {
		return ""
	}
	target, err := a.url.Parse(loc)
	if err != nil {
		return "[unreadable URL]"
	}
	return s.shown(target)
}

// cutWord shortens a keyword; it is the user's own, and needs no scrubbing.
func cutWord(word []byte) string {
	if r := []rune(string(word)); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return string(word)
}

// titled quotes the title of a page, "" for none.
func (s *scene) titled(a *answer, runes int) string {
	mediaType, _ := splitType(a.header.Get("Content-Type"))
	if !isHTML(mediaType, a.body) {
		return ""
	}
	if t := secret.Line(s.quote(pageTitle(a.body)), runes); t != "" {
		return fmt.Sprintf(", titled %q", t)
	}
	return ""
}

// stop is a redirect that is not followed any more.
func (s *scene) stop(a *answer, next hop, hops int) *finding {
	switch {
	case next.passed != "":
		return s.signInAhead(a, next.passed)
	case hops < s.hops:
		return s.elsewhere(a, next.url)
	}
	f := &finding{check.RedirectLoop,
		fmt.Sprintf("more than %d redirects, the last to %s", hops, s.shown(next.url)),
		"a service that redirects in a circle often misses a cookie, or wants another host name or scheme: watchword probe shows the hops"}
	if s.shown(next.url) == s.shown(a.url) {
		f.hint = "the page redirects to itself: behind a proxy that ends TLS, the service may not know that it is asked over https"
	}
	return f
}

// stockPage says whose page for a 500 this is, "" for none that is known: a
// proxy's own page means that the proxy failed and not the application.
func stockPage(body []byte) string {
	for _, p := range []struct{ name, text string }{
		{"nginx", "<center><h1>500 Internal Server Error</h1></center>"},
		{"Apache", "<p>The server encountered an internal error or\nmisconfiguration"},
		{"HAProxy", "<html><body><h1>500 Internal Server Error</h1>"},
		{"Envoy", "upstream connect error or disconnect/reset before headers"},
	} {
		if bytes.Contains(body[:min(len(body), 4<<10)], []byte(p.text)) {
			return p.name
		}
	}
	return ""
}
