package auth

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestRetryAfterStands: of requests that are under way together, one that is
// told to wait has all wait, whatever the others are told and whenever.
func TestRetryAfterStands(t *testing.T) {
	limited, busy, granted, refused := refuses(429, "", "Retry-After", "60"), refuses(503, ""), issues(time.Hour, 0), refuses(401, "")
	for name, answers := range map[string][]func(int64, *http.Request) (*http.Response, error){
		"before a success": {limited, granted},
		"before a refusal": {limited, refused},
		"after a 503":      {busy, limited},
		"before a 503":     {limited, busy},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
				p.set(func(n int64, req *http.Request) (*http.Response, error) {
					if n > int64(len(answers)) {
						return granted(n, req)
					}
					if err := pass(req.Context(), time.Duration(n)*time.Second); err != nil {
						return nil, err
					}
					return answers[n-1](n, req)
				})
				var wg sync.WaitGroup
				for _, id := range []string{"a", "b"} {
					h := sourceOf(t, r, id, options(tokenURL)).Handle(origin)
					wg.Go(func() { authorize(t, h, 5*time.Second) })
				}
				wg.Wait()
				h := sourceOf(t, r, "c", options("https://AUTH.example.com:443/api/oidc/token?x=y")).Handle(origin)
				every(time.Second, 50*time.Second, func() { authorize(t, h, time.Second) })
				if n := p.requests.Load(); n != 2 {
					t.Errorf("%d requests, want none within Retry-After", n-2)
				}
			})
		})
	}
}

// TestAnEmptyErrorIsNone: some serialise every member they know.
func TestAnEmptyErrorIsNone(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(refuses(200, `{"access_token":"t-0123456789","token_type":"bearer","expires_in":60,"error":"","error_description":null}`))
		if _, _, f := authorize(t, sourceOf(t, r, "a", options(tokenURL)).Handle(origin), time.Second); f != nil {
			t.Error(f)
		}
	})
}
