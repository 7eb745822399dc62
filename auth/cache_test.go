package auth

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inTime runs f with virtual time and a provider that f can tell what to answer.
func inTime(t *testing.T, f func(t *testing.T, p *fakeIDP, r *Registry)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &fakeIDP{answer: issues(time.Hour, 0)}
		r := p.registry(RegistryOptions{})
		defer r.Close()
		f(t, p, r)
	})
}

const tokenURL = "https://auth.example.com/api/oidc/token"

func TestManyCallersOneFetch(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, 3*time.Second))
		s := sourceOf(t, r, "gate", options(tokenURL))
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				header, generation, f := authorize(t, s.Handle(origin), 10*time.Second)
				if f != nil || generation != 1 || header.Get("Authorization") != "Bearer authelia_at_1" {
					t.Errorf("generation %d, %q, %v", generation, header.Get("Authorization"), f)
				}
			})
		}
		wg.Wait()
		if n := p.requests.Load(); n != 1 {
			t.Errorf("%d token requests for 1000 callers, want 1", n)
		}
	})
}

func TestACallersDeadlineIsItsOwn(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, 5*time.Second))
		s := sourceOf(t, r, "gate", options(tokenURL))
		began := time.Now()
		_, _, f := authorize(t, s.Handle(origin), 100*time.Millisecond)
		if verdict(f) != "idp/token_timeout" || time.Since(began) != 100*time.Millisecond || !strings.Contains(f.Message, "this run") {
			t.Errorf("%v after %s", f, time.Since(began))
		}
		if _, generation, f := authorize(t, s.Handle(origin), 10*time.Second); f != nil || generation != 1 {
			t.Errorf("the shared fetch brought generation %d, %v", generation, f)
		}
		if n := p.requests.Load(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestTheFetchHasItsOwnTimeout(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(hangs)
		s := sourceOf(t, r, "gate", options(tokenURL))
		began := time.Now()
		_, _, f := authorize(t, s.Handle(origin), time.Hour)
		if d := time.Since(began); verdict(f) != "idp/token_unreachable" || d != 10*time.Second {
			t.Errorf("%v after %s, want a fault after 10s", f, d)
		}
	})
}

func TestACancelledRunIsOurOwn(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(issues(time.Hour, time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, _, f := authorizeIn(ctx, t, sourceOf(t, r, "gate", options(tokenURL)).Handle(origin))
		if verdict(f) != "agent/internal" {
			t.Errorf("a cancelled run is %v", f)
		}
	})
}

// every calls f every d for as long.
func every(d, long time.Duration, f func()) {
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(d) {
		f()
	}
}

func TestShortLives(t *testing.T) {
	for _, tc := range []struct {
		life, interval time.Duration
		most           int64 // requests in 100 s
	}{
		{time.Second, 100 * time.Millisecond, 145},
		{5 * time.Second, time.Second, 34},
		{5 * time.Second, 100 * time.Millisecond, 29},
		{20 * time.Second, time.Second, 8},
	} {
		inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
			p.set(issues(tc.life, 10*time.Millisecond))
			h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
			every(tc.interval, 100*time.Second, func() {
				if _, _, f := authorize(t, h, time.Second); f != nil {
					t.Fatal(f)
				}
				if left := time.Until(h.Token().Expires); left <= 0 {
					t.Errorf("a token was used %s past its life", -left)
				}
			})
			if n := p.requests.Load(); n > tc.most {
				t.Errorf("life %s, a run every %s: %d requests in 100 s, want at most %d", tc.life, tc.interval, n, tc.most)
			}
		})
	}
}

func TestRefreshBeforeTheEnd(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		fetched := 0
		every(time.Minute, 10*time.Hour, func() {
			began := time.Now()
			if _, _, f := authorize(t, h, time.Second); f != nil {
				t.Fatal(f)
			}
			if time.Since(began) > 0 {
				t.Error("a run waited for a token")
			}
			if h.Token().Fetched {
				fetched++
			}
		})
		if n := p.requests.Load(); n < 11 || n > 14 || fetched != 1 {
			t.Errorf("%d requests in 10 h of hourly tokens, %d of them waited for; want 11 to 14, and 1", n, fetched)
		}
	})
}

func TestNoRefreshForNobody(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		h := sourceOf(t, r, "gate", options(tokenURL)).Handle(origin)
		every(90*time.Minute, 9*time.Hour, func() { authorize(t, h, time.Second) })
		if n := p.requests.Load(); n != 6 {
			t.Errorf("%d requests for 6 runs 90 min apart, want 6", n)
		}
	})
}

func TestAValidTokenOutlivesItsProvider(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		s := sourceOf(t, r, "gate", options(tokenURL))
		h := s.Handle(origin)
		start := time.Now()
		if _, _, f := authorize(t, h, time.Second); f != nil {
			t.Fatal(f)
		}
		p.set(refuses(503, ""))
		every(time.Second, 2*time.Hour, func() {
			_, _, f := authorize(t, h, time.Second)
			if alive := time.Since(start) < time.Hour; alive != (f == nil) {
				t.Fatalf("after %s: %v", time.Since(start), f)
			}
			if f != nil && verdict(f) != "idp/token_server_error" {
				t.Fatal(f)
			}
		})
		if st := s.Status(); st.Held || st.LastFault == nil || !st.NextTry.After(time.Now()) {
			t.Errorf("status %+v", st)
		}
		if n := p.requests.Load(); n > 40 {
			t.Errorf("%d requests in 2 h", n)
		}
		p.set(issues(time.Hour, 0))
		time.Sleep(6 * time.Minute)
		if _, _, f := authorize(t, h, time.Second); f != nil || !s.Status().Held || s.Status().LastFault != nil {
			t.Errorf("after the provider came back: %v, %+v", f, s.Status())
		}
	})
}
