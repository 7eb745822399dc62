package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testSecret = "S3cr3t+Value/with=odd&chars% é"
	testID     = "uptime kuma:1"
	origin     = "https://application.example.com"
)

// options are those of a credential at tokenURL.
func options(tokenURL string) Options {
	o := DefaultOptions()
	o.TokenURL, o.ClientID, o.ClientSecret = tokenURL, testID, secret.Literal(testSecret)
	o.Scopes = []string{"authelia.bearer.authz"}
	return o
}

// newSource returns a source whose requests go over the real wire.
func newSource(t *testing.T, o Options) *Source {
	t.Helper()
	return sourceOf(t, newTestRegistry(t), "gate", o)
}

func newTestRegistry(t *testing.T) *Registry {
	t.Helper()
	pool := transport.NewPool()
	r := NewRegistry(pool, RegistryOptions{UserAgent: "Watchword/test"})
	t.Cleanup(func() { r.Close(); pool.Close() })
	return r
}

func sourceOf(t *testing.T, r *Registry, name string, o Options) *Source {
	t.Helper()
	s, err := r.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fakeIDP is a token endpoint without sockets, for tests whose time is
// virtual.
type fakeIDP struct {
	requests atomic.Int64
	alive    atomic.Int64
	mu       sync.Mutex
	answer   func(n int64, req *http.Request) (*http.Response, error)
}

func (p *fakeIDP) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	n := p.requests.Load()
	if req.Method == http.MethodGet {
		p.alive.Add(1)
	} else {
		n = p.requests.Add(1) // requests that come together have a number each
	}
	p.mu.Lock()
	answer := p.answer
	p.mu.Unlock()
	return answer(n, req)
}

func (p *fakeIDP) set(answer func(n int64, req *http.Request) (*http.Response, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// registry returns a registry whose requests all go to p.
func (p *fakeIDP) registry(o RegistryOptions) *Registry {
	r := NewRegistry(transport.NewPool(), o)
	r.wire = func(transport.Options) (http.RoundTripper, error) { return p, nil }
	return r
}

// issues answers with token number n that lives so long, after took.
func issues(life, took time.Duration) func(int64, *http.Request) (*http.Response, error) {
	return func(n int64, req *http.Request) (*http.Response, error) {
		if err := pass(req.Context(), took); err != nil {
			return nil, err
		}
		return response(200, fmt.Sprintf(`{"access_token":"authelia_at_%d","token_type":"bearer","expires_in":%g,"scope":"authelia.bearer.authz"}`, n, life.Seconds())), nil
	}
}

func refuses(status int, body string, header ...string) func(int64, *http.Request) (*http.Response, error) {
	return func(int64, *http.Request) (*http.Response, error) { return response(status, body, header...), nil }
}

func hangs(_ int64, req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func breaks(int64, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func response(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// authorize puts the credential on a request to the handle's origin within d.
func authorize(t *testing.T, h *Handle, d time.Duration) (header http.Header, generation uint64, fault *check.Fault) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return authorizeIn(ctx, t, h)
}

func authorizeIn(ctx context.Context, t *testing.T, h *Handle) (http.Header, uint64, *check.Fault) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/", http.NoBody)
	if err != nil {
		t.Error(err)
		return nil, 0, nil
	}
	generation, err := h.Authorize(ctx, req)
	if err == nil {
		return req.Header, generation, nil
	}
	f, ok := errors.AsType[*check.Fault](err)
	if !ok {
		t.Errorf("Authorize returned a %T, want a *check.Fault: %v", err, err)
	}
	return req.Header, generation, f
}

// verdict is "ok" or class/reason.
func verdict(f *check.Fault) string {
	if f == nil {
		return "ok"
	}
	return string(f.Class) + "/" + string(f.Reason)
}

// tokenServer answers token requests with what answer writes.
func tokenServer(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s
}

func answers(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// everyText is all that a fault can show.
func everyText(t *testing.T, f *check.Fault) string {
	t.Helper()
	if f == nil {
		return ""
	}
	b, err := json.Marshal(f.Text())
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + f.Error() + f.Message + f.Hint + f.Cause.Key
}

func jsonInto(b []byte, to any) error { return json.Unmarshal(b, to) }
