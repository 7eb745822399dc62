package lab_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

func testProvider(o lab.ProviderOptions) *lab.Provider {
	o.Clients = append(o.Clients, lab.Client{
		ID: "probe", Secret: "right", Scopes: []string{lab.BearerScope}, Audience: []string{"https://app.example.test/"},
	})
	return lab.NewProvider(o)
}

// ask sends a token request to the handler in process.
func ask(h http.Handler, id, secret string) *httptest.ResponseRecorder {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {lab.BearerScope}}
	req := httptest.NewRequest(http.MethodPost, lab.TokenPath, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	res := httptest.NewRecorder()
	h.ServeHTTP(res, req)
	return res
}

func tokenOf(t *testing.T, res *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(res.Body.Bytes(), &body); err != nil || body.Token == "" {
		t.Fatalf("got %d %q, want a token", res.Code, res.Body)
	}
	return body.Token
}

func TestFailureLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testProvider(lab.ProviderOptions{})
		for i := range 30 {
			if res := ask(p, "probe", "wrong"); res.Code != http.StatusUnauthorized {
				t.Fatalf("failure %d: got %d, want 401", i+1, res.Code)
			}
			time.Sleep(200 * time.Millisecond)
		}
		res := ask(p, "probe", "right")
		if res.Code != http.StatusTooManyRequests || res.Header().Get("Retry-After") != "54" {
			t.Errorf("got %d, Retry-After %q, want 429 and the recorded 54", res.Code, res.Header().Get("Retry-After"))
		}
		if !strings.Contains(res.Body.String(), `"error":"temporarily_unavailable"`) {
			t.Errorf("got body %q", res.Body)
		}
		time.Sleep(54 * time.Second)
		if res := ask(p, "probe", "right"); res.Code != http.StatusOK {
			t.Errorf("after Retry-After: got %d, want 200", res.Code)
		}
		p.SetFailureLimit(false)
		for range 40 {
			ask(p, "probe", "wrong")
		}
		if res := ask(p, "probe", "right"); res.Code != http.StatusOK {
			t.Errorf("limit off: got %d, want 200", res.Code)
		}
	})
}

func TestRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testProvider(lab.ProviderOptions{})
		p.SetRateLimited(time.Minute)
		if res := ask(p, "probe", "right"); res.Code != http.StatusTooManyRequests || res.Header().Get("Retry-After") != "60" {
			t.Errorf("got %d, Retry-After %q, want 429 and 60", res.Code, res.Header().Get("Retry-After"))
		}
		time.Sleep(time.Minute)
		if res := ask(p, "probe", "right"); res.Code != http.StatusOK {
			t.Errorf("a minute later: got %d, want 200", res.Code)
		}
	})
}

func TestTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testProvider(lab.ProviderOptions{})
		p.SetLifetime("probe", 5*time.Second)
		token := tokenOf(t, ask(p, "probe", "right"))
		if g, err := p.Inspect(token); err != nil || g.Client != "probe" {
			t.Errorf("fresh: got %v, %v", g, err)
		}
		time.Sleep(6 * time.Second)
		if _, err := p.Inspect(token); !errors.Is(err, lab.ErrToken) {
			t.Errorf("expired: got %v, want ErrToken", err)
		}
		token = tokenOf(t, ask(p, "probe", "right"))
		if n := p.RevokeAll(); n == 0 {
			t.Error("RevokeAll: got 0, want some")
		}
		if _, err := p.Inspect(token); !errors.Is(err, lab.ErrToken) {
			t.Errorf("revoked: got %v, want ErrToken", err)
		}
		token = tokenOf(t, ask(p, "probe", "right"))
		p.SetDown(true)
		if _, err := p.Inspect(token); !errors.Is(err, lab.ErrDown) {
			t.Errorf("down: got %v, want ErrDown", err)
		}
		p.SetDown(false)
		p.SetClockOffset(time.Hour)
		if _, err := p.Inspect(token); !errors.Is(err, lab.ErrToken) {
			t.Errorf("clock an hour ahead: got %v, want ErrToken", err)
		}
	})
}

func TestQuirks(t *testing.T) {
	p := testProvider(lab.ProviderOptions{NoFailureLimit: true})
	for name, c := range map[string]struct {
		quirks      lab.Quirks
		secret      string
		status      int
		has, hasNot string
	}{
		"none":        {lab.Quirks{}, "right", 200, `"expires_in":3599`, ""},
		"string":      {lab.Quirks{ExpiresIn: `"3600"`}, "right", 200, `"expires_in":"3600"`, ""},
		"float":       {lab.Quirks{ExpiresIn: `3599.5`}, "right", 200, `"expires_in":3599.5`, ""},
		"null":        {lab.Quirks{ExpiresIn: `null`}, "right", 200, `"expires_in":null`, ""},
		"negative":    {lab.Quirks{ExpiresIn: `-1`}, "right", 200, `"expires_in":-1`, ""},
		"not JSON":    {lab.Quirks{ExpiresIn: `soon`}, "right", 200, `"expires_in":soon`, ""},
		"missing":     {lab.Quirks{ExpiresIn: lab.Omit}, "right", 200, `"scope"`, "expires_in"},
		"type":        {lab.Quirks{TokenType: "mac"}, "right", 200, `"token_type":"mac"`, ""},
		"no type":     {lab.Quirks{TokenType: lab.Omit}, "right", 200, `"scope"`, "token_type"},
		"scope":       {lab.Quirks{Scope: "openid"}, "right", 200, `"scope":"openid"`, ""},
		"no scope":    {lab.Quirks{Scope: lab.Omit}, "right", 200, `"expires_in"`, "scope"},
		"HTML":        {lab.Quirks{HTML: true}, "right", 200, "<title>Login - Authelia</title>", ""},
		"malformed":   {lab.Quirks{Malformed: true}, "right", 200, `{"access_token"`, "}"},
		"echo":        {lab.Quirks{EchoSecret: true}, "wrong", 401, "probe:wrong", ""},
		"debug":       {lab.Quirks{Debug: true}, "wrong", 401, "The provided client secret did not match the registered client secret.", ""},
		"debug quiet": {lab.Quirks{Debug: false}, "wrong", 401, "invalid_client", "did not match"},
	} {
		t.Run(name, func(t *testing.T) {
			p.SetQuirks(c.quirks)
			res := ask(p, "probe", c.secret)
			if res.Code != c.status || !strings.Contains(res.Body.String(), c.has) {
				t.Errorf("got %d %q, want %d with %q", res.Code, res.Body, c.status, c.has)
			}
			if c.hasNot != "" && strings.Contains(res.Body.String(), c.hasNot) {
				t.Errorf("got %q, want it without %q", res.Body, c.hasNot)
			}
		})
	}
}

