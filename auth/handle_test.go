package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// gate accepts some tokens and plays the probe's part of the second chance.
type gate struct {
	mu      sync.Mutex
	accepts func(authorization string) bool
}

func (g *gate) takes(header http.Header) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepts(header.Get("Authorization"))
}

func (g *gate) set(f func(string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepts = f
}

// run is one check: at most two tries within its deadline. It returns the last
// verdict and how many tries there were.
func (g *gate) run(t *testing.T, h *Handle) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for try := 1; ; try++ {
		header, generation, f := authorizeIn(ctx, t, h)
		if f != nil {
			return verdict(f), try
		}
		ok := g.takes(header)
		again := h.Judged(generation, !ok)
		switch {
		case ok:
			return "ok", try
		case !again || try == 2:
			if again {
				t.Error("a third try was offered")
			}
			return "refused", try
		}
	}
}

func all(string) bool  { return true }
func none(string) bool { return false }
func but(tokens ...string) func(string) bool {
	return func(got string) bool {
		for _, token := range tokens {
			if got == "Bearer "+token {
				return false
			}
		}
		return true
	}
}

func TestRevocationOfAThousand(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, 100*time.Millisecond))
		s := sourceOf(t, r, "gate", options(tokenURL))
		g := &gate{accepts: all}
		handles := make([]*Handle, 1000)
		for i := range handles {
			handles[i] = s.Handle(origin)
		}
		round := func() {
			var wg sync.WaitGroup
			for _, h := range handles {
				wg.Go(func() {
					if got, tries := g.run(t, h); got != "ok" || tries > 2 {
						t.Errorf("%s after %d tries", got, tries)
					}
				})
			}
			wg.Wait()
		}
		round()
		time.Sleep(time.Minute)
		g.set(but("authelia_at_1"))
		before := p.requests.Load()
		round()
		time.Sleep(time.Minute)
		round()
		if n := p.requests.Load() - before; n > 2 {
			t.Errorf("%d token requests after a revocation, want at most 2", n)
		}
	})
}

func TestOthersGoOnWithTheOldToken(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		s := sourceOf(t, r, "gate", options(tokenURL))
		a, b := s.Handle(origin), s.Handle(origin)
		authorize(t, a, time.Second)
		time.Sleep(time.Second)
		p.set(issues(time.Hour, 3*time.Second))
		_, generation, _ := authorize(t, a, 10*time.Second)
		if !a.Judged(generation, true) {
			t.Fatal("no second chance for an old token")
		}
		began := time.Now()
		if _, generation, f := authorize(t, b, 10*time.Second); f != nil || generation != 1 || time.Since(began) > 0 {
			t.Errorf("the other got generation %d after %s, %v", generation, time.Since(began), f)
		}
		if _, generation, f := authorize(t, a, 10*time.Second); f != nil || generation != 2 || time.Since(began) != 3*time.Second {
			t.Errorf("the refused one got generation %d after %s, %v", generation, time.Since(began), f)
		}
		if !b.Judged(1, true) { // refused too, late: what is there already is offered
			t.Error("no second chance for the other")
		}
		if _, generation, _ := authorize(t, b, time.Second); generation != 2 || p.requests.Load() != 2 {
			t.Errorf("the other got generation %d after %d requests", generation, p.requests.Load())
		}
	})
}

func TestAFreshTokenEarnsNoSecondChance(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, time.Second))
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		g := &gate{accepts: none}
		if got, tries := g.run(t, h); got != "refused" || tries != 1 || p.requests.Load() != 1 {
			t.Errorf("%s after %d tries and %d requests", got, tries, p.requests.Load())
		}
		// The same within one run that used the token on an earlier hop.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		h = sourceOf(t, r, "other", options(tokenURL)).Handle(origin)
		authorizeIn(ctx, t, h)
		time.Sleep(time.Second)
		_, generation, _ := authorizeIn(ctx, t, h)
		if h.Judged(generation, true) {
			t.Error("a token fetched in this run was offered a second chance")
		}
	})
}

func TestReplacementsBackOff(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		g := &gate{accepts: all}
		g.run(t, h)
		time.Sleep(time.Minute)
		g.set(none)
		began, seen := time.Now(), p.requests.Load()
		var at []time.Duration
		every(20*time.Second, 30*time.Minute, func() {
			g.run(t, h)
			if n := p.requests.Load(); n != seen {
				at, seen = append(at, time.Since(began)), n
			}
		})
		want := []time.Duration{0, time.Minute, 3 * time.Minute, 8 * time.Minute, 18 * time.Minute, 28 * time.Minute}
		if len(at) != len(want) {
			t.Fatalf("replaced after %v, want %v", at, want)
		}
		for i := range want {
			if at[i] < want[i] || at[i] > want[i]+time.Minute {
				t.Errorf("replaced after %v, want about %v", at, want)
				break
			}
		}
		g.set(all)
		g.run(t, h)
		time.Sleep(11 * time.Second)
		g.set(none)
		g.run(t, h)
		if p.requests.Load() != seen+1 {
			t.Error("acceptance did not end the back-off")
		}
	})
}

