package lab

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Grant is what a token stands for.
type Grant struct {
	Client   string
	Scope    []string
	Audience []string
	Issued   time.Time
	Expires  time.Time

	places []place // Audience, parsed
}

// place is an audience that is a URL, taken apart so that a request can be
// compared without building its URL.
type place struct {
	scheme, host, path string // path without its trailing slash
}

func parsePlaces(audience []string) []place {
	out := make([]place, 0, len(audience))
	for _, a := range audience {
		u, err := url.Parse(a)
		if err != nil || u.Host == "" {
			continue
		}
		out = append(out, place{u.Scheme, u.Host, strings.TrimRight(u.Path, "/")})
	}
	return out
}

// covers says whether a page lies under the audience: same scheme and host,
// port spelt the same way, and the same path or one below it.
func (p place) covers(scheme, host, path string) bool {
	if p.scheme != scheme || p.host != host {
		return false
	}
	rest, ok := strings.CutPrefix(path, p.path)
	return ok && (rest == "" || rest[0] == '/')
}

// CoversURL reports whether the grant's audience contains the page, as
// Authelia compares it.
func (g *Grant) CoversURL(scheme, host, path string) bool {
	for _, p := range g.places {
		if p.covers(scheme, host, path) {
			return true
		}
	}
	return false
}

// Has reports whether the grant holds the scope.
func (g *Grant) Has(scope string) bool { return slices.Contains(g.Scope, scope) }

// allowsAudience says whether a client registered for have may ask for want:
// the same text, or a page under a registered URL.
func allowsAudience(have []string, want string) bool {
	if slices.Contains(have, want) {
		return true
	}
	u, err := url.Parse(want)
	if err != nil || u.Host == "" {
		return false
	}
	for _, p := range parsePlaces(have) {
		if p.covers(u.Scheme, u.Host, u.Path) {
			return true
		}
	}
	return false
}

// grants is the store of tokens in circulation.
type grants struct {
	mu     sync.RWMutex
	byText map[string]*Grant
	sweep  int // size at which expired ones are dropped
}

const firstSweep = 4096

func newGrants() *grants {
	return &grants{byText: map[string]*Grant{}, sweep: firstSweep}
}

func (s *grants) put(token string, g *Grant, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byText) >= s.sweep {
		for t, old := range s.byText {
			if now.After(old.Expires) {
				delete(s.byText, t)
			}
		}
		s.sweep = max(firstSweep, 2*len(s.byText))
	}
	s.byText[token] = g
}

func (s *grants) get(token string) *Grant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byText[token]
}

func (s *grants) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byText, token)
}

// dropIf forgets the tokens for which the condition holds and returns how many.
func (s *grants) dropIf(cond func(*Grant) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.byText)
	for t, g := range s.byText {
		if cond(g) {
			delete(s.byText, t)
		}
	}
	return n - len(s.byText)
}

var (
	// ErrDown says that the provider cannot be asked.
	ErrDown = errors.New("the provider is down") //nolint:gochecknoglobals // an error to compare with
	// ErrToken says that a token is unknown, expired or revoked.
	ErrToken = errors.New("the token is unknown, expired or revoked") //nolint:gochecknoglobals // an error to compare with
)

func opaqueToken() string {
	var b [64]byte
	rand.Read(b[:]) //nolint:errcheck // never fails since Go 1.24
	enc := base64.RawURLEncoding
	return "authelia_at_" + enc.EncodeToString(b[:32]) + "." + enc.EncodeToString(b[32:])
}
