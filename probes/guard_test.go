package probes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

func guardOptions(change ...func(*probes.GuardOptions)) probes.GuardOptions {
	g := probes.DefaultGuardOptions()
	for _, c := range change {
		c(&g)
	}
	return g
}

func try(ways ...string) func(*probes.GuardOptions) {
	return func(g *probes.GuardOptions) { g.Try = ways }
}

func bypass(urls ...string) func(*probes.GuardOptions) {
	return func(g *probes.GuardOptions) { g.BypassURLs = urls }
}

func buildGuard(t testing.TB, o probes.HTTPOptions, g probes.GuardOptions, named ...*probes.Way) *probes.Guard {
	t.Helper()
	pool := transport.NewPool()
	t.Cleanup(pool.Close)
	own, err := pool.Get(o.Transport())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := pool.Get(o.StrangerTransport())
	if err != nil {
		t.Fatal(err)
	}
	return guardOver(t, o, g, probes.Common{RT: own, Foreign: foreign, UserAgent: "Watchword/test"}, named...)
}

func guardOver(t testing.TB, o probes.HTTPOptions, g probes.GuardOptions, c probes.Common, named ...*probes.Way) *probes.Guard {
	t.Helper()
	k := probes.GuardKeys{Named: map[string]*probes.Way{}}
	for _, w := range named {
		k.Named[w.Credential] = w
	}
	p, err := probes.NewGuard(monitor(o.URL), o, g, k, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func guardRun(t testing.TB, o probes.HTTPOptions, g probes.GuardOptions, named ...*probes.Way) check.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return buildGuard(t, o, g, named...).Probe(ctx)
}

// TestGuardReads: what is shut, what is open, and what says neither.
func TestGuardReads(t *testing.T) {
	page := func(title, rest string) string { return "<html><head><title>" + title + "</title></head><body>" + rest }
	form := `<form><input type=password>`
	html := []string{"Content-Type", "text/html"}
	for _, tc := range []struct {
		name   string
		h      http.HandlerFunc
		absent string
		want   string
	}{
		{"401", answer(401, ""), "", "up"},
		{"403", answer(403, page("Forbidden", ""), html...), "", "up"},
		{"407", answer(407, ""), "", "up"},
		{"302 elsewhere", answer(302, "", "Location", "https://auth.example.test/?rd=x"), "", "up"},
		{"308 elsewhere", answer(308, "", "Location", "https://www.example.test/"), "", "up"},
		{"302 to another scheme", answer(302, "", "Location", "app:open"), "", "up"},
		{"302 with an empty Location", answer(302, "", "Location", ""), "", "up"},
		{"302 without a Location", answer(302, "<script>location='/login'</script>", html...), "", "up"},
		{"200 with a sign-in page", answer(200, page("Login - Authelia", ""), html...), "", "up"},
		{"200 with a sign-in page, without the word", answer(200, page("Sign In", ""), html...), "Dashboard", "up"},
		{"200 with a sign-in page, with the word", answer(200, page("Sign In", "Dashboard"), html...), "Dashboard", "exposed/anonymous_access"},
		{"200 with a password field, a word is known", answer(200, page("App", form), html...), "Dashboard", "up"},
		{"200 with a password field, no word is known", answer(200, page("App", form), html...), "", "exposed/anonymous_access"},
		{"200", answer(200, page("App", "Dashboard"), html...), "", "exposed/anonymous_access"},
		{"200 without the word", answer(200, page("App", ""), html...), "Dashboard", "exposed/anonymous_access"},
		{"200 with JSON", answer(200, `{"a":"<title>Sign In</title>"}`, "Content-Type", "application/json"), "", "exposed/anonymous_access"},
		{"204", answer(204, ""), "", "exposed/anonymous_access"},
		{"206", answer(206, "x", "Content-Type", "image/png"), "", "exposed/anonymous_access"},
		{"an encoding that is none", answer(200, "x", "Content-Type", "text/html", "Content-Encoding", "gzip"), "", "target/protocol"},
		{"500", answer(500, "Dashboard"), "", "target/status"},
		{"a proxy's 500", answer(500, "<center><h1>500 Internal Server Error</h1></center>"), "", "target/gateway_error"},
		{"502", answer(502, ""), "", "target/gateway_error"},
		{"503", answer(503, ""), "", "target/gateway_error"},
		{"561", answer(561, ""), "", "target/status"},
		{"404", answer(404, ""), "", "target/status"},
		{"405", answer(405, ""), "", "target/status"},
		{"429", answer(429, ""), "", "target/status"},
		{"400", answer(400, ""), "", "target/status"},
		{"304", answer(304, ""), "", "target/status"},
		{"a Location that cannot be read", answer(302, "", "Location", "http://[::1"), "", "target/protocol"},
		{"a circle", answer(302, "", "Location", "/again"), "", "target/redirect_loop"},
		{"a circle at the sign-in", answer(302, "", "Location", "/auth/x?redirect_url=y"), "", "up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(serve(t, tc.h).URL)
			if tc.absent != "" {
				absent(tc.absent)(&o)
			}
			r := guardRun(t, o, guardOptions())
			want(t, r, tc.want)
			if (r.Detail == nil) != (tc.want == "up") {
				t.Errorf("detail %+v", r.Detail)
			}
			if r.Fault != nil && strings.Contains(r.Fault.Message+r.Fault.Hint, "Dashboard") {
				t.Errorf("the body is quoted: %+v", r.Fault)
			}
		})
	}
}

