package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	lifeUntold = 5 * time.Minute // of a token whose expires_in is missing, null or 0
	quoted     = 200             // characters quoted from anybody
)

// reply is what a token endpoint answered.
type reply struct {
	status  int
	header  http.Header
	body    []byte // up to one byte more than answerLimit
	secrets []string
	now     time.Time
	ahead   *time.Duration // of the clock behind it, nil where it told nothing
}

// answer is a usable token answer (RFC 6749, section 5.1).
type answer struct {
	token     string
	kind      string // token_type as told
	life      time.Duration
	lifeTold  bool
	scope     string
	scopeTold bool
	claims    *Claims        // of a JWT, not verified; nil for an opaque token
	ahead     *time.Duration // of the provider's clock, nil where it told nothing
	warning   string         // about the form of the answer; later all warnings
	warnings  []string
}

// members are the members of a token answer, each still as it was written.
type members map[string]json.RawMessage

// judge says what a reply means: exactly one of answer and finding. It is where
// "The token endpoint's answers" is decided.
func judge(r reply) (answer, *finding) {
	m, isJSON := parse(r)
	switch {
	case r.status == http.StatusTooManyRequests:
		return answer{}, r.busy(check.TokenRateLimited, m)
	case r.status >= http.StatusInternalServerError:
		return answer{}, r.busy(check.TokenServerError, m)
	case len(r.body) > answerLimit:
		return answer{}, &finding{reason: check.TokenMalformed, text: fmt.Sprintf("answered %d with more than 1 MiB", r.status)}
	case r.status >= 300 && r.status < 400:
		return answer{}, r.redirected()
	}
	if f := r.refused(m); f != nil {
		return answer{}, f
	}
	if r.status < 200 || r.status > 299 {
		return answer{}, &finding{reason: check.TokenMalformed, text: fmt.Sprintf("answered %d without an OAuth error: %s", r.status, r.shape(isJSON))}
	}
	return r.granted(m, isJSON)
}

// parse reads the body as a JSON object, whatever its Content-Type claims, or
// as the form that some endpoints older than RFC 6749 answer with.
func parse(r reply) (members, bool) {
	var m members
	body := bytes.TrimPrefix(r.body, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(body, &m); err == nil && m != nil {
		return m, true
	}
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" && kind != "text/plain" {
		return nil, false
	}
	values, err := url.ParseQuery(string(body))
	if err != nil || !values.Has("access_token") && !values.Has("error") {
		return nil, false
	}
	m = members{}
	for k := range values {
		if b, err := json.Marshal(values.Get(k)); err == nil {
			m[k] = b
		}
	}
	return m, true
}

// text returns a member that is a string, and whether it is there as one.
func (m members) text(name string) (string, bool) {
	raw := m[name]
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// has says whether a member is there, and neither null nor the empty string.
func (m members) has(name string) bool {
	raw, ok := m[name]
	return ok && string(raw) != "null" && string(raw) != `""`
}

// refused says what an OAuth error means, nil where there is none.
func (r reply) refused(m members) *finding {
	code, _ := m.text("error")
	f := &finding{code: r.quote(m, code), text: "refused the client (" + r.told(m) + ")", retryAfter: r.retryAfter()}
	f.trace, f.signs, f.ahead = r.trace(m), r.signs(m), r.ahead
	switch code {
	case "invalid_client", "jti_known":
		f.reason = check.ClientRejected
	case "invalid_scope":
		f.reason, f.text = check.ScopeRejected, "refused the scope ("+r.told(m)+")"
	case "invalid_target", "invalid_resource":
		f.reason, f.text = check.AudienceRejected, "refused the audience or resource ("+r.told(m)+")"
	case "unauthorized_client", "unsupported_grant_type", "invalid_grant":
		f.reason, f.text = check.GrantRejected, "refused the client credentials grant ("+r.told(m)+")"
	default:
		refusal := r.status >= 400 && m.has("error") || r.status == http.StatusUnauthorized
		if !refusal {
			return nil
		}
		f.reason, f.nowhere = check.ClientRejected, r.status == http.StatusNotFound
		if code == "invalid_request" {
			f.text = "could not make sense of the request (" + r.told(m) + ")"
		}
	}
	return f
}

// granted reads a token answer. Only what cannot be used is a finding.
func (r reply) granted(m members, isJSON bool) (answer, *finding) {
	value, ok := m.text("access_token")
	a := answer{token: value}
	switch {
	case m.has("error"):
		return a, &finding{reason: check.TokenMalformed, text: "answered without a token (" + r.told(m) + ")"}
	case m.has("access_token") && !ok:
		return a, &finding{reason: check.TokenMalformed, text: fmt.Sprintf("answered %d with an access_token that is not a string", r.status)}
	case value == "":
		return a, &finding{reason: check.TokenMalformed, text: fmt.Sprintf("answered %d without a token: %s", r.status, r.shape(isJSON))}
	case strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }):
		return a, &finding{reason: check.TokenMalformed,
			text: fmt.Sprintf("answered %d with an access_token that holds characters which cannot stand in a header", r.status)}
	}
	if f := a.readKind(r, m); f != nil {
		return a, f
	}
	a.readScope(m)
	a.claims, a.ahead = claimsOf(a.token), r.ahead
	return a, a.readLife(m)
}

func (a *answer) readKind(r reply, m members) *finding {
	kind, ok := m.text("token_type")
	a.kind = secret.Line(secret.Scrub(kind, append(slices.Clip(r.secrets), a.token)...), 40)
	switch {
	case !m.has("token_type"):
		a.warning = "the provider did not tell token_type, so the token is used as a bearer token"
	case !ok:
		return &finding{reason: check.TokenUnusable, text: "issued a token with a token_type that is not a string"}
	case !strings.EqualFold(strings.TrimSpace(kind), "bearer"):
		return &finding{reason: check.TokenUnusable, text: fmt.Sprintf("issued a token of type %q, not a bearer token", a.kind)}
	}
	return nil
}

func (a *answer) readScope(m members) {
	if a.scope, a.scopeTold = m.text("scope"); a.scopeTold {
		return
	}
	var list []string
	if err := json.Unmarshal(m["scope"], &list); err == nil && list != nil {
		a.scope, a.scopeTold = strings.Join(list, " "), true
	}
}

// readLife reads expires_in: a number, also in quotes or with a fraction.
func (a *answer) readLife(m members) *finding {
	a.life = lifeUntold
	raw := strings.TrimSpace(string(m["expires_in"]))
	if s, ok := m.text("expires_in"); ok {
		raw = strings.TrimSpace(s)
	}
	if raw == "" || raw == "null" {
		return nil
	}
	seconds, err := strconv.ParseFloat(raw, 64)
	switch {
	case math.IsNaN(seconds) || err != nil && !math.IsInf(seconds, 0):
		a.warning = "the provider told an expires_in that is no number, so the token is used for 5 minutes"
	case seconds < 0:
		return &finding{reason: check.TokenUnusable, text: "issued a token with a negative expires_in"}
	case seconds > 0:
		a.lifeTold = true
		a.life = max(time.Duration(min(seconds, math.MaxInt32)*float64(time.Second)), time.Millisecond)
	}
	return nil
}
