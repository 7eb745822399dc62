package probes_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

const resource = "https://application.example.test/"

func about(resource, implementation string) probes.AuthzOptions {
	return probes.AuthzOptions{Implementation: implementation, Resource: resource}
}

func buildAuthz(t testing.TB, o probes.HTTPOptions, a probes.AuthzOptions, w *probes.Way) *probes.Authz {
	t.Helper()
	pool := transport.NewPool()
	t.Cleanup(pool.Close)
	rt, err := pool.Get(o.Transport())
	if err != nil {
		t.Fatal(err)
	}
	return authzOver(t, o, a, w, rt)
}

func authzOver(t testing.TB, o probes.HTTPOptions, a probes.AuthzOptions, w *probes.Way, rt http.RoundTripper) *probes.Authz {
	t.Helper()
	p, err := probes.NewAuthz(monitor(o.URL), o, a, w, probes.Common{RT: rt, UserAgent: "Watchword/test"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func askAuthz(t testing.TB, o probes.HTTPOptions, a probes.AuthzOptions, w *probes.Way) check.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return buildAuthz(t, o, a, w).Probe(ctx)
}

// TestAuthzAsks as each proxy does, with the credential where it says.
func TestAuthzAsks(t *testing.T) {
	var v visits
	srv := serve(t, v.then(answer(200, "200 OK")))
	method := func(m string) func(*probes.HTTPOptions) {
		return func(o *probes.HTTPOptions) { o.Method = m }
	}
	for _, tc := range []struct {
		name, path string
		a          probes.AuthzOptions
		o          []func(*probes.HTTPOptions)
		want       string // method, URI, Host, then headers
		never      []string
	}{
		{"nginx", "/api/authz/auth-request", about("https://a.example.test:443/x?y=z#f", "auth-request"), []func(*probes.HTTPOptions){method("POST")},
			"GET /api/authz/auth-request HERE X-Original-Url=https://a.example.test/x?y=z X-Original-Method=POST", []string{"X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Method"}},
		{"Traefik", "/api/authz/forward-auth", about("https://a.example.test:8443", "forward-auth"), nil,
			"GET /api/authz/forward-auth HERE X-Forwarded-Method=GET X-Forwarded-Proto=https X-Forwarded-Host=a.example.test:8443 X-Forwarded-Uri=/", []string{"X-Original-Url", "X-Original-Method"}},
		{"Envoy", "/api/authz/ext-authz/", about("https://a.example.test/x%2Fy?z=1", "ext-authz"), []func(*probes.HTTPOptions){method("DELETE")},
			"DELETE /api/authz/ext-authz/x%2Fy?z=1 a.example.test X-Forwarded-Proto=https", []string{"X-Original-Url", "X-Forwarded-Uri", "X-Forwarded-Host"}},
		{"with headers of the user's", "/oauth2/auth", about(resource, "auth-request"), []func(*probes.HTTPOptions){headers("X-Forwarded-Host", "auth.example.test", "Accept", "text/html", "X-Forwarded-For", "192.0.2.7")},
			"GET /oauth2/auth HERE X-Forwarded-Host=auth.example.test Accept=text/html X-Forwarded-For=192.0.2.7", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want(t, askAuthz(t, options(srv.URL+tc.path, tc.o...), tc.a, way(&keys{tokens: []string{"old-token-000"}})), "up")
			all := v.take()
			if len(all) != 1 {
				t.Fatalf("%d requests", len(all))
			}
			r := all[0]
			parts := strings.Fields(strings.Replace(tc.want, "HERE", strings.TrimPrefix(srv.URL, "http://"), 1))
			if r.Method != parts[0] || r.RequestURI != parts[1] || r.Host != parts[2] || r.ContentLength != 0 {
				t.Errorf("asked %s %s at %s", r.Method, r.RequestURI, r.Host)
			}
			for _, h := range parts[3:] {
				if name, value, _ := strings.Cut(h, "="); r.Header.Get(name) != value {
					t.Errorf("%s is %q, want %q", name, r.Header.Get(name), value)
				}
			}
			for _, name := range tc.never {
				if r.Header.Get(name) != "" {
					t.Errorf("sent %s: %s", name, r.Header.Get(name))
				}
			}
			if from := r.Header.Get("X-Forwarded-For"); from != "192.0.2.7" && from != "127.0.0.1" {
				t.Errorf("X-Forwarded-For is %q, want our own address", from)
			}
			if r.Header.Get("Authorization") != "Bearer old-token-000" {
				t.Errorf("sent %v", r.Header)
			}
		})
	}
}

// TestAuthzTranscripts reads every recorded answer as that of an authz endpoint.
// With a credential it is what a monitor of type http makes of it, but for pages
// and for redirects, which such an endpoint does not follow.
func TestAuthzTranscripts(t *testing.T) {
	verdicts := verdicts(t)
	all := exchanges(t)
	replayer := newReplayer(t, all)
	n := map[string]int{}
	for _, x := range all {
		key := x.system + ": " + x.Name
		if x.Token {
			continue
		}
		o := options(x.URL, headers("X-Exchange", key))
		if x.URL == portal {
			o.URL = resource
		}
		a := about(resource, "auth-request")
		if strings.Contains(x.Name, "forward-auth") {
			a.Implementation = "forward-auth"
		}
		if x.Method != "GET" { // Envoy alone passes the method on
			a.Implementation, o.Method = "ext-authz", x.Method
		}
		r := authzOver(t, o, a, wayOf(x), replayer.rt).Probe(t.Context())
		got := short(r)
		n[strings.SplitN(got, "/", 2)[0]]++
		if want := forAuthz(x, verdicts[key]); got != want {
			t.Errorf("%s: read as %s, want %s (%+v)", key, got, want, r.Fault)
		}
		checkText(t, r, "sekrit-token")
	}
	if n["up"] < 20 || n["gateway"] < 40 || n["policy"] < 4 || n["target"] < 20 {
		t.Errorf("read %v", n)
	}
}

func forAuthz(x exchange, verdict string) string {
	sent := x.Status >= 300 && x.Status < 400 && strings.TrimSpace(x.Headers["Location"]) != ""
	switch {
	case verdict == "up" && strings.Contains(x.Headers["Content-Type"], "html") && strings.Contains(x.Body, "<html"):
		return "target/protocol"
	case x.Status == 200 && verdict == "gateway/login_page" && x.URL != portal:
		return "target/protocol"
	case sent && x.Kind != "" && (verdict == "target/redirected" || verdict == "target/redirect_loop" || verdict == "up"):
		return "gateway/login_redirect"
	}
	return verdict
}

// TestAuthzReads what is its own: statuses of the endpoint, pages, redirects.
func TestAuthzReads(t *testing.T) {
	html := []string{"Content-Type", "text/html; charset=utf-8"}
	signIn := "<!DOCTYPE html><html><head><title>Login - Authelia</title></head></html>"
	for _, tc := range []struct {
		name        string
		h           http.HandlerFunc
		with, alone string // with a credential, and without
		hint        string // of the first
	}{
		{"allowed", answer(200, "200 OK", "Content-Type", "text/plain"), "up", "up", ""},
		{"allowed, oauth2-proxy", answer(202, ""), "up", "up", ""},
		{"allowed, and called HTML by the server", answer(200, "OK", html...), "up", "up", ""},
		{"no content", answer(204, ""), "up", "up", ""},
		{"the portal", answer(200, signIn, html...), "target/protocol", "target/protocol", "with its whole path"},
		{"some page", answer(200, "<html><title>Dashboard</title>", html...), "target/protocol", "target/protocol", "with its whole path"},
		{"bad request", answer(400, "400 Bad Request"), "target/status", "target/status", "cookie domains"},
		{"unauthorized", answer(401, "Unauthorized"), "gateway/token_rejected", "target/status", "watchword token key"},
		{"unauthorized, as to a stranger", answer(401, "", "Location", "https://auth.example.test/?rd=x"), "gateway/token_rejected", "target/status", "no token at all"},
		{"unauthorized, no token seen", answer(401, "", "Www-Authenticate", "Bearer"), "gateway/token_rejected", "target/status", "take Authorization away"},
		{"invalid_token", answer(401, "", "Www-Authenticate", invalidToken), "gateway/token_rejected", "target/status", "watchword token key"},
		{"forbidden", answer(403, "403 Forbidden"), "policy/forbidden", "target/status", "access_control"},
		{"sent to sign in", answer(302, "", "Location", "https://auth.example.test/?rd=x&rm=GET"), "gateway/login_redirect", "gateway/login_page", "no token at all"},
		{"sent to the provider", answer(302, "", "Location", "https://auth.example.test/login"), "gateway/login_redirect", "target/status", "no token at all"},
		{"sent anywhere", answer(303, "", "Location", "https://idp.example.test/start"), "gateway/login_redirect", "target/status", "no token at all"},
		{"sent to nowhere", answer(302, "", "Location", ""), "gateway/login_redirect", "gateway/login_page", ""},
		{"the endpoint moved", answer(308, "", "Location", "/authz/"), "target/redirected", "target/redirected", "/authz/"},
		{"a Location that cannot be read", answer(302, "", "Location", "http://[::1"), "target/protocol", "target/protocol", ""},
		{"nothing there", answer(404, "404 Not Found"), "target/status", "target/status", "server.endpoints.authz"},
		{"not this method", answer(405, "405 Method Not Allowed"), "target/status", "target/status", "belong together"},
		{"too often", answer(429, ""), "target/status", "target/status", "less often"},
		{"the gate fails", answer(500, "oops"), "target/status", "target/status", "while it decided"},
		{"the gate is gone behind its proxy", answer(502, ""), "target/gateway_error", "target/gateway_error", "no service behind it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, tc.h)
			o, a := options(srv.URL+"/authz"), about(resource+"page?key=sesame-1", "auth-request")
			w := way(stamp("old-token-000"))
			r := askAuthz(t, o, a, w)
			want(t, r, tc.with, "old-token-000", "sesame-1")
			if r.Fault != nil && !strings.Contains(r.Fault.Hint, tc.hint) {
				t.Errorf("hint %q, want %q in it", r.Fault.Hint, tc.hint)
			}
			alone := askAuthz(t, o, a, nil)
			want(t, alone, tc.alone, "sesame-1")
			if r.Fault == nil && r.Detail != nil || r.StatusCode == 0 {
				t.Errorf("status %d, detail %+v", r.StatusCode, r.Detail)
			}
		})
	}
}

