package auth

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/secret"
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

func TestAWrongSecretIsNotHammered(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(refuses(401, `{"error":"invalid_client"}`))
		s := sourceOf(t, r, "gate", options(tokenURL))
		handles := make([]*Handle, 100)
		for i := range handles {
			handles[i] = s.Handle(origin)
		}
		messages := map[string]bool{}
		every(time.Second, time.Minute, func() {
			for _, h := range handles {
				began := time.Now()
				_, _, f := authorize(t, h, time.Second)
				if verdict(f) != "credential/client_rejected" || time.Since(began) > 0 {
					t.Fatalf("%v after %s", f, time.Since(began))
				}
				messages[f.Message+f.Hint] = true
			}
		})
		if n := p.requests.Load(); n < 3 || n > 10 {
			t.Errorf("%d requests in the first minute, want 3 to 10", n)
		}
		if len(messages) != 1 {
			t.Errorf("told as %v, want one message", messages)
		}
		before := p.requests.Load()
		every(10*time.Second, time.Hour, func() { authorize(t, handles[0], time.Second) })
		if n := p.requests.Load() - before; n < 10 || n > 20 {
			t.Errorf("%d requests in the hour after, want one in 5 min or so", n)
		}
	})
}

func TestBackOffIsSharedByTheEndpoint(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(int64, *http.Request) (*http.Response, error)
	}{
		{"503", refuses(503, "")}, {"429", refuses(429, "")}, {"unreachable", breaks}, {"timeout", hangs},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
				p.set(tc.answer)
				var handles []*Handle
				for _, name := range strings.Split("abcdefghijklmnopqrst", "") {
					handles = append(handles, sourceOf(t, r, name, options(tokenURL)).Handle(origin))
				}
				authorize(t, handles[0], time.Minute)
				every(time.Second, 30*time.Second, func() {
					var wg sync.WaitGroup
					for _, h := range handles {
						wg.Go(func() {
							if _, _, f := authorize(t, h, time.Minute); f == nil || f.Cause.Key != "https://auth.example.com" || !strings.Contains(f.Hint, h.source.name) {
								t.Errorf("%v, cause %+v, hint %q", f, f.Cause, f.Hint)
							}
						})
					}
					wg.Wait()
				})
				if n := p.requests.Load(); n > 6 {
					t.Errorf("20 credentials sent %d requests to a broken endpoint in 30 s, want at most 6", n)
				}
			})
		})
	}
}

func TestOneGoesFirstAfterABackOff(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(refuses(503, ""))
		first := sourceOf(t, r, "first", options(tokenURL)).Handle(origin)
		authorize(t, first, time.Second)
		time.Sleep(10 * time.Second)
		release := make(chan struct{})
		p.set(func(n int64, req *http.Request) (*http.Response, error) {
			<-release
			return issues(time.Hour, 0)(n, req)
		})
		var wg sync.WaitGroup
		for _, name := range strings.Split("abcdefghij", "") {
			h := sourceOf(t, r, name, options(tokenURL)).Handle(origin)
			wg.Go(func() {
				if _, _, f := authorize(t, h, 5*time.Second); f != nil {
					t.Error(f)
				}
			})
		}
		synctest.Wait()
		if n := p.requests.Load(); n != 2 {
			t.Errorf("%d requests when the back-off ended, want 1 beside the first", n-1)
		}
		close(release)
		wg.Wait()
		if n := p.requests.Load(); n != 11 {
			t.Errorf("%d requests, want one for each of 10 credentials and the first", n)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, header := range map[string]func() string{
		"seconds": func() string { return "120" },
		"date":    func() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
				p.set(refuses(429, "", "Retry-After", header()))
				a, b := sourceOf(t, r, "a", options(tokenURL)).Handle(origin), sourceOf(t, r, "b", options(tokenURL)).Handle(origin)
				every(time.Second, 119*time.Second, func() {
					for _, h := range []*Handle{a, b} {
						if _, _, f := authorize(t, h, time.Second); verdict(f) != "idp/token_rate_limited" {
							t.Fatal(f)
						}
					}
				})
				if n := p.requests.Load(); n != 1 {
					t.Errorf("%d requests within Retry-After, want 1", n)
				}
				p.set(issues(time.Hour, 0))
				time.Sleep(3 * time.Second)
				if _, _, f := authorize(t, b, time.Second); f != nil {
					t.Errorf("after the wait: %v", f)
				}
			})
		})
	}
}

func TestAChangedSecretEndsTheBackOff(t *testing.T) {
	for _, status := range []int{401, 429} {
		inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
			path := filepath.Join(t.TempDir(), "secret")
			write := func(s string) {
				if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("wrong\n")
			o := options(tokenURL)
			var err error
			if o.ClientSecret, err = secret.Parse("${file:"+path+"}", ""); err != nil {
				t.Fatal(err)
			}
			p.set(func(n int64, req *http.Request) (*http.Response, error) {
				if _, password, _ := req.BasicAuth(); password != "right" {
					return response(status, `{"error":"invalid_client"}`, "Retry-After", "3600"), nil
				}
				return issues(time.Hour, 0)(n, req)
			})
			h := sourceOf(t, r, "gate", o).Handle(origin)
			every(time.Second, time.Minute, func() { authorize(t, h, time.Second) })
			if n := p.requests.Load(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			authorize(t, h, time.Second)
			write("right\n")
			if _, _, f := authorize(t, h, time.Second); f != nil || p.requests.Load() != 2 {
				t.Errorf("with the right secret: %v after %d requests", f, p.requests.Load())
			}
		})
	}
}

func TestResetEndsTheBackOff(t *testing.T) {
	for _, status := range []int{401, 503} {
		inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
			p.set(refuses(status, "", "Retry-After", "3600"))
			s := sourceOf(t, r, "gate", options(tokenURL))
			h := s.Handle(origin)
			authorize(t, h, time.Second)
			p.set(issues(time.Hour, 0))
			if _, _, f := authorize(t, h, time.Second); f == nil {
				t.Error("there was no back-off")
			}
			s.Reset()
			if _, _, f := authorize(t, h, time.Second); f != nil {
				t.Errorf("after Reset: %v", f)
			}
		})
	}
}

func TestAMissingSecretSendsNothing(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		o := options(tokenURL)
		var err error
		if o.ClientSecret, err = secret.Parse("${WATCHWORD_TEST_UNSET}", ""); err != nil {
			t.Fatal(err)
		}
		h := sourceOf(t, r, "gate", o).Handle(origin)
		for range 3 {
			_, _, f := authorize(t, h, time.Second)
			if verdict(f) != "credential/secret_unavailable" || !strings.Contains(f.Message, "WATCHWORD_TEST_UNSET") || f.Cause.Key != "gate" {
				t.Errorf("%v, cause %+v", f, f.Cause)
			}
		}
		if n := p.requests.Load(); n != 0 {
			t.Errorf("%d requests without a secret", n)
		}
	})
}

func TestCloseEndsTheFetch(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(hangs)
		s := sourceOf(t, r, "gate", options(tokenURL))
		h := s.Handle(origin)
		done := make(chan string)
		go func() {
			_, _, f := authorize(t, h, time.Minute)
			done <- verdict(f)
		}()
		synctest.Wait()
		began := time.Now()
		s.Close()
		if got := <-done; got != "agent/internal" || time.Since(began) != 0 {
			t.Errorf("%s after %s", got, time.Since(began))
		}
		if _, _, f := authorize(t, h, time.Second); verdict(f) != "agent/internal" || p.requests.Load() != 1 {
			t.Errorf("a closed source: %v, %d requests", f, p.requests.Load())
		}
	})
}
