package probes_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// TestGuardTranscripts: what a monitor that wants to get in reads as a refusal
// is shut for a guard, what it reads as up is open, and all else says neither.
func TestGuardTranscripts(t *testing.T) {
	verdicts := verdicts(t)
	all := exchanges(t)
	replayer := newReplayer(t, all)
	n := map[string]int{}
	plain := inProcess(answer(301, "", "Location", "https://elsewhere.example.test/"))
	for _, x := range all {
		key := x.system + ": " + x.Name
		if x.Token || x.Method != "GET" && x.Method != "HEAD" && x.Method != "POST" {
			continue
		}
		o := options(x.URL, headers("X-Exchange", key), func(o *probes.HTTPOptions) { o.Method = x.Method })
		if x.URL == portal {
			o.URL = "https://application.example.test/"
		}
		r := guardOver(t, o, guardOptions(), probes.Common{RT: replayer.rt, Foreign: plain}).Probe(t.Context())
		got := "says neither"
		switch {
		case r.Fault == nil:
			got = "shut"
		case r.Fault.Class == check.ExposedTo:
			got = "open"
		}
		n[got]++
		if want := forGuard(x, verdicts[key]); got != want {
			t.Errorf("%s: %s, want %s (%+v)", key, got, want, r.Fault)
		}
		checkText(t, r)
	}
	if n["shut"] < 60 || n["open"] < 20 || n["says neither"] < 4 {
		t.Errorf("read %v", n)
	}
}

func forGuard(x exchange, verdict string) string {
	class, reason, _ := strings.Cut(verdict, "/")
	switch {
	case class == "up":
		return "open"
	case class == "gateway", class == "policy", reason == "redirected", reason == "client_rejected", reason == "token_unusable", x.Status == 401, x.Status == 403:
		return "shut"
	}
	return "says neither"
}

// gate is a gate of the lab with its application, in process.
type gate struct {
	*lab.Gateway
	app       *lab.Application
	mode      string
	published bool // strangers reach the application past the gate
}

const gateURL = "https://app.example.test"

func gates() []gate {
	p := lab.NewProvider(lab.ProviderOptions{})
	var all []gate
	for _, o := range []struct {
		mode string
		lab.GatewayOptions
	}{
		{"nginx with auth_request", lab.GatewayOptions{Mode: lab.NginxAuthRequest}},
		{"nginx without error_page", lab.GatewayOptions{Mode: lab.NginxPlain}},
		{"Caddy with forward_auth", lab.GatewayOptions{Mode: lab.CaddyForwardAuth}},
		{"oauth2-proxy", lab.GatewayOptions{Mode: lab.OAuth2Proxy}},
		{"oauth2-proxy without fallback", lab.GatewayOptions{Mode: lab.OAuth2Proxy, JWT: lab.JWTGate{NoFallback: true}}},
		{"oauth2-proxy without a button", lab.GatewayOptions{Mode: lab.OAuth2Proxy, JWT: lab.JWTGate{SkipButton: true, APIRoutes: []string{"/api"}}}},
		{"oauth2-proxy with JSON", lab.GatewayOptions{Mode: lab.OAuth2Proxy, JWT: lab.JWTGate{ForceJSON: true}}},
		{"caddy-security", lab.GatewayOptions{Mode: lab.CaddySecurity}},
		{"caddy-security without redirect", lab.GatewayOptions{Mode: lab.CaddySecurity, JWT: lab.JWTGate{NoRedirect: true}}},
		{"caddy-security by script", lab.GatewayOptions{Mode: lab.CaddySecurity, JWT: lab.JWTGate{JSRedirect: true}}},
	} {
		app := lab.NewApplication(lab.ApplicationOptions{})
		o.App, o.Origin, o.JWT.Provider = app, gateURL, p
		o.JWT.Audience = []string{gateURL + "/"}
		o.Access = lab.NewAccess(lab.AccessOptions{Provider: p, Portal: "https://auth.example.test/"})
		all = append(all, gate{lab.NewGateway(o.GatewayOptions), app, o.mode, false})
	}
	return all
}

