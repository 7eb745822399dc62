package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refusal is an answer to who may not ask.
type refusal struct {
	problem
	challenge []string // values of WWW-Authenticate (RFC 9110, 11.6.1)
	wait      time.Duration
}

func (no *refusal) answer(w http.ResponseWriter) {
	for _, c := range no.challenge {
		w.Header().Add("WWW-Authenticate", c)
	}
	if no.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.wait.Seconds()))))
	}
	fail(w, no.problem)
}

// identify finds out who asks. A stranger is no refusal, a wrong password is.
func (s *Server) identify(r *http.Request, k *Rules) (identity, *refusal) {
	if isHealth(r.URL.Path) || !k.asks && (!k.apart || !isScraped(r.URL.Path)) {
		return identity{}, nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && isScraped(r.URL.Path) && !k.bearer.IsZero() {
		return s.byToken(r, k, strings.TrimSpace(token))
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return identity{}, nil
	}
	return s.byPassword(r, k, name, password)
}

// byToken lets the right token pass whoever else fails from the same address:
// a token of some length is not guessed, and a scrape is not to be kept out.
func (s *Server) byToken(r *http.Request, k *Rules, token string) (identity, *refusal) {
	right, err := k.isToken(token)
	if right {
		return identity{"bearer token", scraper}, nil
	}
	if wait := s.attempts.take(network(r.RemoteAddr)); wait > 0 {
		return identity{}, tooMany(wait)
	}
	if err != nil {
		s.log.Error("the token of /metrics cannot be read: nobody gets in by it", "key", "server.auth.metrics.bearer_token", "error", err)
	}
	s.log.Warn("login failed", "user", "(bearer token)", "remote", r.RemoteAddr)
	return identity{}, k.challenge(r, "the token is wrong")
}

func (s *Server) byPassword(r *http.Request, k *Rules, name, password string) (identity, *refusal) {
	a, hash, key, err := k.lookUp(name, password)
	if who, found := k.known.get(key); found {
		return who, nil
	}
	from := network(r.RemoteAddr)
	if wait := s.attempts.wait(from); wait > 0 { // it need not queue to hear this
		return identity{}, tooMany(wait)
	}
	if !s.bench.enter(r.Context()) {
		return identity{}, busy("too many logins are being verified at once", 2*time.Second)
	}
	defer s.bench.leave()
	if who, found := k.known.get(key); found { // verified while this one waited
		return who, nil
	}
	if wait := s.attempts.take(from); wait > 0 {
		return identity{}, tooMany(wait)
	}
	if err != nil {
		s.log.Error("the password hash of a user cannot be used", "user", name, "error", err)
	}
	if !k.matches(hash, password) {
		s.log.Warn("login failed", "user", k.nameFor(name), "remote", r.RemoteAddr)
		return identity{}, k.challenge(r, "user name or password is wrong")
	}
	s.attempts.giveBack(from)
	who := identity{name, a.role}
	k.known.put(key, who)
	s.log.Info("login", "user", name, "role", a.role.String(), "remote", r.RemoteAddr)
	return who, nil
}

// nameFor returns a user name as it may be logged: what nobody is called may be
// a password that was typed into the wrong field.
func (k *Rules) nameFor(name string) string {
	if _, found := k.accounts[name]; !found {
		return "(unknown)"
	}
	return name
}

func tooMany(wait time.Duration) *refusal {
	return &refusal{
		problem: problem{Status: http.StatusTooManyRequests, Detail: fmt.Sprintf("too many failed logins from this address: try again in %s", length(wait+time.Second))},
		wait:    wait,
	}
}

func busy(what string, wait time.Duration) *refusal {
	return &refusal{problem: problem{Status: http.StatusServiceUnavailable, Detail: what + ": try again in a moment"}, wait: wait}
}

// challenge asks for a login, by what the address takes.
func (k *Rules) challenge(r *http.Request, why string) *refusal {
	no := &refusal{problem: problem{Status: http.StatusUnauthorized, Detail: why}}
	if isScraped(r.URL.Path) && !k.bearer.IsZero() {
		no.challenge = append(no.challenge, `Bearer realm="Watchword"`)
	}
	if len(k.accounts) > 0 {
		no.challenge = append(no.challenge, `Basic realm="Watchword", charset="UTF-8"`)
	}
	return no
}

type visitKey struct{}

// visit is what the handlers know of who asks.
type visit struct {
	reduced bool // a stranger, who gets the reduced page
	writes  bool // who may do what the page offers
}

func withVisit(r *http.Request, v visit) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
}

func visitOf(ctx context.Context) visit {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v
}

// login asks for a login, which the gate has taken when this is reached, and
// leads to the page. The address is relative: a proxy may have us under a path.
func (s *Server) login(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
}