// TestAuthzExpects: who is to be refused is up where it is, and no token is
// replaced for it.
func TestAuthzExpects(t *testing.T) {
	k := &keys{tokens: []string{"old-token-000", "new-token-000"}, replace: true}
	denied := serve(t, answer(403, "403 Forbidden"))
	want(t, askAuthz(t, options(denied.URL, status("403")), about(resource, "auth-request"), way(k)), "up")
	r := askAuthz(t, options(serve(t, answer(200, "200 OK")).URL, status("403")), about(resource, "auth-request"), way(k))
	want(t, r, "target/status")
	if r.Fault == nil || !strings.Contains(r.Fault.Hint, `lets credential "key" in to GET https://application.example.test/`) {
		t.Errorf("got %+v", r.Fault)
	}
	if k.said() != "1 taken" && k.said() != "" {
		t.Errorf("told the way in %q", k.said())
	}
	stranger := serve(t, answer(302, "", "Location", "https://auth.example.test/?rd=x"))
	want(t, askAuthz(t, options(stranger.URL, status("302")), about(resource, "forward-auth"), nil), "up")
}

func TestAuthzSecondChance(t *testing.T) {
	srv := serve(t, gateFor("new-token-000", answer(401, "401 Unauthorized", "Www-Authenticate", invalidToken)))
	k := &keys{tokens: []string{"old-token-000", "new-token-000"}, replace: true}
	r := askAuthz(t, options(srv.URL), about(resource, "auth-request"), way(k))
	want(t, r, "up", k.tokens...)
	if k.said() != "1 refused, 2 taken" || r.Detail == nil || len(r.Detail.Tries) != 2 {
		t.Errorf("told the way in %q: %+v", k.said(), r.Detail)
	}
}

