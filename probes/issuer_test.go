package probes_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

func buildIssuer(t testing.TB, o probes.HTTPOptions, i probes.IssuerOptions, w *probes.Way) *probes.Issuer {
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
	return issuerOver(t, o, i, w, probes.Common{RT: rt, Foreign: foreign, UserAgent: "Watchword/test"})
}

func issuerOver(t testing.TB, o probes.HTTPOptions, i probes.IssuerOptions, w *probes.Way, c probes.Common) *probes.Issuer {
	t.Helper()
	p, err := probes.NewIssuer(monitor(o.URL), o, i, w, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func askIssuer(t testing.TB, url string, w *probes.Way) check.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return buildIssuer(t, options(url), probes.IssuerOptions{}, w).Explain(ctx)
}

// idp is an identity provider whose documents can be anything.
type idp struct {
	*httptest.Server
	visits
	openid, oauth, keys, token http.HandlerFunc // nil: 404
}

func newIDP(t testing.TB) *idp {
	p := &idp{}
	p.Server = serve(t, p.then(func(w http.ResponseWriter, r *http.Request) {
		h := map[string]http.HandlerFunc{"/realm/.well-known/openid-configuration": p.openid, "/.well-known/oauth-authorization-server/realm": p.oauth, "/keys": p.keys, "/token": p.token}[r.URL.Path]
		if h == nil {
			h = answer(404, "")
		}
		h(w, r)
	}))
	p.openid, p.keys, p.token = p.document(nil), keySet(goodKey), answer(405, "405 Method Not Allowed")
	return p
}

func (p *idp) issuer() string { return p.URL + "/realm" }

// document is the metadata of the issuer with some members changed; "" takes one
// away.
func (p *idp) document(change map[string]string) http.HandlerFunc {
	m := map[string]any{"issuer": p.issuer(), "jwks_uri": p.URL + "/keys", "token_endpoint": p.URL + "/token", "scopes_supported": []string{"openid"}}
	for k, v := range change {
		m[k] = v
		if v == "" {
			delete(m, k)
		}
	}
	return jsonAnswer(m)
}

func jsonAnswer(v any) http.HandlerFunc {
	text, _ := json.Marshal(v)
	return answer(200, string(text), "Content-Type", "application/json")
}

func keySet(keys ...string) http.HandlerFunc {
	return answer(200, `{"keys":[`+strings.Join(keys, ",")+`]}`, "Content-Type", "application/json")
}

const (
	goodKey  = `{"kty":"EC","use":"sig","kid":"main","alg":"ES256","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}` // RFC 7515, A.3
	otherKey = `{"kty":"OKP","kid":"next","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`                                                                          // RFC 8037, A.2
)

func rsaKey(t *testing.T, bits int) string {
	t.Helper()
	n := make([]byte, bits/8)
	_, _ = rand.Read(n)
	n[0] |= 0x80
	return `{"kty":"RSA","kid":"rsa","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(n) + `"}`
}

// TestIssuer goes the whole way, at the addresses that the document names.
func TestIssuer(t *testing.T) {
	p := newIDP(t)
	r := askIssuer(t, p.issuer(), nil)
	want(t, r, "up")
	var asked []string
	for _, r := range p.take() {
		asked = append(asked, r.Method+" "+r.URL.Path)
		if r.Header.Get("Authorization") != "" || r.Header.Get("Accept") != "application/json" || r.ContentLength != 0 {
			t.Errorf("sent %v", r.Header)
		}
	}
	if got := strings.Join(asked, ", "); got != "GET /realm/.well-known/openid-configuration, GET /keys, GET /token" {
		t.Errorf("asked %s", got)
	}
	if r.StatusCode != 200 || r.Remote == "" || r.Phases.Connect == 0 || len(r.Detail.Tries) != 3 {
		t.Errorf("got %+v", r)
	}
	for i, note := range []string{"discovery: it is that of the issuer", "keys: main (ES256)", "token endpoint: it is there (405 to a GET without a client)"} {
		if r.Detail.Tries[i].Note != note || !strings.HasPrefix(r.Detail.Tries[i].URL, p.URL) {
			t.Errorf("step %d: %+v, want %q", i, r.Detail.Tries[i], note)
		}
	}
}

// TestIssuerDiscovery reads discovery documents.
func TestIssuerDiscovery(t *testing.T) {
	page := answer(200, "<!DOCTYPE html><title>Login</title>", "Content-Type", "text/html")
	for _, tc := range []struct {
		name          string
		openid, oauth func(*idp) http.HandlerFunc
		want, hint    string
	}{
		{"OAuth's alone", nil, func(p *idp) http.HandlerFunc { return p.document(nil) }, "up", ""},
		{"OAuth's, without keys", nil, func(p *idp) http.HandlerFunc { return p.document(map[string]string{"jwks_uri": ""}) }, "up", ""},
		{"none", nil, nil, "idp/discovery_failed", "is url right"},
		{"the issuer has a slash", func(p *idp) http.HandlerFunc { return p.document(map[string]string{"issuer": p.issuer() + "/"}) }, nil, "idp/discovery_failed", "slash"},
		{"another issuer", func(p *idp) http.HandlerFunc {
			return p.document(map[string]string{"issuer": "https://10.0.0.5:9091"})
		}, nil, "idp/discovery_failed", "X-Forwarded-Host"},
		{"the document of all tenants", func(p *idp) http.HandlerFunc {
			return p.document(map[string]string{"issuer": "https://login.example.com/{tenantid}/v2.0"})
		}, nil, "idp/discovery_failed", "id of your tenant"},
		{"no issuer", func(p *idp) http.HandlerFunc { return p.document(map[string]string{"issuer": ""}) }, nil, "idp/discovery_failed", ""},
		{"no keys", func(p *idp) http.HandlerFunc { return p.document(map[string]string{"jwks_uri": ""}) }, nil, "idp/discovery_failed", ""},
		{"keys nowhere", func(p *idp) http.HandlerFunc { return p.document(map[string]string{"jwks_uri": "/keys"}) }, nil, "idp/discovery_failed", ""},
		{"a portal", func(*idp) http.HandlerFunc { return page }, nil, "idp/discovery_failed", "portal"},
		{"half a document", func(*idp) http.HandlerFunc { return answer(200, `{"issuer":`) }, nil, "idp/discovery_failed", ""},
		{"a list", func(*idp) http.HandlerFunc { return answer(200, `[]`) }, nil, "idp/discovery_failed", ""},
		{"null", func(*idp) http.HandlerFunc { return answer(200, `null`) }, nil, "idp/discovery_failed", ""},
		{"another type", func(*idp) http.HandlerFunc { return answer(200, `{"issuer":["a"]}`) }, nil, "idp/discovery_failed", ""},
		{"a redirect", func(*idp) http.HandlerFunc { return answer(302, "", "Location", "https://auth.example.test/") }, nil, "idp/discovery_failed", "redirects are not followed"},
		{"forbidden", func(*idp) http.HandlerFunc { return answer(403, "") }, nil, "idp/discovery_failed", ""},
		{"not through the proxy", func(*idp) http.HandlerFunc { return answer(400, "400 Bad Request", "Content-Type", "text/plain") }, nil, "idp/discovery_failed", "public address"},
		{"failing", func(*idp) http.HandlerFunc { return answer(502, "") }, nil, "idp/token_server_error", ""},
		{"too often", func(*idp) http.HandlerFunc { return answer(429, "") }, nil, "idp/token_rate_limited", ""},
		{"too long", func(*idp) http.HandlerFunc { return answer(200, strings.Repeat(" ", 1<<20+1)) }, nil, "idp/discovery_failed", ""},
		{"cut off", func(*idp) http.HandlerFunc { return answer(200, "{", "Content-Length", "100") }, nil, "idp/token_unreachable", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newIDP(t)
			p.openid = nil
			if tc.openid != nil {
				p.openid = tc.openid(p)
			}
			if tc.oauth != nil {
				p.oauth = tc.oauth(p)
			}
			r := askIssuer(t, p.issuer(), nil)
			want(t, r, tc.want)
			if r.Fault != nil && (r.Fault.Cause != (check.Cause{Kind: check.CauseProvider, Key: p.URL}) || !strings.Contains(r.Fault.Hint, tc.hint)) {
				t.Errorf("cause %+v, hint %q", r.Fault.Cause, r.Fault.Hint)
			}
		})
	}
}

