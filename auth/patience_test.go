package auth

import (
	"crypto/elliptic"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestABrokenKeyEndsNobodysWait: a key that was replaced by one that is no good
// leaves the wait that the endpoint asked all for alone.
func TestABrokenKeyEndsNobodysWait(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		o := methodOptions(tokenURL, methodKeyJWT)
		o.PrivateKeyFile = filepath.Join(t.TempDir(), "key.pem")
		good := keyText(t, ecKey(t, elliptic.P256()), false)
		write := func(text []byte) {
			if err := os.WriteFile(o.PrivateKeyFile, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(good)
		a, b := sourceOf(t, r, "a", o).Handle(origin), sourceOf(t, r, "b", options(tokenURL)).Handle(origin)
		p.set(refuses(401, `{"error":"invalid_client"}`))
		authorize(t, a, time.Second)
		p.set(refuses(429, "", "Retry-After", "3600"))
		authorize(t, b, time.Second)
		before := p.requests.Load()
		write(good[:len(good)/2])
		every(30*time.Second, 10*time.Minute, func() {
			for _, h := range []*Handle{a, b} {
				if _, _, f := authorize(t, h, time.Second); f == nil {
					t.Error("a token was had")
				}
			}
		})
		if n := p.requests.Load() - before; n != 0 {
			t.Errorf("%d requests within Retry-After", n)
		}
	})
}

// TestProofOfARefusalIsNoOther: of who is refused, those who use the token and
// those who ask for proof send one request together.
func TestProofOfARefusalIsNoOther(t *testing.T) {
	requests := func(proof bool) (n int64) {
		inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
			p.set(func(_ int64, req *http.Request) (*http.Response, error) {
				if err := pass(req.Context(), 100*time.Millisecond); err != nil {
					return nil, err
				}
				return response(401, `{"error":"invalid_client"}`), nil
			})
			s := sourceOf(t, r, "gate", options(tokenURL))
			h := s.Handle(origin)
			turn := 0
			every(10*time.Second, time.Hour, func() {
				both := []func(){
					func() { authorize(t, h, time.Second) },
					func() {
						if proof {
							if _, f := fresh(t, s, time.Second); verdict(f) != "credential/client_rejected" {
								t.Error(f)
							}
						}
					},
				}
				turn++
				var wg sync.WaitGroup
				for i := range both {
					wg.Go(both[(i+turn)%2])
					synctest.Wait() // now one comes first, now the other
				}
				wg.Wait()
			})
			n = p.requests.Load()
		})
		return n
	}
	if without, with := requests(false), requests(true); with > without+1 {
		t.Errorf("%d requests in an hour, and %d with proof", without, with)
	}
}

// slowFiles is a credential whose secrets lie where reading hangs.
type slowFiles struct {
	fetcher
	hang chan struct{}
}

func (s slowFiles) fingerprint() fingerprint {
	<-s.hang
	return fingerprint{1}
}

// TestAHangingFileHoldsNobody: while a secret cannot be read, nobody is held for
// longer than he has time.
func TestAHangingFileHoldsNobody(t *testing.T) {
	inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
		p.set(refuses(401, `{"error":"invalid_client"}`))
		s := sourceOf(t, r, "gate", options(tokenURL))
		h := s.Handle(origin)
		authorize(t, h, time.Second)
		hang := make(chan struct{})
		s.tokens.fetcher = slowFiles{s, hang}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				began := time.Now()
				if _, _, f := authorize(t, h, time.Second); verdict(f) != "credential/client_rejected" || time.Since(began) > time.Second {
					t.Errorf("%v after %s", f, time.Since(began))
				}
			})
		}
		synctest.Wait()
		if st := s.Status(); st.LastFault == nil {
			t.Errorf("status %+v", st)
		}
		wg.Wait()
		p.set(issues(time.Hour, 0))
		close(hang)
		synctest.Wait()
		if _, _, f := authorize(t, h, time.Second); f != nil {
			t.Errorf("with another secret: %v", f)
		}
	})
}