// guard watches the gate with everything there is.
func (g *gate) guard(t *testing.T, o probes.HTTPOptions, w *probes.Way) *probes.Guard {
	past := inProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Scheme == "http" && r.URL.Hostname() == "app.example.test" {
			http.Redirect(w, r, "https://app.example.test/", http.StatusMovedPermanently)
			return
		}
		if !g.published {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		g.app.ServeHTTP(w, r)
	}))
	c := probes.Common{RT: inProcess(g.Gateway), Foreign: past, UserAgent: "Watchword/test"}
	return guardOver(t, o, guardOptions(try("anonymous", "garbage", "expired", "foreign", "key"), bypass("http://10.0.0.5:3000/")), c, w)
}

func stranger(k *keys) *probes.Way {
	w := way(k)
	w.Alive = nil
	return w
}

// TestGuardOverShutGates stays up for 1000 runs, and never has the token of the
// credential that must be refused replaced.
func TestGuardOverShutGates(t *testing.T) {
	for _, g := range gates() {
		t.Run(g.mode, func(t *testing.T) {
			t.Parallel()
			k := &keys{tokens: []string{"authelia_at_" + strings.Repeat("x", 43) + ".y", "new-token-000"}, replace: true}
			p := g.guard(t, options(gateURL+"/", absent(lab.DefaultKeyword)), stranger(k))
			runs := 1000
			if testing.Short() {
				runs = 40
			}
			for i := range runs {
				if r := p.Probe(t.Context()); r.Fault != nil {
					t.Fatalf("run %d: %+v", i, r.Fault)
				}
			}
			if k.said() != "" || k.gen != 0 {
				t.Errorf("told the way in %q, and it is at token %d", k.said(), k.gen)
			}
		})
	}
}

// TestGuardOverOpenGates finds each way of being open within one run, with its
// reason.
func TestGuardOverOpenGates(t *testing.T) {
	for _, tc := range []struct {
		name  string
		open  func(g *gate)
		o     func(*probes.HTTPOptions)
		want  string
		rules bool // of Authelia
	}{
		{"authentication is off", func(g *gate) { g.SetOpenToEveryone(true) }, nil, "exposed/anonymous_access", false},
		{"one path is excluded", func(g *gate) { g.SetPolicy("/health", lab.Bypass) }, func(o *probes.HTTPOptions) { o.URL += "health" }, "exposed/anonymous_access", true},
		{"the application is reached past the gate", func(g *gate) { g.published = true }, nil, "exposed/bypass_open", false},
	} {
		for _, g := range gates() {
			if tc.rules && (strings.HasPrefix(g.mode, "oauth2") || strings.HasPrefix(g.mode, "caddy-s")) {
				continue
			}
			t.Run(tc.name+", "+g.mode, func(t *testing.T) {
				o := options(gateURL+"/", absent(lab.DefaultKeyword))
				if tc.o != nil {
					tc.o(&o)
				}
				p := g.guard(t, o, stranger(&keys{tokens: []string{"old-token-000"}}))
				want(t, p.Probe(t.Context()), "up")
				tc.open(&g)
				want(t, p.Probe(t.Context()), tc.want, lab.DefaultKeyword, "old-token-000", "authelia_at_", "eyJ")
			})
		}
	}
}

// TestGuardTrustedHeader: a gate, or an application behind one that lets all
// through, that believes what only the gate may say, whoever says it.
func TestGuardTrustedHeader(t *testing.T) {
	has := func(name, value string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.HasPrefix(r.Header.Get(name), value) }
	}
	for name, tc := range map[string]struct {
		lets func(*http.Request) bool
		hint string
	}{
		"Authelia's user":               {has("Remote-User", "admin"), "Remote-User"},
		"oauth2-proxy's user":           {has("X-Forwarded-User", "admin"), "Remote-User"},
		"oauth2-proxy's mail":           {has("X-Auth-Request-Email", "admin@127.0.0.1"), "Remote-User"},
		"the load balancer's":           {has("X-Amzn-Oidc-Identity", "admin"), "Remote-User"},
		"our own network":               {has("X-Forwarded-For", "127.0.0.1"), "X-Forwarded-For"},
		"our own network, nginx":        {has("X-Real-Ip", "127.0.0.1"), "X-Forwarded-For"},
		"what the gate is asked about":  {has("X-Original-Url", "http://127.0.0.1:"), "X-Forwarded-For"},
		"what it is asked about, short": {has("X-Forwarded-Uri", "/"), "X-Forwarded-For"},
		"a method for everybody":        {has("X-Forwarded-Method", "OPTIONS"), "X-Forwarded-For"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				answer(map[bool]int{true: 200, false: 401}[tc.lets(r)], "")(w, r)
			})
			r := guardRun(t, options(srv.URL), guardOptions())
			want(t, r, "exposed/anonymous_access")
			if r.Fault != nil && (!strings.Contains(r.Fault.Message, "with headers") || !strings.Contains(r.Fault.Hint, tc.hint)) {
				t.Errorf("told as %q, %q", r.Fault.Message, r.Fault.Hint)
			}
		})
	}
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(map[bool]int{true: 200, false: 401}[r.Header.Get("X-Tenant-Admin") != "" || r.Header.Get("Remote-User") == "jane"], "")(w, r)
	})
	want(t, guardRun(t, options(other.URL), guardOptions()), "up")
	want(t, guardRun(t, options(other.URL, headers("X-Tenant-Admin", "yes")), guardOptions()), "exposed/anonymous_access")
	want(t, guardRun(t, options(other.URL, headers("Remote-User", "jane")), guardOptions()), "exposed/anonymous_access")
}