// TestIssuerFindsItsDocumentAgain: what answered last is asked first.
func TestIssuerFindsItsDocumentAgain(t *testing.T) {
	p := newIDP(t)
	p.openid, p.oauth = nil, p.document(nil)
	i := buildIssuer(t, options(p.issuer()), probes.IssuerOptions{}, nil)
	for _, n := range []int{4, 3, 3} {
		want(t, i.Probe(t.Context()), "up")
		if got := len(p.take()); got != n {
			t.Errorf("%d requests, want %d", got, n)
		}
	}
}

func TestIssuerKeys(t *testing.T) {
	for name, tc := range map[string]struct {
		keys http.HandlerFunc
		want string
		says string
	}{
		"EC":                          {keySet(goodKey), "up", "main (ES256)"},
		"Ed25519":                     {keySet(otherKey), "up", "next (OKP)"},
		"RSA":                         {keySet(rsaKey(t, 2048)), "up", "rsa (RSA)"},
		"one of several":              {keySet(`{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}`, goodKey, `{"kty":"?"}`), "up", "main (ES256)"},
		"none":                        {keySet(), "idp/discovery_failed", "it is empty"},
		"no set":                      {answer(200, `{}`), "idp/discovery_failed", "it is empty"},
		"weak":                        {keySet(rsaKey(t, 1024)), "idp/discovery_failed", "RSA of 1024 bits"},
		"for encryption":              {keySet(strings.Replace(goodKey, `"sig"`, `"enc"`, 1)), "idp/discovery_failed", "not for signatures"},
		"for signing only":            {keySet(strings.Replace(goodKey, `"use"`, `"key_ops":["sign"],"x-use"`, 1)), "idp/discovery_failed", "not for verifying"},
		"no point":                    {keySet(strings.Replace(goodKey, "f83OJ", "A83OJ", 1)), "idp/discovery_failed", "no point of its curve"},
		"a curve of nobody":           {keySet(strings.Replace(goodKey, "P-256", "P-1", 1)), "idp/discovery_failed", "curve is not known"},
		"a curve for agreement":       {keySet(strings.Replace(otherKey, "Ed25519", "X25519", 1)), "idp/discovery_failed", "no Edwards curve"},
		"unreadable":                  {keySet(`{"kty":"RSA","n":"%","e":"AQAB"}`), "idp/discovery_failed", "cannot be read"},
		"a private key in the open":   {keySet(goodKey, strings.Replace(otherKey, `"x"`, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x"`, 1)), "idp/discovery_failed", "shows the private part of key next"},
		"a shared secret in the open": {keySet(`{"kty":"oct","kid":"s","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}`), "idp/discovery_failed", "shows the private part of key s"},
		"gone":                        {answer(404, ""), "idp/discovery_failed", "404"},
		"failing":                     {answer(503, ""), "idp/token_server_error", "503"},
		"a page":                      {answer(200, "<html>"), "idp/discovery_failed", "HTML"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			p.keys = tc.keys
			r := askIssuer(t, p.issuer(), nil)
			want(t, r, tc.want, "nWGxne_9", "AyM1SysP")
			said := fmt.Sprintf("%+v", r.Detail)
			if r.Fault != nil {
				said = r.Fault.Message
			}
			if !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q in it", said, tc.says)
			}
		})
	}
}

// TestIssuerRotation: keys that come and go are noted once, and no fault.
func TestIssuerRotation(t *testing.T) {
	p := newIDP(t)
	i := buildIssuer(t, options(p.issuer()), probes.IssuerOptions{}, nil)
	for _, step := range []struct {
		keys http.HandlerFunc
		note string
	}{
		{keySet(goodKey), ""},
		{keySet(goodKey), ""},
		{keySet(goodKey, otherKey), "the signing keys changed; new: next (OKP)"},
		{keySet(otherKey, goodKey), ""},
		{keySet(otherKey), "the signing keys changed; gone: main (ES256)"},
		{keySet(goodKey), "the signing keys changed; new: main (ES256); gone: next (OKP)"},
	} {
		p.keys = step.keys
		r := i.Probe(t.Context())
		want(t, r, "up")
		note := ""
		if r.Detail != nil {
			note = strings.Join(r.Detail.Notes, "|")
		}
		if note != step.note || (r.Detail == nil) != (step.note == "") {
			t.Errorf("noted %q, want %q", note, step.note)
		}
	}
}

// TestIssuerTokenEndpoint: whoever answers there is alive.
func TestIssuerTokenEndpoint(t *testing.T) {
	for status, verdict := range map[int]string{200: "up", 302: "up", 400: "up", 401: "up", 404: "up", 405: "up", 429: "idp/token_rate_limited", 500: "idp/token_server_error", 502: "idp/token_server_error"} {
		p := newIDP(t)
		p.token = answer(status, "")
		r := askIssuer(t, p.issuer(), nil)
		want(t, r, verdict)
		if r.Fault == nil && r.StatusCode != 200 || r.Fault != nil && r.StatusCode != status {
			t.Errorf("%d: shows status %d", status, r.StatusCode)
		}
	}
	p := newIDP(t)
	for _, wrong := range []string{"", p.URL + "/token#part", "https://", "7"} {
		p.openid = p.document(map[string]string{"token_endpoint": wrong})
		want(t, askIssuer(t, p.issuer(), nil), "idp/discovery_failed")
	}
	w := way(stamp("old-token-000"))
	w.TokenURL = func() string { return "https://old.example.test/token" }
	r := askIssuer(t, newIDP(t).issuer(), w)
	if note := r.Detail.Tries[2].Note; !strings.Contains(note, `credential "key" asks at https://old.example.test/token`) {
		t.Errorf("noted %q", note)
	}
}

// TestIssuerOutOfReach: for the rest of the program a provider that is not there
// is the provider's outage, by whatever it is noticed.
func TestIssuerOutOfReach(t *testing.T) {
	gone := httptest.NewServer(answer(200, ""))
	gone.Close()
	provider := check.Cause{Kind: check.CauseProvider, Key: "https://auth.example.test"}
	tls := quiet(t, answer(200, ""))
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
	})
	keysGone := newIDP(t)
	keysGone.openid = keysGone.document(map[string]string{"jwks_uri": gone.URL + "/keys"})
	for _, tc := range []struct{ name, url, want string }{
		{"refused", gone.URL, "idp/token_unreachable"},
		{"no such name", "http://nothing.invalid/", "idp/token_unreachable"},
		{"cut off", cut.URL, "idp/token_unreachable"},
		{"silent", silent.URL, "idp/token_timeout"},
		{"a certificate of nobody", tls.URL, "tls/certificate_untrusted"},
		{"no TLS", strings.Replace(cut.URL, "http", "https", 1), "tls/handshake"},
		{"the keys alone", keysGone.issuer(), "idp/token_unreachable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			r := buildIssuer(t, options(tc.url), probes.IssuerOptions{}, way(stamp("old-token-000"))).Probe(ctx)
			want(t, r, tc.want)
			if r.Fault.Cause != provider {
				t.Errorf("cause %+v", r.Fault.Cause)
			}
			if r.Fault.Class == check.IDP && (r.Remote != "" || !strings.HasPrefix(r.Fault.Message, "the ")) {
				t.Errorf("remote %q, message %q", r.Remote, r.Fault.Message)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // nobody answers at the address
		rt := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := issuerOver(t, options("https://auth.example.test"), probes.IssuerOptions{}, nil, probes.Common{RT: rt}).Probe(ctx)
		want(t, r, "idp/token_unreachable")
		if r.Took != 10*time.Second || r.Fault.Cause != provider {
			t.Errorf("took %s, cause %+v", r.Took, r.Fault.Cause)
		}
	})
}

