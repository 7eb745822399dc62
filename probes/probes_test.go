package probes_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server on loopback for the time of the test.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// answer is a handler that always says the same.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header()[headers[i]] = []string{headers[i+1]}
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func options(url string, change ...func(*probes.HTTPOptions)) probes.HTTPOptions {
	o := probes.DefaultHTTPOptions()
	o.URL = url
	for _, c := range change {
		c(&o)
	}
	return o
}

func keyword(ws ...string) func(*probes.HTTPOptions) {
	return func(o *probes.HTTPOptions) { o.Expect.Keyword = ws }
}

func absent(ws ...string) func(*probes.HTTPOptions) {
	return func(o *probes.HTTPOptions) { o.Expect.Absent = ws }
}

func status(ss ...string) func(*probes.HTTPOptions) {
	return func(o *probes.HTTPOptions) { o.Expect.Status = ss }
}

func headers(kv ...string) func(*probes.HTTPOptions) {
	return func(o *probes.HTTPOptions) {
		o.Headers = make(map[string]secret.Text)
		for i := 0; i+1 < len(kv); i += 2 {
			o.Headers[kv[i]] = secret.Literal(kv[i+1])
		}
	}
}

func build(t testing.TB, o probes.HTTPOptions, w *probes.Way) *probes.HTTP {
	t.Helper()
	pool := transport.NewPool()
	t.Cleanup(pool.Close)
	rt, err := pool.Get(o.Transport())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := pool.Get(o.ForeignTransport())
	if err != nil {
		t.Fatal(err)
	}
	p, err := probes.NewHTTP(monitor(o.URL), o, w, probes.Common{RT: rt, Foreign: foreign, UserAgent: "Watchword/test"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func probe(t testing.TB, o probes.HTTPOptions, w *probes.Way) check.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return build(t, o, w).Probe(ctx)
}

func want(t *testing.T, r check.Result, verdict string, secrets ...string) {
	t.Helper()
	if got := short(r); got != verdict {
		t.Errorf("read as %s, want %s (%+v)", got, verdict, r.Fault)
	}
	checkText(t, r, secrets...)
}

// keys is an Authorizer that hands out one token after the other.
type keys struct {
	mu      sync.Mutex
	tokens  []string
	gen     int
	err     error
	errAt   int // Authorize that fails, 1 for the first
	asked   int
	judged  []string // "1 refused", "2 taken"
	replace bool     // a refused token is replaced once
}

func (k *keys) Authorize(_ context.Context, req *http.Request) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if k.err != nil && k.asked == max(k.errAt, 1) {
		return 0, k.err
	}
	req.Header.Set("Authorization", "Bearer "+k.tokens[k.gen])
	return uint64(k.gen + 1), nil
}

func (k *keys) Judged(gen uint64, refused bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	what := " taken"
	if refused {
		what = " refused"
	}
	k.judged = append(k.judged, string(rune('0'+gen))+what)
	if !refused || !k.replace || k.gen+1 >= len(k.tokens) {
		return false
	}
	k.gen++
	return true
}

func (k *keys) said() string { return strings.Join(k.judged, ", ") }

func way(a probes.Authorizer) *probes.Way {
	return &probes.Way{Auth: a, Kind: "client_credentials", Credential: "key", Gate: "gate", Provider: "https://auth.example.test",
		Secrets: func() []string { return []string{"old-token-000", "new-token-000"} }}
}

func TestExpectations(t *testing.T) {
	page := "<html><title>Dash</title><body>Dashboard of Müller, status: \"ok\"</body></html>"
	srv := serve(t, answer(200, page, "Content-Type", "text/html; charset=utf-8"))
	for _, tc := range []struct {
		name string
		o    probes.HTTPOptions
		want string
	}{
		{"nothing but the status", options(srv.URL), "up"},
		{"keyword", options(srv.URL, keyword("Dashboard")), "up"},
		{"keywords, all there", options(srv.URL, keyword("Dashboard", "Müller")), "up"},
		{"one of two is missing", options(srv.URL, keyword("Dashboard", "Mueller")), "content/keyword_missing"},
		{"case counts", options(srv.URL, keyword("dashboard")), "content/keyword_missing"},
		{"quotes are not re-serialised", options(srv.URL, keyword(`status: "ok"`)), "up"},
		{"absent is absent", options(srv.URL, absent("Maintenance")), "up"},
		{"absent is there", options(srv.URL, absent("Maintenance", "Dashboard")), "content/keyword_present"},
		{"keyword missing comes before absent found", options(srv.URL, keyword("nope"), absent("Dashboard")), "content/keyword_missing"},
		{"other status", options(srv.URL, status("204", "300-399")), "target/status"},
		{"one of several statuses", options(srv.URL, status("404", "200")), "up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := probe(t, tc.o, nil)
			want(t, r, tc.want)
			if r.StatusCode != 200 || r.Remote != strings.TrimPrefix(srv.URL, "http://") {
				t.Errorf("status %d, remote %q", r.StatusCode, r.Remote)
			}
			if (r.Detail == nil) != (tc.want == "up") {
				t.Errorf("detail %+v with %s", r.Detail, tc.want)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	seen := make(chan *http.Request, 1)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r })
	ask := func(t *testing.T, o probes.HTTPOptions) *http.Request {
		t.Helper()
		want(t, probe(t, o, nil), "up")
		return <-seen
	}
	t.Run("defaults", func(t *testing.T) {
		r := ask(t, options(srv.URL+"/p?q=1#f"))
		if r.Header.Get("Accept") != "*/*" || r.Header.Get("Accept-Encoding") != "gzip" ||
			r.Header.Get("User-Agent") != "Watchword/test" || len(r.Header) != 4 || r.Header.Get("Connection") != "close" || r.RequestURI != "/p?q=1" {
			t.Errorf("sent %s %v", r.RequestURI, r.Header)
		}
	})
	t.Run("headers say otherwise", func(t *testing.T) {
		r := ask(t, options(srv.URL, headers("accept", "text/html", "User-Agent", "x", "host", "other.example", "X-A", "b")))
		if r.Header.Get("Accept") != "text/html" || r.Header.Get("User-Agent") != "x" || r.Host != "other.example" || r.Header.Get("X-A") != "b" {
			t.Errorf("sent %s %v", r.Host, r.Header)
		}
	})
	t.Run("userinfo is sent and not shown", func(t *testing.T) {
		o := options(strings.Replace(srv.URL, "http://", "http://user:pass-word-1@", 1), status("404"))
		r := probe(t, o, nil)
		want(t, r, "target/status", "pass-word-1")
		if u, p, ok := (<-seen).BasicAuth(); !ok || u != "user" || p != "pass-word-1" {
			t.Errorf("sent %q %q %t", u, p, ok)
		}
		for _, try := range r.Detail.Tries {
			if strings.Contains(try.URL, "pass") {
				t.Errorf("shown: %q", try.URL)
			}
		}
	})
	t.Run("a header is read at use", func(t *testing.T) {
		text, err := secret.Parse("${PROBE_KEY}", "")
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("PROBE_KEY", "one")
		p := build(t, options(srv.URL, func(o *probes.HTTPOptions) { o.Headers = map[string]secret.Text{"X-Key": text} }), nil)
		for _, v := range []string{"one", "two"} {
			t.Setenv("PROBE_KEY", v)
			want(t, p.Probe(t.Context()), "up")
			if got := (<-seen).Header.Get("X-Key"); got != v {
				t.Errorf("sent %q, want %q", got, v)
			}
		}
		t.Setenv("PROBE_KEY", "a\nb")
		want(t, p.Probe(t.Context()), "credential/secret_unavailable")
	})
}

func TestPanicIsAFault(t *testing.T) {
	rt := roundTrip(func(*http.Request) (*http.Response, error) { panic("sekrit") })
	p, err := probes.NewHTTP(monitor("http://h.test"), options("http://h.test"), nil, probes.Common{RT: rt})
	if err != nil {
		t.Fatal(err)
	}
	want(t, p.Probe(t.Context()), "agent/internal", "sekrit")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAuthorizeFails(t *testing.T) {
	srv := serve(t, answer(200, ""))
	fault := &check.Fault{Class: check.IDP, Reason: check.TokenServerError, Message: "m", Hint: "h", Cause: check.Cause{Kind: check.CauseProvider, Key: "p"}}
	if r := probe(t, options(srv.URL), way(&keys{err: fault})); r.Fault != fault || r.StatusCode != 0 {
		t.Errorf("got %+v", r)
	}
	want(t, probe(t, options(srv.URL), way(&keys{err: errors.New("x")})), "agent/internal")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, build(t, options(srv.URL), way(&keys{err: ctx.Err()})).Probe(ctx), "idp/token_timeout")
}