func TestOneMisconfiguredMonitorAmongGoodOnes(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		s := sourceOf(t, r, "gate", options(tokenURL))
		open, shut := &gate{accepts: all}, &gate{accepts: none}
		var good, bad []*Handle
		for range 40 {
			good, bad = append(good, s.Handle(origin)), append(bad, s.Handle(origin))
		}
		every(20*time.Second, time.Minute, func() {
			for i := range good {
				open.run(t, good[i])
				shut.run(t, bad[i])
			}
		})
		if n := p.requests.Load(); n > 7 {
			t.Errorf("%d requests in the first minute: replacements are less than 10 s apart", n)
		}
		before := p.requests.Load()
		every(20*time.Second, time.Hour, func() {
			for i := range good {
				if got, _ := open.run(t, good[i]); got != "ok" {
					t.Fatal(got)
				}
				shut.run(t, bad[i])
			}
		})
		if n := p.requests.Load() - before; n > 60*6 {
			t.Errorf("%d requests in an hour", n)
		}
	})
}

func TestAReplacementThatFailsNamesTheProvider(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		g := &gate{accepts: all}
		g.run(t, h)
		time.Sleep(time.Minute)
		g.set(but("authelia_at_1"))
		p.set(refuses(503, ""))
		if got, tries := g.run(t, h); got != "idp/token_server_error" || tries != 2 {
			t.Errorf("%s after %d tries", got, tries)
		}
		p.set(issues(time.Hour, 0))
		time.Sleep(5 * time.Second)
		if got, _ := g.run(t, h); got != "ok" {
			t.Errorf("%s after the provider came back: the chance was lost with the failed fetch", got)
		}
	})
}

func TestOnlyItsOwnOrigin(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		s := sourceOf(t, r, "gate", options(tokenURL))
		for _, tc := range []struct {
			handle, url string
			want        bool
		}{
			{"https://a.example", "https://a.example/x", true},
			{"https://a.example:443", "https://A.example/x", true},
			{"https://a.example", "https://a.example:443/x", true},
			{"http://a.example", "http://a.example:80/x", true},
			{"https://[::1]", "https://[::1]:443/", true},
			{"https://a.example", "http://a.example/x", false},
			{"https://a.example", "https://a.example:8443/x", false},
			{"https://a.example", "https://b.example/x", false},
			{"https://a.example", "https://a.example.evil/x", false},
			{"", "https://a.example/x", false},
			{"a.example", "https://a.example/x", false},
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Handle(tc.handle).Authorize(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if got := req.Header.Get("Authorization") != ""; got != tc.want {
				t.Errorf("handle of %s, request to %s: sent %t", tc.handle, tc.url, got)
			}
		}
	})
}

func TestKinds(t *testing.T) {
	text := func(s string) secret.Text {
		p, err := secret.Parse(s, "")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Setenv("WW_TWO_LINES", "a\nb")
	t.Setenv("WW_EMPTY", "")
	d := DefaultOptions()
	proxy := d
	proxy.SendAs = sendProxy
	for _, tc := range []struct {
		name   string
		o      Options
		header string
		want   string // value, or class/reason
	}{
		{"basic", Options{Type: "basic", Username: "u", Password: text("pä:ss"), SendAs: d.SendAs}, "Authorization", "Basic dTpww6Q6c3M="},
		{"basic to a proxy", Options{Type: "basic", Username: "u", Password: text("p"), SendAs: sendProxy}, "Proxy-Authorization", "Basic dTpw"},
		{"bearer", Options{Type: "bearer", Token: text("tok"), SendAs: d.SendAs}, "Authorization", "Bearer tok"},
		{"bearer to a proxy", Options{Type: "bearer", Token: text("tok"), SendAs: sendProxy}, "Proxy-Authorization", "Bearer tok"},
		{"header", Options{Type: "header", Name: "X-API-Key", Value: text("v")}, "X-Api-Key", "v"},
		{"token to a proxy", func() Options { o := options(tokenURL); o.SendAs = sendProxy; return o }(), "Proxy-Authorization", "Bearer authelia_at_1"},
		{"unset", Options{Type: "bearer", Token: text("${WW_NOT_SET_AT_ALL}"), SendAs: d.SendAs}, "Authorization", "credential/secret_unavailable"},
		{"empty", Options{Type: "basic", Username: "u", Password: text("${WW_EMPTY}"), SendAs: d.SendAs}, "Authorization", "credential/secret_unavailable"},
		{"two lines", Options{Type: "header", Name: "X-API-Key", Value: text("${WW_TWO_LINES}")}, "X-Api-Key", "credential/secret_unavailable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
				s := sourceOf(t, r, "key", tc.o)
				header, generation, f := authorize(t, s.Handle(origin), time.Second)
				got := header.Get(tc.header)
				if f != nil {
					got = verdict(f)
				}
				if got != tc.want || (generation != 0) != (s.Kind() == TypeClientCredentials) {
					t.Errorf("%s: %q, generation %d, %v; want %q", tc.header, got, generation, f, tc.want)
				}
				if len(header) > 1 || f != nil && len(header) > 0 {
					t.Errorf("headers %v", header)
				}
				if s.Kind() != TypeClientCredentials && (s.Provider() != "" || !s.Alive(t.Context()) || s.Handle(origin).Token() != nil) {
					t.Error("a fixed credential has a provider or a token")
				}
			})
		})
	}
}