// TestIssuerToken: with a credential there has to be a token as well: that of
// all, or with fresh_token one of its own.
func TestIssuerToken(t *testing.T) {
	p := newIDP(t)
	refused := &check.Fault{Class: check.Credential, Reason: check.ClientRejected, Message: "m", Hint: "h", Cause: check.Cause{Kind: check.CauseCredential, Key: "key"}}
	k := &keys{tokens: []string{"old-token-000"}}
	want(t, askIssuer(t, p.issuer(), way(k)), "up")
	if k.asked != 1 || k.said() != "" {
		t.Errorf("asked %d times, told %q", k.asked, k.said())
	}
	if r := askIssuer(t, p.issuer(), way(&keys{err: refused})); r.Fault != refused {
		t.Errorf("got %+v", r.Fault)
	}
	want(t, askIssuer(t, p.issuer(), way(&keys{err: errors.New("x")})), "agent/internal")
	w := way(k)
	var err error
	w.Fresh = func(context.Context) (*check.TokenInfo, error) {
		if err != nil {
			return nil, err
		}
		return &check.TokenInfo{Credential: "key", Fetched: true, Scope: "s"}, nil
	}
	i := buildIssuer(t, options(p.issuer()), probes.IssuerOptions{FreshToken: true}, w)
	r := i.Explain(t.Context())
	want(t, r, "up")
	if r.Detail.Token == nil || r.Detail.Token.Scope != "s" || k.asked != 1 {
		t.Errorf("token %+v, asked %d times", r.Detail.Token, k.asked)
	}
	if err = refused; i.Probe(t.Context()).Fault != refused {
		t.Error("the fault of the credential is not told")
	}
	for _, r := range p.take() {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("a token was sent to %s", r.URL)
		}
	}
}

