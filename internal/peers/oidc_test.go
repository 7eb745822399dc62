package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
)

// provider starts oidc-provider and returns its issuer.
func provider(t *testing.T) string {
	t.Helper()
	return providerWith(t, "http", "CLIENT_KEYS="+t.TempDir())
}

func providerWith(t *testing.T, scheme string, env ...string) string {
	t.Helper()
	node := program(t, "node", "nodejs")
	dir, err := filepath.Abs("oidc-provider")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err != nil {
		t.Fatalf("the npm package oidc-provider is missing in internal/peers/oidc-provider; scripts/need installs it: %v", err)
	}
	port := ports(t, 1)[0]
	issuer := fmt.Sprintf("%s://127.0.0.1:%d", scheme, port)
	p := run(t, t.TempDir(), append([]string{fmt.Sprintf("PORT=%d", port), "ISSUER=" + issuer}, env...), node, filepath.Join(dir, "op.mjs"))
	until(t, 20*time.Second, func() string {
		select {
		case <-p.ended:
			t.Fatalf("oidc-provider ended at once:\n%s", p.said)
		default:
		}
		if !strings.Contains(p.said.String(), `"ready":true`) {
			return "oidc-provider is not ready"
		}
		return ""
	})
	return issuer
}

const oidcCredentials = `credentials:
  basic: {token_url: "@OP@/token", client_id: basic, client_secret: insecure_secret, scopes: ["api:read"]}
  special: {token_url: "@OP@/token", client_id: basic special/id, client_secret: "@SPECIAL@", scopes: ["api:read"]}
  special-raw: {token_url: "@OP@/token", client_id: basic special/id, client_secret: "@SPECIAL@", basic_encoding: raw}
  post: {token_url: "@OP@/token", client_id: post, client_secret: insecure_secret, auth_method: client_secret_post}
  jwt: {token_url: "@OP@/token", client_id: basic, client_secret: insecure_secret, scopes: ["api:read", "api:write"], resource: ["https://app.example.test/"]}
  short: {token_url: "@OP@/token", client_id: short, client_secret: insecure_secret}
  wrong-secret: {token_url: "@OP@/token", client_id: basic, client_secret: not-the-secret}
  unknown-client: {token_url: "@OP@/token", client_id: nobody, client_secret: insecure_secret}
  expired-secret: {token_url: "@OP@/token", client_id: expired-secret, client_secret: insecure_secret}
  unknown-resource: {token_url: "@OP@/token", client_id: basic, client_secret: insecure_secret, resource: ["https://evil.example.test/"]}
  wrong-grant: {token_url: "@OP@/token", client_id: webapp, client_secret: insecure_secret}
  not-the-endpoint: {token_url: "@OP@/nowhere", client_id: basic, client_secret: insecure_secret}
`

const specialSecret = `p@ss:w+rd/%25=&!~*()'`

func credentials(op string) string {
	return fill(oidcCredentials, "OP", op, "SPECIAL", specialSecret)
}