func TestIdentity(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		o := options("HTTPS://Auth.example.com:443/api/oidc/token?x=1")
		s := sourceOf(t, r, "gate", o)
		h := s.Handle(origin)
		if s.Provider() != "https://auth.example.com" || s.Gate() != "gate" || s.Name() != "gate" || h.IsAuthelia() || strings.Contains(s.TokenURL(), "?") {
			t.Errorf("provider %q, gate %q, name %q, %q", s.Provider(), s.Gate(), s.Name(), s.TokenURL())
		}
		authorize(t, h, time.Second)
		if info := h.Token(); !h.IsAuthelia() || info == nil || !info.Fetched || info.Scope != "authelia.bearer.authz" || info.Credential != "gate" {
			t.Errorf("token %+v", info)
		}
		time.Sleep(time.Second)
		authorize(t, h, time.Second)
		if h.Token().Fetched {
			t.Error("a token of the cache counts as fetched")
		}
		o.Gate = "shared"
		if got := sourceOf(t, r, "other", o).Gate(); got != "shared" {
			t.Errorf("gate %q", got)
		}
	})
}

func TestAlive(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		a, b := sourceOf(t, r, "a", options(tokenURL)), sourceOf(t, r, "b", options("https://auth.example.com/other/token"))
		var seen *http.Request
		answer := func(status int, took time.Duration) {
			p.set(func(_ int64, req *http.Request) (*http.Response, error) {
				seen = req
				if err := pass(req.Context(), took); err != nil {
					return nil, err
				}
				if status == 0 {
					return nil, errors.New("EOF")
				}
				return response(status, "", "Location", "https://elsewhere.example"), nil
			})
		}
		for status, want := range map[int]bool{200: true, 302: true, 404: true, 401: true, 500: false, 502: false, 503: false, 0: false} {
			answer(status, time.Second)
			before := p.alive.Load()
			var wg sync.WaitGroup
			for range 50 {
				for _, s := range []*Source{a, b} {
					wg.Go(func() {
						if got := s.Alive(t.Context()); got != want {
							t.Errorf("%d: alive %t", status, got)
						}
					})
				}
			}
			wg.Wait()
			time.Sleep(8 * time.Second)
			a.Alive(t.Context())
			if n := p.alive.Load() - before; n != 1 {
				t.Errorf("asked %d times within 10 s, want once", n)
			}
			if seen.Method != http.MethodGet || seen.URL.String() != "https://auth.example.com/.well-known/openid-configuration" || seen.Header.Get("Authorization") != "" {
				t.Errorf("asked %s %s with %v", seen.Method, seen.URL, seen.Header)
			}
			time.Sleep(2 * time.Second)
		}
		answer(200, time.Hour)
		began := time.Now()
		if a.Alive(t.Context()) || time.Since(began) != 5*time.Second {
			t.Errorf("a silent provider is alive, after %s", time.Since(began))
		}
		time.Sleep(10 * time.Second)
		for _, tc := range []struct {
			patience time.Duration
			want     bool
		}{{time.Second, true}, {2 * time.Second, false}} {
			ctx, cancel := context.WithTimeout(t.Context(), tc.patience)
			if got := a.Alive(ctx); got != tc.want {
				t.Errorf("asked with %s left: alive %t", tc.patience, got)
			}
			cancel()
		}
		synctest.Wait()
	})
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []TokenRequest
		p := &fakeIDP{answer: issues(time.Hour, time.Second)}
		r := p.registry(RegistryOptions{Observe: func(q TokenRequest) { got = append(got, q) }})
		defer r.Close()
		authorize(t, sourceOf(t, r, "good", options(tokenURL)).Handle(origin), time.Minute)
		p.set(refuses(401, ""))
		authorize(t, sourceOf(t, r, "bad", options(tokenURL)).Handle(origin), time.Minute)
		authorize(t, sourceOf(t, r, "bad", options(tokenURL)).Handle(origin), time.Minute)
		want := []TokenRequest{{"good", "ok", time.Second}, {"bad", string(check.ClientRejected), 0}, {"bad", string(check.ClientRejected), 0}}
		if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("observed %v, want %v", got, want)
		}
	})
}