// TestIssuerCertificate: the chain of the provider is watched.
func TestIssuerCertificate(t *testing.T) {
	p := &idp{}
	p.Server = quiet(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			keySet(goodKey)(w, r)
			return
		}
		p.document(map[string]string{"issuer": p.URL, "token_endpoint": p.URL + "/token"})(w, r)
	}))
	o := options(p.URL, func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = true })
	r := buildIssuer(t, o, probes.IssuerOptions{}, nil).Probe(t.Context())
	want(t, r, "up")
	if r.Certs == nil || r.Certs.NotAfter.IsZero() {
		t.Errorf("certificates %+v", r.Certs)
	}
	down := options(p.URL, func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = true })
	for _, keys := range []string{"http://keys.localhost/", "http://keys.example.test/"} { // what is under localhost, DNS may know
		p.Config.Handler = http.HandlerFunc(p.document(map[string]string{"issuer": p.URL, "jwks_uri": keys}))
		r = buildIssuer(t, down, probes.IssuerOptions{}, nil).Probe(t.Context())
		want(t, r, "idp/discovery_failed")
	}
	if r.Fault != nil && !strings.Contains(r.Fault.Hint, "X-Forwarded-Proto") {
		t.Errorf("hint %q", r.Fault.Hint)
	}
}

// TestIssuerOfTheLab: Authelia's documents, and no failed login is counted for
// looking at them.
func TestIssuerOfTheLab(t *testing.T) {
	p := lab.NewProvider(lab.ProviderOptions{})
	p.SetFailureLimit(true)
	srv := serve(t, p.ServeHTTP)
	i := buildIssuer(t, options(srv.URL), probes.IssuerOptions{}, nil)
	for range 40 {
		want(t, i.Probe(t.Context()), "up")
	}
	if n := p.TokenRequests(); n != 0 {
		t.Errorf("%d token requests", n)
	}
	p.SetStatus(502, "down")
	want(t, i.Probe(t.Context()), "idp/token_server_error")
}

func TestNewIssuer(t *testing.T) {
	c := probes.Common{RT: http.DefaultTransport}
	for _, tc := range []struct {
		url   string
		fresh bool
		want  string
	}{
		{"auth.example.test", false, "url: "},
		{"https://auth.example.test/.well-known/openid-configuration", false, "url: "},
		{"https://auth.example.test/?a=b", false, "url: "},
		{"https://u@auth.example.test/", false, "url: "},
		{"https://auth.example.test/", true, "fresh_token: "},
	} {
		if _, err := probes.NewIssuer(monitor(tc.url), options(tc.url), probes.IssuerOptions{FreshToken: tc.fresh}, nil, c); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s…", tc.url, err, tc.want)
		}
	}
}
