package auth

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/secret"
)

const good = `{"access_token":"TOKEN-1","token_type":"Bearer","expires_in":3600,"scope":"authelia.bearer.authz"}`

// TestAnswers holds "The token endpoint's answers" to the letter.
func TestAnswers(t *testing.T) {
	const js, html = "application/json", "text/html"
	for _, tc := range []struct {
		name    string
		answer  http.HandlerFunc
		want    string // class/reason or ok
		message string // part of it
	}{
		{"good", answers(200, js, good), "ok", ""},
		{"201", answers(201, js, good), "ok", ""},
		{"text/plain", answers(200, "text/plain", good), "ok", ""},
		{"no content type", answers(200, "", good), "ok", ""},
		{"byte order mark", answers(200, js, "\xef\xbb\xbf"+good), "ok", ""},
		{"form, as before RFC 6749", answers(200, "application/x-www-form-urlencoded", "access_token=TOKEN-1&token_type=bearer&expires_in=60"), "ok", ""},
		{"token_type missing", answers(200, js, `{"access_token":"TOKEN-1"}`), "ok", ""},
		{"token_type null", answers(200, js, `{"access_token":"TOKEN-1","token_type":null}`), "ok", ""},
		{"token_type in capitals", answers(200, js, `{"access_token":"TOKEN-1","token_type":"BEARER"}`), "ok", ""},
		{"token_type DPoP", answers(200, js, `{"access_token":"TOKEN-1","token_type":"DPoP"}`), "credential/token_unusable", `type "DPoP"`},
		{"token_type a number", answers(200, js, `{"access_token":"TOKEN-1","token_type":1}`), "credential/token_unusable", "not a string"},
		{"expires_in negative", answers(200, js, `{"access_token":"TOKEN-1","token_type":"Bearer","expires_in":-5}`), "credential/token_unusable", "negative"},
		{"expires_in negative, quoted", answers(200, js, `{"access_token":"TOKEN-1","token_type":"Bearer","expires_in":"-5"}`), "credential/token_unusable", "negative"},
		{"200 without a token", answers(200, js, `{"token_type":"Bearer"}`), "idp/token_malformed", "200 without a token"},
		{"200 with an empty token", answers(200, js, `{"access_token":""}`), "idp/token_malformed", "without a token"},
		{"200 with a token that is a number", answers(200, js, `{"access_token":12}`), "idp/token_malformed", "not a string"},
		{"200 with a token that is an object", answers(200, js, `{"access_token":{"a":"b"}}`), "idp/token_malformed", "not a string"},
		{"200 with a line end in the token", answers(200, js, `{"access_token":"a\r\nX-Evil: 1"}`), "idp/token_malformed", "cannot stand in a header"},
		{"200 with a token beyond ASCII", answers(200, js, `{"access_token":"tökèn"}`), "idp/token_malformed", "cannot stand in a header"},
		{"200 HTML", answers(200, html, "<!DOCTYPE html><title>Sign in</title>"), "idp/token_malformed", "HTML"},
		{"200 empty", answers(200, js, ""), "idp/token_malformed", "empty"},
		{"200 list", answers(200, js, `[1]`), "idp/token_malformed", "no JSON object"},
		{"204", answers(204, "", ""), "idp/token_malformed", "204 without a token"},
		{"200 with invalid_client", answers(200, js, `{"error":"invalid_client"}`), "credential/client_rejected", "200 invalid_client"},
		{"200 with another error", answers(200, js, `{"error":"oops","access_token":"TOKEN-1"}`), "idp/token_malformed", "oops"},
		{"400 invalid_client", answers(400, js, `{"error":"invalid_client","error_description":"secret expired"}`), "credential/client_rejected", "400 invalid_client: secret expired"},
		{"401 invalid_client", answers(401, js, `{"error":"invalid_client"}`), "credential/client_rejected", "401 invalid_client"},
		{"401 without a word", answers(401, "", ""), "credential/client_rejected", "401"},
		{"401 HTML", answers(401, html, "<html>"), "credential/client_rejected", "401"},
		{"401 invalid_scope", answers(401, js, `{"error":"invalid_scope"}`), "credential/scope_rejected", ""},
		{"400 invalid_request", answers(400, js, `{"error":"invalid_request"}`), "credential/client_rejected", "make sense"},
		{"400 jti_known", answers(400, js, `{"error":"jti_known"}`), "credential/client_rejected", ""},
		{"400 invalid_target", answers(400, js, `{"error":"invalid_target"}`), "credential/audience_rejected", ""},
		{"400 invalid_resource", answers(400, js, `{"error":"invalid_resource"}`), "credential/audience_rejected", ""},
		{"400 unauthorized_client", answers(400, js, `{"error":"unauthorized_client"}`), "credential/grant_rejected", ""},
		{"400 unsupported_grant_type", answers(400, js, `{"error":"unsupported_grant_type"}`), "credential/grant_rejected", ""},
		{"400 invalid_grant", answers(400, js, `{"error":"invalid_grant"}`), "credential/grant_rejected", ""},
		{"400 an error of its own", answers(400, js, `{"error":"Client id or secret not provided"}`), "credential/client_rejected", "Client id or secret"},
		{"404 with an error", answers(404, js, `{"error":"Client not found"}`), "credential/client_rejected", "404 Client not found"},
		{"403 with an error that is an object", answers(403, js, `{"error":{"code":403,"message":"no such project"}}`), "credential/client_rejected", "no such project"},
		{"403 without", answers(403, html, "<html>"), "idp/token_malformed", "403 without an OAuth error"},
		{"404 text", answers(404, "text/plain", "404 page not found"), "idp/token_malformed", "404"},
		{"404 JSON without an error", answers(404, js, `{"message":"Not Found"}`), "idp/token_malformed", "404"},
		{"405", answers(405, "text/plain", "405 Method Not Allowed"), "idp/token_malformed", "405"},
		{"redirect", answers(302, html, "", "Location", "https://auth.example.com/login?rd=x"), "idp/token_malformed", "302, a redirect"},
		{"redirect without Location", answers(307, "", ""), "idp/token_malformed", "307"},
		{"429", answers(429, js, `{"error":"temporarily_unavailable"}`, "Retry-After", "54"), "idp/token_rate_limited", "asks to wait 54s"},
		{"429 empty", answers(429, "", ""), "idp/token_rate_limited", "429"},
		{"500", answers(500, js, `{"error":"invalid_client"}`), "idp/token_server_error", "500"},
		{"502 HTML", answers(502, html, "<html>502 Bad Gateway"), "idp/token_server_error", "answered 502"},
		{"too long", answers(200, js, `{"access_token":"`+strings.Repeat("x", 1<<20)+`"}`), "idp/token_malformed", "1 MiB"},
		{"cut short", answers(200, js, good, "Content-Length", "9999"), "idp/token_unreachable", "in the middle"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tokenServer(t, tc.answer)
			src := newSource(t, options(s.URL+"/token"))
			header, _, f := authorize(t, src.Handle(origin), 5*time.Second)
			if got := verdict(f); got != tc.want {
				t.Fatalf("%s, want %s: %v", got, tc.want, f)
			}
			if f == nil {
				if got := header.Get("Authorization"); got != "Bearer TOKEN-1" {
					t.Errorf("Authorization is %q", got)
				}
				return
			}
			if host := strings.TrimPrefix(s.URL, "http://"); !strings.Contains(f.Message, tc.message) || !strings.Contains(f.Message, host) {
				t.Errorf("message %q, want one with %q and %s", f.Message, tc.message, host)
			}
			if !strings.Contains(f.Hint, `"gate"`) && !strings.Contains(f.Hint, testID) {
				t.Errorf("hint %q names neither credential nor client", f.Hint)
			}
			if len([]rune(f.Message)) > 320 {
				t.Errorf("message of %d characters", len(f.Message))
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	refused := httptest.NewServer(http.NotFoundHandler())
	refused.Close()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer untrusted.Close()
	done := make(chan struct{})
	silent := tokenServer(t, func(_ http.ResponseWriter, r *http.Request) { <-done })
	defer close(done)
	reset := tokenServer(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	})
	ssh := tokenServer(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, _ := http.NewResponseController(w).Hijack()
		buf.WriteString("hello\r\n")
		buf.Flush()
		conn.Close()
	})
	for _, tc := range []struct{ name, url, want, message, hint string }{
		{"behind a proxy that is none", ssh.URL + "=http://auth.invalid", "idp/token_unreachable", "the proxy " + ssh.URL + " was handed the request: the answer is not HTTP", "a proxy of this kind?"},
		{"silent behind a proxy", silent.URL + "=http://auth.invalid", "idp/token_timeout", "did not answer within 100ms, asked through the proxy " + silent.URL, "load"},
		{"refused", refused.URL, "idp/token_unreachable", "connection refused by 127.0.0.1", "firewall"},
		{"no such host", "http://no-such-host.invalid", "idp/token_unreachable", "does not resolve", "this machine asks"},
		{"TLS", untrusted.URL, "idp/token_unreachable", "is self-signed, and nobody we trust", "TLS: look at the certificate"},
		{"silent", silent.URL, "idp/token_timeout", "did not answer within 100ms", "load"},
		{"reset", reset.URL, "idp/token_unreachable", "reset", "firewall"},
		{"not HTTP", ssh.URL, "idp/token_malformed", "not HTTP", "token endpoint"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			proxy, at, proxied := strings.Cut(tc.url, "=")
			if !proxied {
				proxy, at = "", tc.url
			}
			o := options(at + "/token")
			o.ProxyURL = secret.Literal(proxy)
			if strings.HasPrefix(tc.name, "silent") {
				o.Timeout = 100 * time.Millisecond
			}
			_, _, f := authorize(t, newSource(t, o).Handle(origin), 5*time.Second)
			if got := verdict(f); got != tc.want || !strings.Contains(f.Message, tc.message) || !strings.Contains(f.Hint, tc.hint) {
				t.Errorf("%s: %v, hint %q; want %s, %q, %q", got, f, f.Hint, tc.want, tc.message, tc.hint)
			}
		})
	}
}

