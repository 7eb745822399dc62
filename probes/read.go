package probes

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

// answer is what came back to one request. The body is read after the rules
// that need none have passed the answer on.
type answer struct {
	status     int
	header     http.Header
	url        *url.URL // that was asked
	redirected bool     // a redirect led here
	passed     string   // a sign-in shape passed on the way here and not left since; see hop
	body       []byte   // decoded, in UTF-8
	cut        bool     // the body goes on beyond max_body
	plain      bool     // it came without TLS
	major      uint8    // version of HTTP
	minor      uint8
	broken     *finding // why the body could not be read to its end
	asked      *asked   // what the queries of expect.json made of it; nil: all is true
}

// scene is what is known before an answer comes. Reading an answer is pure: it
// depends on scene and answer alone.
type scene struct {
	url      *url.URL // of the monitor
	origin   string
	provider string // origin of the identity provider, "" for none
	expect   *expectations
	hops     int // max_redirects
	limit    int64
	way      *Way            // nil: no credential
	sent     http.Header     // the header of the request, for the monitor's own origin
	secrets  func() []string // what is scrubbed from quotes; nil: nothing
}

// finding is a fault before its cause is known.
type finding struct {
	reason        check.Reason
	message, hint string
}

// opinion is what an answer tells about the token that was sent.
type opinion int

const (
	noOpinion opinion = iota // the gate did not speak, or not about the token
	taken
	refused // another token might be taken
)

// verdict is the reading of one answer: a fault, a redirect to follow, or
// neither: passed.
type verdict struct {
	fault *finding
	next  *url.URL
	shape string // by which sign next leads to a sign-in page
	token opinion
}

// readHead applies the rules that need no body: what the gate says in its
// challenge, and where a redirect leads. done says that they decided.
func (s *scene) readHead(a *answer) (v verdict, done bool) {
	if s.way != nil {
		if v, done = s.challenged(a); done {
			return v, true
		}
	}
	if !redirects(a.status) || s.hops == 0 && s.expect.expects(a.status) {
		return verdict{}, false
	}
	if s.way == nil {
		return s.wander(a)
	}
	return s.redirected(a)
}