func TestSwitchesOfTheTokenEndpoint(t *testing.T) {
	p := testProvider(lab.ProviderOptions{NoFailureLimit: true})
	p.RotateSecret("probe", "other")
	if res := ask(p, "probe", "right"); res.Code != http.StatusUnauthorized {
		t.Errorf("rotated secret: got %d, want 401", res.Code)
	}
	if res := ask(p, "probe", "other"); res.Code != http.StatusOK {
		t.Errorf("new secret: got %d, want 200", res.Code)
	}
	p.WithdrawScope("probe", lab.BearerScope)
	if res := ask(p, "probe", "other"); !strings.Contains(res.Body.String(), "invalid_scope") {
		t.Errorf("scope withdrawn: got %q", res.Body)
	}
	p.Token.SetRedirect("https://elsewhere.example.test/")
	if res := ask(p, "probe", "other"); res.Code != http.StatusFound || res.Header().Get("Location") != "https://elsewhere.example.test/" {
		t.Errorf("redirect: got %d to %q", res.Code, res.Header().Get("Location"))
	}
	p.Token.Set(lab.Trouble{Status: http.StatusServiceUnavailable, Body: "busy", RetryAfter: "7"})
	if res := ask(p, "probe", "other"); res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") != "7" || res.Body.String() != "busy" {
		t.Errorf("status: got %d %q", res.Code, res.Body)
	}
	if res := get(p, lab.DiscoveryPath); res.Code != http.StatusOK {
		t.Errorf("discovery while the token endpoint is in trouble: got %d, want 200", res.Code)
	}
	want := map[string]int{"invalid_client": 1, "ok": 1, "invalid_scope": 1, "status_302": 1, "status_503": 1}
	for result, n := range want {
		if got := p.TokenCount("probe", result); got != n {
			t.Errorf("TokenCount(%q): got %d, want %d (%v)", result, got, n, p.TokenCounts())
		}
	}
	if p.TokenRequests() != 5 || len(p.TokenLog()) != 5 || p.TokenCount("", "") != 5 {
		t.Errorf("got %d requests, %d in the log, want 5", p.TokenRequests(), len(p.TokenLog()))
	}
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	res := httptest.NewRecorder()
	h.ServeHTTP(res, httptest.NewRequest(http.MethodGet, path, nil))
	return res
}

func TestDiscoveryAndKeys(t *testing.T) {
	p := testProvider(lab.ProviderOptions{})
	var doc struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(get(p, lab.DiscoveryPath).Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Issuer != "http://example.com" || doc.Token != doc.Issuer+lab.TokenPath || doc.Keys != doc.Issuer+lab.JWKSPath {
		t.Errorf("got %+v, want the issuer to follow the Host", doc)
	}
	var keys struct{ Keys []map[string]string }
	if err := json.Unmarshal(get(p, lab.JWKSPath).Body.Bytes(), &keys); err != nil || len(keys.Keys) != 2 {
		t.Fatalf("got %v, %v, want two keys", keys, err)
	}
	for _, f := range []lab.Format{lab.JWTRS256, lab.JWTES256} {
		token, err := p.Mint(lab.Grant{Client: "probe", Audience: []string{"a"}}, f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.VerifyJWT(token)
		if err != nil || c.ClientID != "probe" || c.Expires-c.Issued != 3600 {
			t.Errorf("got %+v, %v", c, err)
		}
		if _, err := p.VerifyJWT(forge(token)); err == nil {
			t.Error("a forged JWT was taken")
		}
	}
}

func TestIntrospectionAndRevocation(t *testing.T) {
	p := testProvider(lab.ProviderOptions{})
	token := tokenOf(t, ask(p, "probe", "right"))
	post := func(path string) string {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"token": {token}}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("probe", "right")
		res := httptest.NewRecorder()
		p.ServeHTTP(res, req)
		body, err := io.ReadAll(res.Body)
		if err != nil || res.Code != http.StatusOK {
			t.Fatalf("%s: got %d %q, %v", path, res.Code, body, err)
		}
		return string(body)
	}
	if got := post(lab.IntrospectionPath); !strings.HasPrefix(got, `{"active":true,"aud":["https://app.example.test/"],"client_id":"probe","exp":`) {
		t.Errorf("got %q", got)
	}
	if got := post(lab.RevocationPath); got != "" {
		t.Errorf("revocation: got %q, want nothing", got)
	}
	if got := post(lab.IntrospectionPath); got != "{\"active\":false}\n" {
		t.Errorf("after revocation: got %q", got)
	}
}
