package auth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// Source is one credential: the one place where its token is fetched and held.
// Its methods may be called from many goroutines.
type Source struct {
	name     string
	o        Options
	registry *Registry

	// of client_credentials only
	host     string     // of token_url or issuer, for people
	provider string     // origin of token_url or issuer
	found    *discovery // with issuer; nil with token_url
	wire     http.RoundTripper
	route    transport.Route
	alive    *provider
	tokens   *cache
	logged   atomic.Pointer[string] // the fault last logged
	ahead    atomic.Pointer[time.Duration]
}

// Name is the name of the credential in the configuration.
func (s *Source) Name() string { return s.name }

// Kind is the type of the credential: client_credentials, basic, bearer, header.
func (s *Source) Kind() string { return s.o.Type }

// Gate is the name of what refuses together; by default that of the credential.
func (s *Source) Gate() string {
	if s.o.Gate == "" {
		return s.name
	}
	return s.o.Gate
}

// Provider is the origin of the token endpoint or issuer, "https://host[:port]";
// "" for credentials without one.
func (s *Source) Provider() string { return s.provider }

// Issuer is what the provider calls itself, with its path, as `issuer` of the
// configuration says; "" where that names the token endpoint instead.
func (s *Source) Issuer() string { return s.o.Issuer }

// TokenURL is the token endpoint, fit to be shown; "" for credentials without one,
// and with issuer as long as it was not found.
func (s *Source) TokenURL() string {
	if raw := s.tokenURL(); raw != "" {
		return secret.URL(raw)
	}
	return ""
}

func (s *Source) tokenURL() string {
	if s.found == nil {
		return s.o.TokenURL
	}
	if m := s.found.held(); m != nil {
		return m.endpointFor(s.o.AuthMethod)
	}
	return ""
}

// Alive asks the identity provider whether it is there: any answer below 500
// counts. All who ask within 10 s share one request, which carries no secret.
// Credentials without a provider are always alive.
func (s *Source) Alive(ctx context.Context) bool { return s.alive == nil || s.alive.up(ctx) }

// Reset ends every back-off of the credential and of its token endpoint, as a
// reload of the configuration does. A token that is held stays.
func (s *Source) Reset() {
	if s.tokens != nil {
		s.tokens.reset()
	}
}

// Close ends the fetch under way, if any, and waits for it.
func (s *Source) Close() {
	if s.tokens != nil {
		s.tokens.close()
	}
	s.registry.forget(s)
}

// Status is how a credential stands, for metrics and pages. It holds no secret.
type Status struct {
	Name      string
	Kind      string
	Held      bool      // a token is held and lives
	Fetched   time.Time // when it came
	Expires   time.Time // zero without a token
	Scope     string
	Warning   string
	LastFault *check.FaultText // of the last token request, nil if it went well
	NextTry   time.Time        // end of the back-off, zero without one
}

// Status returns how the credential stands now.
func (s *Source) Status() Status {
	st := Status{Name: s.name, Kind: s.o.Type}
	c := s.tokens
	if c == nil {
		return st
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if t := c.token; t.usable(now) {
		st.Held, st.Fetched, st.Expires, st.Scope, st.Warning = true, t.got, t.expires, t.answer.scope, t.answer.warning
	}
	if c.last != nil {
		st.LastFault = s.fault(c.last).Text()
	}
	if _, until := c.where.backoff().blocked(now); until.After(now) {
		st.NextTry = until
	}
	if c.until.After(now) && c.until.After(st.NextTry) {
		st.NextTry = c.until
	}
	return st
}

// providerOrigin is scheme and host as people write them, without the default port.
func providerOrigin(u *url.URL) string {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && port != defaultPort(scheme) {
		host += ":" + port
	}
	return scheme + "://" + host
}

// sameOrigin says whether scheme, host and port are the same (RFC 6454), without
// allocating: it is asked for every request.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return defaultPort(strings.ToLower(u.Scheme))
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}
