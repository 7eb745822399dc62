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
		a, b := sourceOf(t, r, "a", options(tokenURL)), sourceOf(t, r, "b", options(tokenURL+"?key=k-e-y"))
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
			if seen.Method != http.MethodGet || seen.URL.String() != tokenURL || seen.Header.Get("Authorization") != "" {
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