func TestLife(t *testing.T) {
	const warned = "5 minutes"
	for _, tc := range []struct {
		expiresIn string
		want      time.Duration
		warning   string
	}{
		{"", lifeUntold, ""}, {"null", lifeUntold, ""}, {"0", lifeUntold, ""}, {`""`, lifeUntold, ""}, {`"0"`, lifeUntold, ""},
		{"3600", time.Hour, ""}, {`"3600"`, time.Hour, ""}, {"3599.5", 3599500 * time.Millisecond, ""}, {"1e3", 1000 * time.Second, ""},
		{"1", time.Second, ""}, {"0.5", time.Second / 2, ""}, {"99999999999999", (1<<31 - 1) * time.Second, ""}, {"1e400", (1<<31 - 1) * time.Second, ""},
		{`"soon"`, lifeUntold, warned}, {"true", lifeUntold, warned}, {"{}", lifeUntold, warned}, {`"NaN"`, lifeUntold, warned},
	} {
		body := `{"access_token":"TOKEN-1","token_type":"Bearer"}`
		if tc.expiresIn != "" {
			body = `{"access_token":"TOKEN-1","token_type":"Bearer","expires_in":` + tc.expiresIn + `}`
		}
		a, f := judge(reply{status: 200, body: []byte(body), header: http.Header{}})
		if f != nil || a.life != tc.want || !strings.Contains(a.warning, tc.warning) || (tc.warning == "") != (a.warning == "") {
			t.Errorf("expires_in %s: life %s, warning %q, %+v; want %s, %q", tc.expiresIn, a.life, a.warning, f, tc.want, tc.warning)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "54": 54 * time.Second, "-1": 0, "soon": 0, "999999": 24 * time.Hour, "0": 0, "1.5": 1500 * time.Millisecond,
		"Sun, 22 Nov 2026 12:01:00 GMT": time.Minute, "Sun, 22 Nov 2026 11:00:00 GMT": 0, "7200": 2 * time.Hour, "Sun, 22 Nov 2027 12:01:00 GMT": 24 * time.Hour,
	} {
		if got := (reply{header: http.Header{"Retry-After": {v}}, now: now}).retryAfter(); got != want {
			t.Errorf("Retry-After %q is %s, want %s", v, got, want)
		}
	}
}

func TestScopeWarnings(t *testing.T) {
	for _, tc := range []struct {
		scope string // member as it is written
		want  string
	}{
		{`,"scope":"authelia.bearer.authz other"`, ""},
		{`,"scope":["authelia.bearer.authz"]`, ""},
		{`,"scope":"` + strings.Repeat("filler ", 100) + `authelia.bearer.authz"`, ""},
		{`,"scope":""`, "the granted scope lacks authelia.bearer.authz"},
		{`,"scope":"other"`, "the granted scope lacks authelia.bearer.authz"},
		{"", "did not tell which scope"},
	} {
		s := tokenServer(t, answers(200, "application/json", `{"access_token":"TOKEN-1","token_type":"Bearer"`+tc.scope+`}`))
		h := newSource(t, options(s.URL)).Handle(origin)
		if _, _, f := authorize(t, h, 5*time.Second); f != nil {
			t.Fatal(f)
		}
		if got := h.Token().Warning; !strings.Contains(got, tc.want) || (tc.want == "") != (got == "") {
			t.Errorf("scope %s: warning %q, want %q", tc.scope, got, tc.want)
		}
	}
}

// TestRequest looks at what is sent.
func TestRequest(t *testing.T) {
	type sent struct {
		header http.Header
		form   url.Values
	}
	var got sent
	s := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		got = sent{r.Header, r.PostForm}
		answers(200, "application/json", good)(w, r)
	})
	basic := func(v string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(v)) }
	for _, tc := range []struct {
		name   string
		change func(*Options)
		basic  string
		form   url.Values
	}{
		{"form-encoded Basic", func(*Options) {}, basic(url.QueryEscape(testID) + ":" + url.QueryEscape(testSecret)),
			url.Values{"scope": {"authelia.bearer.authz"}}},
		{"raw Basic", func(o *Options) { o.BasicEncoding = "raw" }, basic(testID + ":" + testSecret),
			url.Values{"scope": {"authelia.bearer.authz"}}},
		{"post", func(o *Options) { o.AuthMethod = "client_secret_post" }, "",
			url.Values{"scope": {"authelia.bearer.authz"}, "client_id": {testID}, "client_secret": {testSecret}}},
		{"everything", func(o *Options) {
			o.Scopes = []string{"a", "b"}
			o.Audience = []string{"https://a/", "https://b/"}
			o.Resource = []string{"https://c/", "https://d/"}
			o.Params = map[string]secret.Text{"extra": secret.Literal("x y")}
		}, basic(url.QueryEscape(testID) + ":" + url.QueryEscape(testSecret)),
			url.Values{"scope": {"a b"}, "audience": {"https://a/", "https://b/"}, "resource": {"https://c/", "https://d/"}, "extra": {"x y"}}},
		{"nothing", func(o *Options) { o.Scopes = nil }, basic(url.QueryEscape(testID) + ":" + url.QueryEscape(testSecret)), url.Values{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(s.URL + "/token")
			tc.change(&o)
			if _, _, f := authorize(t, newSource(t, o).Handle(origin), 5*time.Second); f != nil {
				t.Fatal(f)
			}
			tc.form.Set("grant_type", "client_credentials")
			if fmt.Sprint(got.form) != fmt.Sprint(tc.form) {
				t.Errorf("form %v, want %v", got.form, tc.form)
			}
			for k, want := range map[string]string{"Authorization": tc.basic, "Accept": "application/json", "User-Agent": "Watchword/test", "Content-Type": "application/x-www-form-urlencoded"} {
				if v := got.header.Get(k); v != want {
					t.Errorf("%s is %q, want %q", k, v, want)
				}
			}
		})
	}
}

func TestARedirectCarriesNoSecret(t *testing.T) {
	asked := 0
	thief := tokenServer(t, func(http.ResponseWriter, *http.Request) { asked++ })
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := tokenServer(t, answers(status, "", "", "Location", thief.URL+"/token?code=s3cr3t"))
		_, _, f := authorize(t, newSource(t, options(s.URL+"/token")).Handle(origin), 5*time.Second)
		if verdict(f) != "idp/token_malformed" || !strings.Contains(f.Hint, thief.URL+"/token:") || strings.Contains(everyText(t, f), "s3cr3t") {
			t.Errorf("%d is %v, hint %q", status, f, f.Hint)
		}
	}
	if asked != 0 {
		t.Errorf("redirects were followed %d times", asked)
	}
}

func TestATokenEndpointOfAPrivateAuthority(t *testing.T) {
	s := httptest.NewTLSServer(answers(200, "application/json", good))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(s.URL + "/token")
	o.TLS.CAFile = path
	src := newSource(t, o)
	if _, _, f := authorize(t, src.Handle(origin), 5*time.Second); f != nil || !src.Alive(t.Context()) {
		t.Errorf("%v, alive %t", f, src.Alive(t.Context()))
	}
}