// TestGuardFollows its own origin: where that ends is what counts.
func TestGuardFollows(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  http.HandlerFunc
		want string
	}{
		{"to a page", answer(200, "x"), "exposed/anonymous_access"},
		{"to a password field", answer(200, "<html><input type=password>", "Content-Type", "text/html"), "up"},
		{"to a refusal", answer(401, ""), "up"},
		{"to sign in elsewhere", answer(302, "", "Location", "https://auth.example.test/"), "up"},
		{"to nothing", answer(404, ""), "target/status"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
					http.Redirect(w, r, "/start", http.StatusSeeOther)
					return
				}
				if _, err := r.Cookie("a"); err != nil {
					answer(500, "")(w, r)
					return
				}
				tc.end(w, r)
			})
			r := guardRun(t, options(srv.URL), guardOptions())
			want(t, r, tc.want)
			if r.Fault != nil && strings.HasPrefix(tc.want, "exposed") && !strings.Contains(r.Fault.Message, srv.URL+"/start") {
				t.Errorf("where it got in is not told: %q", r.Fault.Message)
			}
		})
	}
}

// visits keeps what a server was asked.
type visits struct {
	mu  sync.Mutex
	all []*http.Request
}

func (v *visits) then(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.all = append(v.all, r)
		v.mu.Unlock()
		h(w, r)
	}
}

func (v *visits) take() []*http.Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.all
	v.all = nil
	return all
}

// TestGuardTries: every run tries every way, a stranger comes in every manner,
// tokens go round, nothing is kept from one to the next, and it is no flood.
func TestGuardTries(t *testing.T) {
	var v visits
	srv := serve(t, v.then(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		answer(401, "")(w, r)
	}))
	k := &keys{tokens: []string{"old-token-000"}}
	p := buildGuard(t, options(srv.URL, headers("X-Tenant", "a")), guardOptions(try("key", "foreign", "expired", "garbage", "anonymous", "garbage")), way(k))
	manners := map[string]map[string]bool{}
	for range 4 {
		want(t, p.Probe(t.Context()), "up")
		all := v.take()
		if len(all) != 19 {
			t.Fatalf("%d requests in a run, want 19", len(all))
		}
		n := map[string]int{}
		for _, r := range all {
			if r.Header.Get("Cookie") != "" || r.Header.Get("X-Tenant") != "a" || r.Header.Get("Connection") != "close" {
				t.Errorf("sent %v", r.Header)
			}
			kind := kindOf(r)
			n[kind]++
			if manners[kind] == nil {
				manners[kind] = map[string]bool{}
			}
			manners[kind][fmt.Sprintf("%s %.9q", r.Method, r.Header["Accept"])] = true
		}
		if n["nothing"] != 9 || n["a JWT"] != 6 || n["Authelia's"] != 1 || n["opaque"] != 1 || n["old-token-000"] != 2 {
			t.Errorf("tried %v", n)
		}
	}
	for kind, ms := range manners {
		if len(ms) != 4 {
			t.Errorf("%s came in the manners %v, want four", kind, ms)
		}
	}
	if k.said() != "" {
		t.Errorf("told the way in %q: a guard replaces no token", k.said())
	}
}