// TestGuardClaimsInVain: who is turned away for what it claims did not get in;
// where the gate fails over it, nobody knows.
func TestGuardClaimsInVain(t *testing.T) {
	for status, verdict := range map[int]string{400: "up", 404: "up", 405: "up", 429: "target/status", 500: "target/status", 502: "target/gateway_error"} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			answer(map[bool]int{true: status, false: 401}[r.Header.Get("Remote-User") != ""], "")(w, r)
		})
		want(t, guardRun(t, options(srv.URL), guardOptions()), verdict)
	}
}

// TestGuardAudience: the token of another service is good here.
func TestGuardAudience(t *testing.T) {
	p := lab.NewProvider(lab.ProviderOptions{Clients: []lab.Client{{ID: "other", Secret: "s", Scopes: []string{lab.BearerScope},
		Audience: []string{"https://other.example.test/"}, Format: lab.JWTRS256}}})
	token, err := p.Mint(lab.Grant{Client: "other", Audience: []string{"https://other.example.test/"}}, lab.JWTRS256)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []lab.Mode{lab.OAuth2Proxy, lab.CaddySecurity} {
		for _, checked := range []bool{true, false} {
			j := lab.JWTGate{Provider: p}
			if checked {
				j.Audience = []string{gateURL + "/"}
			}
			g := gate{Gateway: lab.NewGateway(lab.GatewayOptions{Mode: mode, App: lab.NewApplication(lab.ApplicationOptions{}), Origin: gateURL, JWT: j})}
			r := g.guard(t, options(gateURL+"/"), stranger(&keys{tokens: []string{token}})).Probe(t.Context())
			verdict := map[bool]string{true: "up", false: "exposed/wrong_credential_accepted"}[checked]
			want(t, r, verdict, token)
			if !checked && !strings.Contains(r.Fault.Message, `credential "key"`) {
				t.Errorf("message %q", r.Fault.Message)
			}
		}
	}
}

// TestGuardKeepsSilent: a gate may send everything back that it was sent; none
// of it is shown.
func TestGuardKeepsSilent(t *testing.T) {
	for _, status := range []int{200, 302, 307, 404, 500, 502} {
		var sent []string
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if token == "" {
				answer(401, "")(w, r)
				return
			}
			sent = append(sent, token)
			answer(status, "echo "+token, "Location", "/echo/"+token, "X-Echo", token)(w, r)
		})
		o := options(srv.URL, func(o *probes.HTTPOptions) {
			o.Headers = map[string]secret.Text{"X-Key": secret.Literal("tenant-key-1")}
		})
		r := buildGuard(t, o, guardOptions(try("anonymous", "garbage", "expired", "foreign", "key")), way(&keys{tokens: []string{"old-token-000"}})).Explain(t.Context())
		if r.Fault == nil || len(sent) == 0 {
			t.Errorf("%d: %+v after %d tokens", status, r.Fault, len(sent))
			continue
		}
		text := fmt.Sprintf("%+v %+v", *r.Fault, *r.Detail)
		for _, s := range append(sent, "old-token-000", "tenant-key-1", "echo ") {
			if strings.Contains(text, s) {
				t.Errorf("%d: %q is shown: %s", status, s, text)
			}
		}
	}
}