// TestAuthzBlame: an endpoint that is not there is the gate's, or the provider's
// where that is not there either.
func TestAuthzBlame(t *testing.T) {
	gone := httptest.NewServer(answer(200, ""))
	gone.Close()
	provider := check.Cause{Kind: check.CauseProvider, Key: "https://auth.example.test"}
	gate := check.Cause{Kind: check.CauseGate, Key: "gate"}
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for _, tc := range []struct {
		name, url string
		alive     bool
		want      string
		cause     check.Cause
	}{
		{"gone, provider alive", gone.URL, true, "network/connect", gate},
		{"gone, provider dead", gone.URL, false, "idp/token_unreachable", provider},
		{"502, provider alive", serve(t, answer(502, "")).URL, true, "target/gateway_error", gate},
		{"502, provider dead", serve(t, answer(502, "")).URL, false, "idp/token_unreachable", provider},
		{"500, provider alive", serve(t, answer(500, "")).URL, true, "target/status", gate},
		{"500, provider dead", serve(t, answer(500, "")).URL, false, "idp/token_unreachable", provider},
		{"refused, provider dead", serve(t, answer(401, "")).URL, false, "idp/token_unreachable", provider},
		{"silent, the provider is elsewhere", silent.URL, false, "network/timeout", gate},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := way(stamp("old-token-000"))
			w.Alive = func(context.Context) bool { return tc.alive }
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			r := buildAuthz(t, options(tc.url), about(resource, "auth-request"), w).Probe(ctx)
			want(t, r, tc.want, "old-token-000")
			if r.Fault != nil && r.Fault.Cause != tc.cause {
				t.Errorf("cause %+v, want %+v", r.Fault.Cause, tc.cause)
			}
		})
	}
	t.Run("silent, and it is the provider", func(t *testing.T) {
		w := way(stamp("old-token-000"))
		w.Provider, w.Alive = silent.URL, func(context.Context) bool { return true }
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		r := buildAuthz(t, options(silent.URL), about(resource, "auth-request"), w).Probe(ctx)
		want(t, r, "idp/token_timeout")
		if r.Fault != nil && r.Fault.Cause != (check.Cause{Kind: check.CauseProvider, Key: silent.URL}) {
			t.Errorf("cause %+v", r.Fault.Cause)
		}
	})
	for _, status := range []int{500, 502, 503, 504} { // of a credential without a provider to ask
		w := way(stamp("old-token-000"))
		w.Kind, w.Provider, w.Alive = "basic", "", nil
		r := askAuthz(t, options(serve(t, answer(status, "")).URL), about(resource, "auth-request"), w)
		if r.Fault == nil || r.Fault.Cause != gate {
			t.Errorf("%d: %+v", status, r.Fault)
		}
	}
	r := askAuthz(t, options(gone.URL), about(resource, "auth-request"), nil)
	want(t, r, "network/connect")
	if r.Fault.Cause.Kind != check.CauseAddress {
		t.Errorf("cause %+v", r.Fault.Cause)
	}
}

