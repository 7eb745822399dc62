package auth

import (
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
				for name := range strings.SplitSeq("abcdefghijklmnopqrst", "") {
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
		for name := range strings.SplitSeq("abcdefghij", "") {
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
	for status, ends := range map[int]bool{401: true, 429: false} { // who was told to wait with all others waits
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
			if _, _, f := authorize(t, h, time.Second); (f == nil) != ends || p.requests.Load() == 2 != ends {
				t.Errorf("%d, with the right secret: %v after %d requests", status, f, p.requests.Load())
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
