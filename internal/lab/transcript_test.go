package lab_test

import (
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

const (
	recordedIssuer = "https://auth.example.test"
	recordedApp    = "https://application.example.test/"
)

// recordedProvider has the registrations of the recorded Authelia.
func recordedProvider() *lab.Provider {
	client := func(id string, change func(*lab.Client)) lab.Client {
		c := lab.Client{ID: id, Secret: "insecure_secret", Scopes: []string{lab.BearerScope}, Audience: []string{recordedApp}}
		if change != nil {
			change(&c)
		}
		return c
	}
	api := func(method string) func(*lab.Client) {
		return func(c *lab.Client) { c.Method, c.Scopes = method, []string{"lab.read"} }
	}
	return lab.NewProvider(lab.ProviderOptions{Issuer: recordedIssuer, NoFailureLimit: true, Clients: []lab.Client{
		client("uptime-kuma", nil), client("norule", nil),
		client("uptime-kuma-explicit", func(c *lab.Client) {
			c.Explicit, c.Audience = true, []string{recordedApp, "https://other.example.test/"}
		}),
		client("api-post", api(lab.MethodPost)), client("api-any", api("")),
		client("uptime-kuma-special", func(c *lab.Client) { c.Secret = "p@ss:w+rd/% é=&" }),
		client("uptime-kuma-pkjwt", func(c *lab.Client) { c.Method = "private_key_jwt" }),
		client("uptime-kuma-secretjwt", func(c *lab.Client) { c.Method = "client_secret_jwt" }),
		client("web-app", func(c *lab.Client) { c.NoGrant, c.Scopes = true, []string{"openid"} }),
		client("uptime-kuma-short", func(c *lab.Client) { c.Lifetime = 20 * time.Second }),
		client("uptime-kuma-jwtat", func(c *lab.Client) {
			c.Format, c.Audience = lab.JWTRS256, []string{recordedApp, "oauth2-proxy-app"}
		}),
	}})
}

// recordedTokens are the tokens of the recorded exchanges, by name.
func recordedTokens(t *testing.T, p *lab.Provider) map[string]string {
	t.Helper()
	grant := func(client string, audience ...string) lab.Grant {
		return lab.Grant{Client: client, Scope: []string{lab.BearerScope}, Audience: audience}
	}
	mint := func(g lab.Grant, f lab.Format) string {
		token, err := p.Mint(g, f)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	out := map[string]string{
		"revoked":     mint(grant("uptime-kuma", recordedApp), lab.Opaque),
		"jwt-revoked": mint(grant("uptime-kuma", recordedApp), lab.JWTRS256),
	}
	p.RevokeAll()
	expired := grant("uptime-kuma-short", recordedApp)
	expired.Issued = time.Now().Add(-time.Minute)
	noScope := grant("uptime-kuma", recordedApp)
	noScope.Scope = nil
	otherScope := grant("api-post", recordedApp)
	otherScope.Scope = []string{"lab.read"}
	for name, g := range map[string]lab.Grant{
		"app": grant("uptime-kuma", recordedApp), "noscope": noScope, "otherscope": otherScope,
		"noaudience": grant("uptime-kuma-explicit"), "expired": expired, "norule": grant("norule", recordedApp),
		"health": grant("uptime-kuma-explicit", recordedApp+"health"),
		"several": grant("uptime-kuma", recordedApp+"sub/", "https://fwd.example.test/", "https://headeronly.example.test/",
			"https://default.example.test/", "https://proxyauth.example.test/"),
	} {
		out[name] = mint(g, lab.Opaque)
	}
	out["jwt"] = mint(grant("uptime-kuma-jwtat", recordedApp, "oauth2-proxy-app"), lab.JWTRS256)
	out["jwt-audience"] = mint(grant("uptime-kuma-jwtat", "https://elsewhere.example.test/"), lab.JWTES256)
	out["jwt-expired"] = mint(lab.Grant{Client: "uptime-kuma-short", Audience: []string{recordedApp}, Issued: expired.Issued}, lab.JWTRS256)
	out["forged"] = forge(out["app"])
	out["jwt-forged"] = forge(out["jwt"])
	foreign, err := lab.NewProvider(lab.ProviderOptions{Issuer: "https://other-issuer.example.test"}).Mint(grant("x", recordedApp), lab.JWTES256)
	if err != nil {
		t.Fatal(err)
	}
	out["jwt-foreign"] = foreign
	return out
}

// forge changes a character of the signature that carries six whole bits.
func forge(token string) string {
	i := len(token) - 10
	c := "A"
	if token[i] == 'A' {
		c = "B"
	}
	return token[:i] + c + token[i+1:]
}

// recordedGates is the recorded site: a gate for each host name.
func recordedGates(p *lab.Provider, app http.Handler) http.Handler {
	access := func(s lab.Strategy) *lab.Access {
		return lab.NewAccess(lab.AccessOptions{
			Provider: p, Portal: recordedIssuer + "/", Strategy: s, Default: lab.Deny,
			Users: map[string]string{"john": "password"},
			Rules: []lab.Rule{
				{Host: "public.example.test", Policy: lab.Bypass}, {Path: "/denied", Policy: lab.Deny},
				{Path: "/twofactor", Policy: lab.TwoFactor},
				{Clients: []string{"uptime-kuma", "uptime-kuma-explicit", "uptime-kuma-jwtat", "john"}, Policy: lab.OneFactor},
			},
		})
	}
	gate := func(host string, m lab.Mode, s lab.Strategy) http.Handler {
		return lab.NewGateway(lab.GatewayOptions{Mode: m, Access: access(s), App: app, Origin: "https://" + host + ".example.test"})
	}
	mux := http.NewServeMux()
	for host, h := range map[string]http.Handler{
		"application": gate("application", lab.NginxAuthRequest, lab.HeaderAndCookie),
		"other":       gate("other", lab.NginxAuthRequest, lab.HeaderAndCookie),
		"public":      gate("public", lab.NginxAuthRequest, lab.HeaderAndCookie),
		"noredirect":  gate("noredirect", lab.NginxPlain, lab.HeaderAndCookie),
		"headeronly":  gate("headeronly", lab.NginxPlain, lab.HeaderOnly),
		"default":     gate("default", lab.NginxAuthRequest, lab.BearerDisabled),
		"proxyauth":   gate("proxyauth", lab.NginxAuthRequest, lab.ProxyAuthorization),
		"fwd":         gate("fwd", lab.CaddyForwardAuth, lab.HeaderAndCookie),
	} {
		mux.Handle(host+".example.test/", h)
	}
	authz := lab.NewAuthz(lab.AuthzOptions{Access: access(lab.HeaderAndCookie), Domains: []string{"example.test"}})
	mux.Handle("127.0.0.1/", authz)
	mux.Handle("auth.example.test/api/authz/", authz)
	mux.Handle("auth.example.test/", p)
	return mux
}

func TestGateAnswersAsRecorded(t *testing.T) {
	p := recordedProvider()
	tokens := recordedTokens(t, p)
	app := lab.NewApplication(lab.ApplicationOptions{})
	rt := overTLS(t, recordedGates(p, appOf(app)))
	for _, x := range recorded(t, "authelia-resource.json") {
		t.Run(x.Name, func(t *testing.T) { replay(t, rt, x, tokens) })
	}
}

// appOf understands the ?status= of the recorded application.
func appOf(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code := r.URL.Query().Get("status"); code != "" {
			r.URL.Path, r.URL.RawQuery = "/status/"+code, ""
		}
		app.ServeHTTP(w, r)
	})
}