// TestAuthzOfTheLab: Authelia's own endpoint, as it was observed.
func TestAuthzOfTheLab(t *testing.T) {
	p := lab.NewProvider(lab.ProviderOptions{Clients: []lab.Client{{ID: "c", Secret: "s", Scopes: []string{lab.BearerScope}, Audience: []string{resource}}}})
	access := lab.NewAccess(lab.AccessOptions{Provider: p, Portal: "https://auth.example.test/"})
	rt := inProcess(lab.NewAuthz(lab.AuthzOptions{Access: access, Domains: []string{"example.test"}}))
	token := func(audience string) *probes.Way {
		text, err := p.Mint(lab.Grant{Client: "c", Scope: []string{lab.BearerScope}, Audience: []string{audience}}, lab.Opaque)
		if err != nil {
			t.Fatal(err)
		}
		w := way(stamp(text))
		w.Authelia = func() bool { return true }
		return w
	}
	access.SetPolicy("/admin", lab.Deny)
	access.SetPolicy("/vault", lab.TwoFactor)
	good := token(resource)
	for _, tc := range []struct {
		name, path, resource, implementation string
		w                                    *probes.Way
		want                                 string
	}{
		{"allowed", "/api/authz/auth-request", resource, "auth-request", good, "up"},
		{"allowed, as Traefik asks", "/api/authz/forward-auth", resource, "forward-auth", good, "up"},
		{"the wrong way", "/api/authz/forward-auth", resource, "auth-request", good, "target/status"},
		{"not https", "/api/authz/auth-request", "http://application.example.test/", "auth-request", good, "target/status"},
		{"another domain", "/api/authz/auth-request", "https://application.example.com/", "auth-request", good, "target/status"},
		{"no endpoint", "/api/verify", resource, "auth-request", good, "target/status"},
		{"denied", "/api/authz/auth-request", resource + "admin", "auth-request", good, "policy/forbidden"},
		{"two factors", "/api/authz/auth-request", resource + "vault", "auth-request", good, "policy/second_factor_required"},
		{"another audience", "/api/authz/auth-request", resource, "auth-request", token("https://other.example.test/"), "gateway/token_rejected"},
		{"no token of Authelia's", "/api/authz/auth-request", resource, "auth-request", way(stamp("eyJhbGciOiJub25lIn0.e30.")), "gateway/token_rejected"},
		{"a stranger", "/api/authz/forward-auth", resource, "forward-auth", nil, "gateway/login_page"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := authzOver(t, options("https://auth.example.test"+tc.path), about(tc.resource, tc.implementation), tc.w, rt).Probe(t.Context())
			want(t, r, tc.want, "authelia_at_")
		})
	}
}