func kindOf(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case token == "":
		return "nothing"
	case strings.HasPrefix(token, "authelia_at_"):
		return "Authelia's"
	case strings.Count(token, ".") == 2:
		return "a JWT"
	case token == "old-token-000":
		return token
	}
	return "opaque"
}

func TestGuardWithAnotherMethod(t *testing.T) {
	var v visits
	srv := serve(t, v.then(answer(401, "")))
	for _, method := range []string{"POST", "HEAD"} {
		want(t, guardRun(t, options(srv.URL, absent("x"), func(o *probes.HTTPOptions) { o.Method = method }), guardOptions()), "up")
		all := v.take()
		if len(all) != 11 || slices.ContainsFunc(all, func(r *http.Request) bool { return r.Method != method }) {
			t.Errorf("%s: %d requests", method, len(all))
		}
	}
}

// TestGuardSureOfIt: what got in once may be chance; it is asked again at once.
func TestGuardSureOfIt(t *testing.T) {
	for _, tc := range []struct {
		name   string
		second int
		want   string
		asked  int
	}{
		{"and again", 200, "exposed/anonymous_access", 2},
		{"and was refused then", 401, "up", 13},
		{"and nobody knows then", 503, "target/gateway_error", 13},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := 0
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				n++
				answer(map[int]int{1: 200, 2: tc.second}[min(n, 3)]+map[bool]int{true: 401}[n > 2], "")(w, r)
			})
			want(t, guardRun(t, options(srv.URL), guardOptions()), tc.want)
			if n != tc.asked {
				t.Errorf("%d requests, want %d", n, tc.asked)
			}
		})
	}
}

// TestGuardHead: a HEAD has no body to know a sign-in page by; a GET has.
func TestGuardHead(t *testing.T) {
	wall := answer(200, "<html><title>Sign In</title>", "Content-Type", "text/html")
	want(t, guardRun(t, options(serve(t, wall).URL), guardOptions()), "up")
	open := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			answer(401, "")(w, r)
		}
	})
	r := guardRun(t, options(open.URL), guardOptions())
	want(t, r, "exposed/anonymous_access")
	if !strings.Contains(r.Fault.Message, "HEAD") {
		t.Errorf("the method is not told: %q", r.Fault.Message)
	}
}