func TestGateWithoutProviderOrApplication(t *testing.T) {
	p := recordedProvider()
	tokens := recordedTokens(t, p)
	app := lab.NewApplication(lab.ApplicationOptions{})
	rt := overTLS(t, recordedGates(p, app))
	for _, x := range recorded(t, "authelia-down.json") {
		t.Run(x.Name, func(t *testing.T) {
			p.SetDown(strings.HasPrefix(x.Name, "Authelia down"))
			app.SetDown(strings.HasPrefix(x.Name, "app down"))
			if strings.Contains(x.Name, "token endpoint") {
				p.Set(lab.Trouble{Status: http.StatusBadGateway, Body: *x.Want.Body, ContentType: "text/html"})
			}
			defer p.Mend()
			replay(t, rt, x, tokens)
		})
	}
}

func TestTokenEndpointAnswersAsRecorded(t *testing.T) {
	rt := overTLS(t, recordedProvider())
	for _, x := range recorded(t, "authelia-token.json") {
		t.Run(x.Name, func(t *testing.T) { replay(t, rt, x, nil) })
	}
}

func TestOAuth2ProxyAnswersAsRecorded(t *testing.T) {
	p := recordedProvider()
	p.SetClient(lab.Client{ID: "uptime-kuma-short", Lifetime: 20 * time.Second})
	tokens := recordedTokens(t, p)
	app := lab.NewApplication(lab.ApplicationOptions{})
	gate := func(change func(*lab.JWTGate)) http.Handler {
		j := lab.JWTGate{Provider: p, Audience: []string{recordedApp}}
		change(&j)
		return lab.NewGateway(lab.GatewayOptions{Mode: lab.OAuth2Proxy, App: app, JWT: j})
	}
	byPort := map[string]http.Handler{
		"4180": gate(func(*lab.JWTGate) {}),
		"4181": gate(func(j *lab.JWTGate) { j.NoFallback = true }),
		"4182": gate(func(j *lab.JWTGate) { j.SkipButton, j.APIRoutes = true, []string{"/api"} }),
		"4185": gate(func(j *lab.JWTGate) { j.ForceJSON = true }),
	}
	pipe, stop := overPipe(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		byPort[r.Host[strings.LastIndex(r.Host, ":")+1:]].ServeHTTP(w, r)
	}))
	defer stop()
	for _, x := range recorded(t, "oauth2-proxy.json") {
		if x.Want.Location != nil {
			*x.Want.Location = recordedIssuer + "/auth"
		}
		t.Run(x.Name, func(t *testing.T) { replay(t, pipe, x, tokens) })
	}
}