// redirects says whether a status sends the client elsewhere (RFC 9110, 15.4).
func redirects(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// challenged is rule 1: the gate names what it has against the token, on
// whatever status. It comes before all others because gates that redirect
// (Authelia behind nginx: 302 with an empty Location) say it all the same.
func (s *scene) challenged(a *answer) (verdict, bool) {
	cs := challengesOf(a.header)
	for i := range cs {
		if cs[i].scheme != "bearer" {
			continue
		}
		switch strings.ToLower(cs[i].get("error")) {
		case "invalid_token":
			return s.refuse(s.invalidToken(a, &cs[i])), true
		case "insufficient_scope":
			return s.narrow(a, &cs[i]), true
		}
	}
	for i := range cs {
		if cs[i].scheme == "basic" && (strings.EqualFold(cs[i].get("realm"), "Authorization Required") ||
			a.status == http.StatusFound && location(a) == "") {
			return s.basicChallenge(a), true
		}
	}
	return verdict{}, false
}

// narrow is a token whose scope is not enough. The client may have been given
// the scope since, so a 403 is a refusal like any other.
func (s *scene) narrow(a *answer, c *challenge) verdict {
	f := s.insufficientScope(a, c)
	if a.status == http.StatusForbidden {
		return s.refuse(f)
	}
	return verdict{fault: f}
}

// refuse marks a fault as a refusal of the token, unless the monitor expects
// refusal: then no token is replaced.
func (s *scene) refuse(f *finding) verdict {
	v := verdict{fault: f, token: refused}
	if s.expect.refusal() {
		v.token = noOpinion
	}
	return v
}

func (s *scene) basicChallenge(a *answer) verdict {
	switch {
	case s.autheliaToken():
		return verdict{fault: s.secondFactor(a)} // another token would be of one factor too
	case s.way.Kind == kindBasic:
		return verdict{fault: s.wrongPassword(a)}
	}
	return s.refuse(s.askedForBasic(a))
}

// autheliaToken says whether what was sent is an opaque token of Authelia's; a
// fixed token may be one too.
func (s *scene) autheliaToken() bool {
	if s.way.Authelia != nil && s.way.Authelia() {
		return true
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		if strings.HasPrefix(s.sent.Get(name), "Bearer authelia_at_") {
			return true
		}
	}
	return false
}

// location returns the Location of an answer, "" where it is empty or missing.
func location(a *answer) string { return strings.TrimSpace(a.header.Get("Location")) }

// redirected is rule 2, with a credential: the only redirects that are followed
// are those that stay on the monitor's origin and do not look like a sign-in.
// With max_redirects: 0 a status that is not expected is still read for the
// sign-in shape, because "the gate sent us to sign in" says more than "302".
func (s *scene) redirected(a *answer) (verdict, bool) {
	loc := location(a)
	if loc == "" {
		if a.status != http.StatusFound && a.status != http.StatusSeeOther {
			return verdict{}, false
		}
		return s.refuse(s.nowhere(a)), true
	}
	target, err := a.url.Parse(loc)
	if err != nil {
		return verdict{fault: s.badLocation(a)}, true
	}
	origin := originOf(target)
	if origin == s.provider && origin != s.origin {
		return s.refuse(s.loginRedirect(a, target, "to its identity provider")), true
	}
	if shape := signInShape(s.url, target); shape != "" {
		return s.refuse(s.loginRedirect(a, target, shape)), true
	}
	switch {
	case s.hops == 0:
		return verdict{}, false
	case origin != s.origin:
		return verdict{fault: s.elsewhere(a, target)}, true
	}
	return verdict{next: target}, true
}

// wander is rule 2 without a credential: redirects are followed, also to other
// origins. What leads to a sign-in is remembered until the way comes back.
func (s *scene) wander(a *answer) (verdict, bool) {
	loc := location(a)
	if loc == "" {
		if a.status != http.StatusFound && a.status != http.StatusSeeOther {
			return verdict{}, false
		}
		return verdict{fault: s.nowhere(a)}, true
	}
	target, err := a.url.Parse(loc)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return verdict{fault: s.badLocation(a)}, true
	}
	shape := signInShape(s.url, target)
	if s.hops == 0 {
		if shape == "" {
			return verdict{}, false
		}
		return verdict{fault: s.signInAhead(a, shape)}, true
	}
	return verdict{next: target, shape: shape}, true
}

// readBody applies the rules that need the body: sign-in pages, statuses, and
// what is expected.
func (s *scene) readBody(a *answer) verdict {
	expected := s.expect.expects(a.status)
	short := s.expect.judge(a)
	denied := a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
	if !expected || !denied { // listed, a 401 or 403 is no refusal
		if sign := s.signIn(a, expected, short); sign != "" {
			return s.refuse(s.signInPage(a, sign))
		}
	}
	switch {
	case !expected:
		return s.wrongStatus(a)
	case a.broken != nil:
		return verdict{fault: a.broken}
	}
	v := verdict{token: taken}
	if denied {
		v.token = noOpinion
	}
	if short.reason != "" {
		v.fault = s.unexpected(a, short)
	}
	return v
}

// wrongStatus is the rest of rule 3: a status that is not expected.
func (s *scene) wrongStatus(a *answer) verdict {
	switch {
	case s.way != nil && a.status == http.StatusUnauthorized:
		v := s.refuse(s.unauthorized(a))
		if asksWithoutError(a.header) {
			v.token = noOpinion // RFC 6750, 3.1: nothing was wrong with a token, none was seen
		}
		return v
	case s.way != nil && a.status == http.StatusForbidden:
		return s.refuse(s.forbidden(a))
	case failedBefore(a):
		return verdict{fault: s.gatewayError(a)}
	}
	v := verdict{fault: s.status(a)}
	if a.status < 500 && a.status != http.StatusProxyAuthRequired {
		v.token = taken
	}
	return v
}

// failedBefore says whether it was a proxy that failed and not the application.
func failedBefore(a *answer) bool {
	switch a.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		return stockPage(a.body) != ""
	}
	return false
}

// asksWithoutError says whether there is a Bearer challenge, and none with an
// error.
func asksWithoutError(h http.Header) bool {
	asks := false
	for _, c := range challengesOf(h) {
		if c.scheme == "bearer" {
			if c.get("error") != "" {
				return false
			}
			asks = true
		}
	}
	return asks
}