// TestGuardFindsWhatIsOpen in each manner and for each kind of token, within as
// many runs as there are manners.
func TestGuardFindsWhatIsOpen(t *testing.T) {
	for name, tc := range map[string]struct {
		lets func(r *http.Request) bool
		want string
		runs int
	}{
		"JSON":         {func(r *http.Request) bool { return r.Header.Get("Accept") == "application/json" }, "exposed/anonymous_access", 1},
		"no Accept":    {func(r *http.Request) bool { return r.Header.Get("Accept") == "" }, "exposed/anonymous_access", 1},
		"HEAD":         {func(r *http.Request) bool { return r.Method == "HEAD" }, "exposed/anonymous_access", 1},
		"any token":    {func(r *http.Request) bool { return r.Header.Get("Authorization") != "" }, "exposed/garbage_accepted", 1},
		"any JWT":      {func(r *http.Request) bool { return kindOf(r) == "a JWT" }, "exposed/garbage_accepted", 1},
		"a credential": {func(r *http.Request) bool { return kindOf(r) == "old-token-000" }, "exposed/wrong_credential_accepted", 1},
		"any token, for JSON": {func(r *http.Request) bool {
			return kindOf(r) == "opaque" && r.Header.Get("Accept") == "application/json"
		}, "exposed/garbage_accepted", 4},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.lets(r) {
					answer(200, "Dashboard of Jane")(w, r)
					return
				}
				answer(302, "", "Location", "https://auth.example.test/")(w, r)
			})
			p := buildGuard(t, options(srv.URL), guardOptions(try("anonymous", "garbage", "expired", "foreign", "key")), way(&keys{tokens: []string{"old-token-000"}}))
			var r check.Result
			for i := 0; i < tc.runs && r.Fault == nil; i++ {
				r = p.Probe(t.Context())
			}
			want(t, r, tc.want, "Jane", "old-token-000", "authelia_at_")
			if r.Fault == nil || !strings.Contains(r.Fault.Message, srv.URL) || r.Fault.Cause != (check.Cause{Kind: check.CauseMonitor, Key: "m"}) || r.StatusCode != 200 {
				t.Errorf("fault %+v, status %d", r.Fault, r.StatusCode)
			}
		})
	}
}

// TestGuardWithoutToken: that there is none to try with is told as it is.
func TestGuardWithoutToken(t *testing.T) {
	srv := serve(t, answer(401, ""))
	provider := check.Cause{Kind: check.CauseProvider, Key: "p"}
	fault := &check.Fault{Class: check.IDP, Reason: check.TokenServerError, Message: "m", Hint: "h", Cause: provider}
	g := guardOptions(try("anonymous", "key"))
	if r := guardRun(t, options(srv.URL), g, way(&keys{err: fault})); r.Fault != fault {
		t.Errorf("got %+v", r.Fault)
	}
	want(t, guardRun(t, options(srv.URL), g, way(&keys{err: errors.New("x")})), "agent/internal")
	open := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(map[bool]int{true: 401, false: 200}[kindOf(r) == "nothing"], "")(w, r)
	})
	want(t, guardRun(t, options(open.URL), guardOptions(try("garbage", "key")), way(&keys{err: fault})), "exposed/garbage_accepted")
}

func TestGuardOutOfReach(t *testing.T) {
	gone := httptest.NewServer(answer(200, ""))
	gone.Close()
	r := guardRun(t, options(gone.URL), guardOptions())
	want(t, r, "network/connect")
	if len(r.Detail.Tries) != 1 {
		t.Errorf("%d requests to where nobody is", len(r.Detail.Tries))
	}
	var v visits
	limited := serve(t, v.then(answer(429, "")))
	want(t, guardRun(t, options(limited.URL), guardOptions()), "target/status")
	if n := len(v.take()); n != 1 {
		t.Errorf("%d requests after a 429, want 1", n)
	}
}

// TestGuardRunsOutOfTime: it says how far it came.
func TestGuardRunsOutOfTime(t *testing.T) {
	n := 0
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 2 {
			<-r.Context().Done()
			return
		}
		answer(401, "")(w, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r := buildGuard(t, options(srv.URL), guardOptions()).Probe(ctx)
	want(t, r, "network/timeout")
	if !strings.Contains(r.Fault.Hint, "2 of 12 tries") {
		t.Errorf("hint %q", r.Fault.Hint)
	}
}

// inProcess answers without a network.
func inProcess(h http.Handler) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		req := r.Clone(r.Context())
		req.RequestURI, req.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
		h.ServeHTTP(rec, req)
		resp := rec.Result()
		resp.Request = r
		if r.Method == http.MethodHead {
			resp.Body = http.NoBody
		}
		return resp, nil
	}
}

