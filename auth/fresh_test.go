package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func fresh(t *testing.T, s *Source, within time.Duration) (*check.TokenInfo, *check.Fault) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	info, err := s.Fresh(ctx)
	f, ok := errors.AsType[*check.Fault](err)
	if err != nil && !ok {
		t.Errorf("Fresh returned a %T, want a *check.Fault: %v", err, err)
	}
	return info, f
}

// A token for proof is another one each time, and the one that is held stays.
func TestFreshIsNotTheSharedToken(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		s := sourceOf(t, r, "gate", options(tokenURL))
		h := s.Handle(origin)
		if info, f := fresh(t, s, time.Second); f != nil || !info.Fetched || info.Scope == "" || info.Expires.IsZero() {
			t.Fatalf("got %+v, %v", info, f)
		}
		if s.Status().Held {
			t.Error("the token is held")
		}
		first, _, _ := authorize(t, h, time.Second)
		for range 5 {
			fresh(t, s, time.Second)
		}
		again, generation, _ := authorize(t, h, time.Second)
		if first.Get("Authorization") != again.Get("Authorization") || generation != 1 {
			t.Errorf("%q became %q, generation %d", first.Get("Authorization"), again.Get("Authorization"), generation)
		}
		if n := p.requests.Load(); n != 7 {
			t.Errorf("%d requests, want 7", n)
		}
	})
}

// Back-off holds for proof as for all else, and counts it.
func TestFreshHammersNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"refused": {401, `{"error":"invalid_client"}`, "credential/client_rejected"},
		"failing": {503, "", "idp/token_server_error"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
				s := sourceOf(t, r, "gate", options(tokenURL))
				h := s.Handle(origin)
				authorize(t, h, time.Second)
				p.set(refuses(tc.status, tc.body))
				before := p.requests.Load()
				every(time.Second, time.Minute, func() {
					if _, f := fresh(t, s, time.Second); verdict(f) != tc.want {
						t.Fatalf("got %v", f)
					}
				})
				if n := p.requests.Load() - before; n < 3 || n > 10 {
					t.Errorf("%d requests in a minute, want 3 to 10", n)
				}
				if _, generation, f := authorize(t, h, time.Second); f != nil || generation != 1 {
					t.Errorf("the token that is held is not used: %v", f)
				}
				p.set(issues(time.Hour, 0))
				s.Reset()
				if _, f := fresh(t, s, time.Second); f != nil || s.Status().LastFault != nil {
					t.Errorf("got %v, then %+v", f, s.Status().LastFault)
				}
			})
		})
	}
}

// Who asks at the same time shares one, and nobody waits longer than he has time.
func TestFreshWaits(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, 3*time.Second))
		s := sourceOf(t, r, "gate", options(tokenURL))
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, f := fresh(t, s, 5*time.Second); f != nil {
					t.Error(f)
				}
			})
		}
		began := time.Now()
		_, f := fresh(t, s, time.Second)
		if verdict(f) != "idp/token_timeout" || time.Since(began) != time.Second {
			t.Errorf("%v after %s", f, time.Since(began))
		}
		wg.Wait()
		if n := p.requests.Load(); n != 1 {
			t.Errorf("%d requests, want one", n)
		}
	})
}

func TestFreshOfWhatIsFixed(t *testing.T) {
	o := DefaultOptions()
	o.Type, o.Username, o.Password = TypeBasic, "u", options(tokenURL).ClientSecret
	s := newSource(t, o)
	if _, f := fresh(t, s, time.Second); verdict(f) != "agent/internal" || strings.Contains(everyText(t, f), testSecret) {
		t.Errorf("got %v", f)
	}
	s.Close()
	closed := newSource(t, options(tokenURL))
	closed.Close()
	if _, f := fresh(t, closed, time.Second); verdict(f) != "agent/internal" {
		t.Errorf("got %v", f)
	}
}
