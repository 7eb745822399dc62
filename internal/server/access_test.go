package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/watchword/watchword/internal/secret"
)

const (
	readerPassword  = "reader-pass:word ü"
	adminPassword   = "admin-password-1"
	scraperPassword = "scraper-password-2"
	scrapeToken     = "scrape-token-0123456789"
)

// hashOf is no hash of bcrypt's, and looks like one: to verify one of those
// takes a second under the race detector.
func hashOf(password string) secret.Text { return secret.Literal(fakeHash(cheapest, password)) }

func fakeHash(cost int, password string) string {
	sum := sha256.Sum256([]byte(password))
	return fmt.Sprintf("$2a$%02d$%s", cost, hex.EncodeToString(sum[:])[:53])
}

// basic is an Access with a viewer and an admin.
func basic(public ...string) Access {
	return Access{Auth: Auth{Type: authBasic, Users: map[string]User{
		"reader": {PasswordHash: hashOf(readerPassword)}, "alice": {PasswordHash: hashOf(adminPassword), Role: roleAdmin},
	}}, Public: public}
}

// rulesOf makes rules that know the hashes of hashOf.
func rulesOf(t testing.TB, a Access) *Rules {
	t.Helper()
	k, err := NewRules(a, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	k.counting()
	return k
}

// counting has the rules compare hashes of hashOf, and returns the costs of
// those that they compared.
func (k *Rules) counting() *[]int {
	var mu sync.Mutex
	var asked []int
	k.match = func(hash, password []byte) error {
		cost, err := bcrypt.Cost(hash)
		if err != nil {
			return err
		}
		mu.Lock()
		asked = append(asked, cost)
		mu.Unlock()
		if string(hash) == fakeHash(cost, string(password)) {
			return nil
		}
		return bcrypt.ErrMismatchedHashAndPassword
	}
	return &asked
}

func as(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func (a *attempts) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.from = nil
}

// TestWhoMaySeeWhat is every path by every method, for everybody, under each
// kind of configuration.
func TestWhoMaySeeWhat(t *testing.T) {
	withToken, withName := basic(publicStatus), basic()
	withToken.Auth.Metrics.BearerToken = secret.Literal(scrapeToken)
	withName.Auth.Metrics = Scraper{Username: "prometheus", PasswordHash: hashOf(scraperPassword)}
	everybody := []struct {
		name string
		edit func(*http.Request)
	}{
		{"stranger", nil}, {"viewer", as("reader", readerPassword)}, {"admin", as("alice", adminPassword)},
		{"token", bearer(scrapeToken)}, {"scraper", as("prometheus", scraperPassword)},
	}
	for _, c := range []struct {
		name   string
		access Access
		want   map[string]string // of each request: what stranger, viewer, admin, token and scraper get
	}{
		{"none", Access{}, map[string]string{
			"health": "200 200 200 200 200", "/metrics": "200 200 200 200 200", "/": "200 200 200 200 200", "assets": "200 200 200 200 200", "read": "200 200 200 200 200",
			"missing": "404 404 404 404 404", "login": "303 303 303 303 303", "write": "200 200 200 200 200", "write elsewhere": "405 405 405 405 405",
		}},
		{"none, and metrics with a token", Access{Auth: Auth{Metrics: Scraper{BearerToken: secret.Literal(scrapeToken)}}}, map[string]string{
			"health": "200 200 200 200 200", "/metrics": "401 401 401 200 401", "/": "200 200 200 200 200", "assets": "200 200 200 200 200", "read": "200 200 200 200 200",
			"missing": "404 404 404 404 404", "login": "303 303 303 303 303", "write": "200 200 200 200 200", "write elsewhere": "405 405 405 405 405",
		}},
		{"basic", basic(), map[string]string{
			"health": "200 200 200 200 200", "/metrics": "401 200 200 401 401", "/": "401 200 200 401 401", "assets": "401 200 200 401 401", "read": "401 200 200 401 401",
			"missing": "401 404 404 401 401", "login": "401 303 303 401 401", "write": "401 403 200 401 401", "write elsewhere": "401 403 405 401 401",
		}},
		{"basic, public badges only", basic(publicBadges), map[string]string{
			"health": "200 200 200 200 200", "/metrics": "401 200 200 401 401", "/": "401 200 200 401 401", "assets": "401 200 200 401 401", "read": "401 200 200 401 401",
			"missing": "401 404 404 401 401", "login": "401 303 303 401 401", "write": "401 403 200 401 401", "write elsewhere": "401 403 405 401 401",
		}},
		{"basic, public, metrics with a token", withToken, map[string]string{
			"health": "200 200 200 200 200", "/metrics": "401 200 200 200 401", "/": "200 200 200 200 401", "assets": "200 200 200 200 401", "read": "401 200 200 401 401",
			"missing": "401 404 404 401 401", "login": "401 303 303 401 401", "write": "401 403 200 401 401", "write elsewhere": "401 403 405 401 401",
		}},
		{"basic, metrics with a name", withName, map[string]string{
			"health": "200 200 200 200 200", "/metrics": "401 200 200 401 200", "/": "401 200 200 401 401", "assets": "401 200 200 401 401", "read": "401 200 200 401 401",
			"missing": "401 404 404 401 401", "login": "401 303 303 401 401", "write": "401 403 200 401 401", "write elsewhere": "401 403 405 401 401",
		}},
	} {
		o := sample().options()
		o.Rules = rulesOf(t, c.access)
		s := start(t, o)
		for i, who := range everybody {
			for kind, want := range c.want {
				want := strings.Fields(want)[i]
				for _, request := range requests()[kind] {
					s.attempts.forget() // the limit has tests of its own
					method, path, _ := strings.Cut(request, " ")
					if r := ask(t, s, method, path, who.edit); want != strconv.Itoa(r.status) {
						t.Errorf("%s: %s as %s: got %d, want %s", c.name, request, who.name, r.status, want)
					}
				}
			}
		}
	}
}

// requests are what there is to ask, by what it takes.
func requests() map[string][]string {
	return map[string][]string{
		"health": {"GET /healthz", "HEAD /healthz", "GET /readyz"}, "/metrics": {"GET /metrics", "HEAD /metrics"}, "/": {"GET /", "HEAD /", "GET /?x=/healthz"},
		"assets":  {"GET /assets/style.css", "GET /assets/icon.svg"},
		"read":    {"GET /api/v1/monitors", "HEAD /api/v1/monitors", "GET /api/v1/monitors/wiki", "GET /api/v1/incidents", "GET /api/v1/incidents?state=all"},
		"missing": {"GET /nothing", "GET /healthz/", "GET /assets/overview.html", "GET /assets/..%2f..%2fapi%2fv1%2fmonitors", "GET /metricsx"},
		"login":   {"GET /login"}, "write": {"POST /-/reload"}, "write elsewhere": {"POST /", "POST /api/v1/monitors", "DELETE /api/v1/monitors/wiki", "PUT /assets/style.css"},
	}
}

func TestTheChallenge(t *testing.T) {
	a := basic(publicStatus)
	a.Auth.Metrics.BearerToken = secret.Literal(scrapeToken)
	o := sample().options()
	o.Rules = rulesOf(t, a)
	s := start(t, o)
	const basicOnly = `Basic realm="Watchword", charset="UTF-8"`
	for _, c := range []struct {
		method, path string
		edit         func(*http.Request)
		want, detail string
	}{
		{"GET", "/api/v1/monitors", nil, basicOnly, "needs a login"},
		{"GET", "/api/v1/monitors", as("reader", "wrong"), basicOnly, "wrong"},
		{"GET", "/api/v1/monitors", as("nobody", "wrong"), basicOnly, "wrong"},
		{"GET", "/", as("reader", adminPassword), basicOnly, "wrong"},
		{"GET", "/api/v1/monitors", bearer(scrapeToken), basicOnly, "needs a login"},
		{"GET", "/api/v1/monitors", func(r *http.Request) { r.Header.Set("Authorization", "Basic !") }, basicOnly, "needs a login"},
		{"GET", "/metrics", bearer("x"), `Bearer realm="Watchword"|` + basicOnly, "token is wrong"},
	} {
		r := ask(t, s, c.method, c.path, c.edit)
		if got := strings.Join(r.header.Values("WWW-Authenticate"), "|"); got != c.want || r.status != http.StatusUnauthorized {
			t.Errorf("%s %s: got %d %q, want 401 %q", c.method, c.path, r.status, got, c.want)
		}
		if p := r.problem(t); !strings.Contains(p.Detail, c.detail) {
			t.Errorf("%s %s: got %q, want it to say %q", c.method, c.path, p.Detail, c.detail)
		}
	}
	r := ask(t, s, "GET", "/login", as("reader", readerPassword))
	if got := r.header.Get("Location"); r.status != http.StatusSeeOther || got != "./" {
		t.Errorf("login: got %d to %q, want 303 to ./", r.status, got)
	}
}

// Who is refused at /metrics is told which credential opens it.
func TestTheChallengeOfMetrics(t *testing.T) {
	token, name := Access{Auth: Auth{Metrics: Scraper{BearerToken: secret.Literal(scrapeToken)}}}, basic()
	name.Auth.Metrics = Scraper{Username: "prometheus", PasswordHash: hashOf(scraperPassword)}
	for _, c := range []struct {
		access Access
		want   string
	}{
		{token, "this needs the credential of server.auth.metrics"},
		{name, "this needs a login: the credential of server.auth.metrics, or a user of server.auth.users"},
		{basic(), "this needs a login: a user of server.auth.users"},
	} {
		o := sample().options()
		o.Rules = rulesOf(t, c.access)
		r := ask(t, start(t, o), "GET", "/metrics", nil)
		if p := r.problem(t); r.status != http.StatusUnauthorized || p.Detail != c.want {
			t.Errorf("got %d %q, want 401 %q", r.status, p.Detail, c.want)
		}
	}
}

// With a login writes work off loopback, and still not from foreign pages.
func TestWritesOffLoopbackWithALogin(t *testing.T) {
	w := sample()
	reloads := 0
	w.reload = func(context.Context) []string { reloads++; return nil }
	o := w.options()
	o.Listen, o.Rules = "0.0.0.0:0", rulesOf(t, basic())
	s := start(t, o)
	for _, c := range []struct {
		name, header, value string
		want                int
	}{
		{"a program", "", "", 200}, {"our page", "Sec-Fetch-Site", "same-origin", 200}, {"a foreign page", "Sec-Fetch-Site", "cross-site", 403}, {"an old browser, foreign", "Origin", "https://evil.example.com", 403},
	} {
		r := ask(t, s, "POST", "/-/reload", func(r *http.Request) {
			r.SetBasicAuth("alice", adminPassword)
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
		})
		if r.status != c.want {
			t.Errorf("%s: got %d, want %d", c.name, r.status, c.want)
		}
	}
	if reloads != 2 {
		t.Errorf("reloaded %d times, want twice", reloads)
	}
}

// New rules hold at once, and forget the logins of before.
func TestRulesAreReplaced(t *testing.T) {
	o := sample().options()
	a := basic()
	o.Rules = rulesOf(t, a)
	s := start(t, o)
	get := func() int { return ask(t, s, "GET", "/", as("reader", readerPassword)).status }
	if got := get(); got != 200 {
		t.Fatalf("at first: got %d", got)
	}
	delete(a.Auth.Users, "reader")
	s.Use(rulesOf(t, a))
	if got := get(); got != 401 {
		t.Errorf("without the user: got %d, want 401", got)
	}
	s.Use(rulesOf(t, Access{}))
	if got := get(); got != 200 {
		t.Errorf("without a login: got %d, want 200", got)
	}
}