// TestPeerOIDCToken asks a certified provider for tokens, as the command
// `watchword token` does.
func TestPeerOIDCToken(t *testing.T) {
	t.Parallel()
	op := provider(t)
	cfg, _ := load(t, credentials(op))
	o, err := agent.NewOnce(cfg, agent.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, name := range []string{"basic", "special", "post", "jwt", "short"} {
		t.Run(name, func(t *testing.T) {
			e, err := o.Token(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			granted(t, op, name, &e)
		})
	}
	for name, want := range map[string]check.Reason{
		"special-raw": check.ClientRejected, "wrong-secret": check.ClientRejected,
		"unknown-client": check.ClientRejected, "expired-secret": check.ClientRejected, "unknown-resource": check.AudienceRejected,
		"wrong-grant": check.ClientRejected, // it says invalid_request, where others say unauthorized_client
	} {
		t.Run(name, func(t *testing.T) {
			_, err := o.Token(t.Context(), name)
			f, ok := errors.AsType[*check.Fault](err)
			if !ok {
				t.Fatalf("got %v, want a fault", err)
			}
			if f.Class != check.Credential || f.Reason != want {
				t.Errorf("got %s/%s (%s), want credential/%s", f.Class, f.Reason, f.Message, want)
			}
			if text := f.Error() + f.Hint; strings.Contains(text, "insecure_secret") || strings.Contains(text, specialSecret) || strings.Contains(text, "not-the-secret") {
				t.Errorf("the fault tells the secret: %s", text)
			}
		})
	}
	_, err = o.Token(t.Context(), "not-the-endpoint")
	if f, ok := errors.AsType[*check.Fault](err); !ok || f.Class != check.IDP || f.Reason != check.TokenMalformed {
		t.Errorf("a wrong path: got %v, want idp/token_malformed", err)
	}
}

// granted holds an explanation to what the provider's configuration grants.
func granted(t *testing.T, op, name string, e *auth.Explanation) {
	t.Helper()
	life := map[string]time.Duration{"short": 5 * time.Second}[name]
	if life == 0 {
		life = 10 * time.Minute
	}
	if !e.LifeTold || e.Life != life || !strings.EqualFold(e.TokenType, "bearer") || e.TokenLength == 0 {
		t.Errorf("got type %q, life %s (told %v), %d characters; want a bearer token of %s", e.TokenType, e.Life, e.LifeTold, e.TokenLength, life)
	}
	if (e.Claims != nil) != (name == "jwt") {
		t.Errorf("got claims %+v", e.Claims)
	}
	if c := e.Claims; c != nil {
		if c.Issuer != op || !slices.Contains(c.Audience, "https://app.example.test/") || c.Scope != "api:read api:write" {
			t.Errorf("got claims %+v", c)
		}
	}
	if (name == "basic" || name == "special") && e.Scope != "api:read" {
		t.Errorf("got scope %q, want api:read", e.Scope)
	}
}

// TestPeerOIDCShort watches with tokens that live 5 s, before an application
// that asks the provider about each of them.
func TestPeerOIDCShort(t *testing.T) {
	t.Parallel()
	op := provider(t)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		active, err := introspect(r, op, token)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case !active:
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			http.Error(w, "the token is dead", http.StatusUnauthorized)
		default:
			fmt.Fprint(w, "Dashboard")
		}
	}))
	defer app.Close()
	a := start(t, credentials(op)+fill(`defaults: {interval: 1s, retries: 0, expect: {keyword: Dashboard}}
monitors:
  - {name: short, url: "@APP@/short", credential: short}
  - {name: short too, url: "@APP@/short-too", credential: short}
  - {name: special, url: "@APP@/special", credential: special}
  - {name: wrong, url: "@APP@/wrong", credential: wrong-secret}
`, "APP", app.URL))
	a.shows(map[string]string{"short": "up", "short-too": "up", "special": "up", "wrong": "credential/client_rejected"})
	a.more("short", 12)
	fetched := a.metric(`watchword_token_requests_total{credential="short",result="ok"}`)
	probes := a.runs("short", "success") + a.runs("short-too", "success")
	if fetched < 3 || fetched > 6 {
		t.Errorf("%v token requests for %v probes in 12 s with tokens of 5 s, want 3 to 6", fetched, probes)
	}
	for _, id := range []string{"short", "short-too", "special"} {
		if n := a.runs(id, "failure"); n != 0 {
			t.Errorf("%s failed %v times", id, n)
		}
	}
	if n := a.metric(`watchword_token_requests_total{credential="special",result="ok"}`); n != 1 {
		t.Errorf("%v token requests of special, want 1", n)
	}
	t.Logf("%v probes with %v tokens of 5 s; %v requests with a wrong secret", probes, fetched,
		a.metric(`watchword_token_requests_total{credential="wrong-secret",result="client_rejected"}`))
}

func introspect(r *http.Request, op, token string) (bool, error) {
	body := url.Values{"token": {token}}.Encode()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, op+"/token/introspection", strings.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("basic", "insecure_secret")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	var said struct{ Active bool }
	err = json.NewDecoder(res.Body).Decode(&said)
	return said.Active, err
}