func TestGuardExplains(t *testing.T) {
	srv := serve(t, answer(401, ""))
	r := buildGuard(t, options(srv.URL), guardOptions()).Explain(t.Context())
	want(t, r, "up")
	if r.Detail == nil || len(r.Detail.Tries) != 12 {
		t.Fatalf("detail %+v", r.Detail)
	}
	for _, try := range r.Detail.Tries {
		if !strings.HasPrefix(try.Note, "with") || !strings.HasSuffix(try.Note, ": shut: refused") || try.URL != srv.URL || try.Status != 401 {
			t.Errorf("try %+v", try)
		}
	}
	if r.Remote == "" || r.Phases.Connect == 0 {
		t.Errorf("remote %q, phases %+v", r.Remote, r.Phases)
	}
}

func TestGuardPanicIsAFault(t *testing.T) {
	rt := roundTrip(func(*http.Request) (*http.Response, error) { panic("sekrit") })
	want(t, guardOver(t, options("https://h.test"), guardOptions(bypass("http://g.test")), probes.Common{RT: rt}).Probe(t.Context()), "agent/internal", "sekrit")
}

func TestNewGuard(t *testing.T) {
	c := probes.Common{RT: http.DefaultTransport}
	for _, tc := range []struct {
		what string
		o    probes.HTTPOptions
		g    probes.GuardOptions
		want string
	}{
		{"a user in the URL", options("https://u:p@h.test/"), guardOptions(), "url: "},
		{"a header of its own", options("https://h.test/", headers("accept", "x")), guardOptions(), "headers.accept: "},
		{"nothing to try", options("https://h.test/"), guardOptions(try()), "try: "},
		{"an unknown credential", options("https://h.test/"), guardOptions(try("key")), `try: there is no credential "key"`},
		{"no URL", options("https://h.test/"), guardOptions(bypass("h.test")), "bypass_urls[0]: "},
	} {
		if _, err := probes.NewGuard(monitor(tc.o.URL), tc.o, tc.g, probes.GuardKeys{}, c); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s…", tc.what, err, tc.want)
		}
	}
	o := options("https://h.test/", keyword("x"), status("401"), func(o *probes.HTTPOptions) { o.Body, o.MaxRedirects = secret.Literal("x"), 0 })
	if _, err := probes.NewGuard(monitor(o.URL), o, guardOptions(try(), bypass("http://h.test:3000/")), probes.GuardKeys{}, c); err != nil {
		t.Errorf("what does not concern a guard: %v", err)
	}
}

// TestGuardDistrustsURLs: a URL that looks like a sign-in is none; the page at
// its end has to be one.
func TestGuardDistrustsURLs(t *testing.T) {
	shop := "<html><head><title>My Shop</title><script src=a.js></script></head><body>Orders of Jane"
	shell := "<html><head><title>Portal</title><style>a{}</style><script>x</script></head><body><noscript>JavaScript, please</noscript><div id=root></div>"
	for _, tc := range []struct{ to, page, method, want string }{
		{"/app?client_id=7", shop, "GET", "exposed/anonymous_access"},
		{"/auth/dashboard", shop, "GET", "exposed/anonymous_access"},
		{"/home?rd=1", shop, "GET", "exposed/anonymous_access"},
		{"/home?rd=OWN", shop, "GET", "exposed/anonymous_access"},
		{"/auth/dashboard", shell, "GET", "exposed/anonymous_access"},
		{"/home?rd=1", shell, "GET", "exposed/anonymous_access"},
		{"/auth/?rd=OWN", shell, "GET", "up"},
		{"/auth/", "<html><title>Sign In</title>", "GET", "up"},
		{"/auth/", "<html><title>Sign In</title>", "HEAD", "up"},
		{"/auth/", shop, "HEAD", "exposed/anonymous_access"},
		{"/auth/", "<html><input type=password>", "GET", "up"},
	} {
		t.Run(tc.to+" "+tc.method, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					http.Redirect(w, r, strings.Replace(tc.to, "OWN", "http%3A%2F%2F"+r.Host+"%2F", 1), http.StatusFound)
					return
				}
				answer(200, tc.page, "Content-Type", "text/html")(w, r)
			})
			want(t, guardRun(t, options(srv.URL, func(o *probes.HTTPOptions) { o.Method = tc.method }), guardOptions()), tc.want, "Jane")
		})
	}
}