// TestTwins: where a fault may be of gate or application, the monitor that can
// tell is named.
func TestTwins(t *testing.T) {
	for status, named := range map[int]bool{401: true, 403: true, 502: true, 500: true, 404: true} {
		srv := serve(t, answer(status, ""))
		w := way(stamp("old-token-000"))
		w.Twin = "The other"
		for _, r := range []check.Result{probe(t, options(srv.URL), w), askAuthz(t, options(srv.URL), about(resource, "auth-request"), w)} {
			if got := strings.Contains(r.Fault.Hint, `"The other"`); got != named {
				t.Errorf("%d: hint %q", status, r.Fault.Hint)
			}
		}
	}
	w := way(stamp("old-token-000"))
	w.Twin = "The other"
	if r := probe(t, options(serve(t, answer(200, "x")).URL, keyword("y")), w); strings.Contains(r.Fault.Hint, "other") {
		t.Errorf("hint %q", r.Fault.Hint)
	}
}

func TestNewAuthz(t *testing.T) {
	for _, tc := range []struct {
		o    probes.HTTPOptions
		a    probes.AuthzOptions
		want string
	}{
		{options("auth.example.test"), about(resource, "auth-request"), "url: "},
		{options("https://auth.example.test"), about("", "auth-request"), "resource: "},
		{options("https://auth.example.test"), about("application", "auth-request"), "resource: "},
		{options("https://auth.example.test"), about(resource, "nginx"), "implementation: "},
		{options("https://auth.example.test", headers("x-forwarded-uri", "/")), about(resource, "forward-auth"), "headers.x-forwarded-uri: "},
	} {
		if _, err := probes.NewAuthz(monitor(tc.o.URL), tc.o, tc.a, nil, probes.Common{RT: http.DefaultTransport}); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("got %v, want %s…", err, tc.want)
		}
	}
	o := options("https://auth.example.test", keyword("x"), absent("y"), func(o *probes.HTTPOptions) { o.Body = secret.Literal("x") })
	if _, err := probes.NewAuthz(monitor(o.URL), o, about(resource, "ext-authz"), nil, probes.Common{RT: http.DefaultTransport}); err != nil {
		t.Errorf("what does not concern it: %v", err)
	}
}

// TestAuthzKeepsSilent: an endpoint may send everything back that it was sent;
// none of it is shown.
func TestAuthzKeepsSilent(t *testing.T) {
	for _, status := range []int{200, 302, 308, 400, 401, 403, 404, 500, 502} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			echo := token + " " + r.Header.Get("X-Key") + " " + r.Header.Get("X-Original-Url")
			answer(status, "<html><title>"+echo+"</title>"+echo, "Content-Type", "text/html", "Location", "/authz/?echo="+token+"#"+token, "Www-Authenticate", `Bearer error_description="`+echo+`"`)(w, r)
		})
		o := options(srv.URL+"/authz", headers("X-Key", "tenant-key-1"))
		r := buildAuthz(t, o, about(resource+"?key=sesame-1", "auth-request"), way(stamp("old-token-000"))).Explain(t.Context())
		if r.Fault == nil {
			t.Errorf("%d is up", status)
			continue
		}
		text := fmt.Sprintf("%+v %+v", *r.Fault, *r.Detail)
		for _, s := range []string{"old-token-000", "tenant-key-1", "sesame-1"} {
			if strings.Contains(text, s) {
				t.Errorf("%d: %q is shown: %s", status, s, text)
			}
		}
	}
}
