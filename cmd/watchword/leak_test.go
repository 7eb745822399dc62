package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// parrot repeats all that it was sent, with the status in its path.
func parrot(w http.ResponseWriter, r *http.Request) {
	code := http.StatusOK
	_, _ = fmt.Sscanf(r.URL.Path, "/%d", &code)
	w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer error=\"invalid_token\", error_description=%q", r.Header.Get("Authorization")))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body)
	user, password, _ := r.BasicAuth()
	fmt.Fprintf(w, "{\"error\":\"invalid_client\",\"error_description\":%q}", fmt.Sprint(r.Header, r.RequestURI, body.String(), user, password))
}

// No command prints a secret or a token, whatever a server repeats.
func TestCommandsPrintNoSecret(t *testing.T) {
	w, err := lab.Start(t.Context(), lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(t.Context()) })
	echo := httptest.NewServer(http.HandlerFunc(parrot))
	t.Cleanup(echo.Close)
	secrets := []string{
		"client+s3cr3t/%&-Aa1", "pass:word+secret-Bb2", "bearer-token-Cc3", "api-key-Dd4", "cookie-secret-Ee5", "query-secret-Ff6", "bot:token-Gg7",
		"hook-path-Hh8", "hook-key-Ii9", "hook-header-Jj10", "authelia_at_", lab.ClientSecret,
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	var y strings.Builder
	fmt.Fprintf(&y, "credentials:\n  good: {token_url: %q, client_id: watchword, client_secret: %s, scopes: [%s]}\n", w.TokenURL(), lab.ClientSecret, lab.BearerScope)
	fmt.Fprintf(&y, "  wrong: {token_url: %q, client_id: watchword, client_secret: %q}\n", w.TokenURL(), secrets[0])
	fmt.Fprintf(&y, "  echoed: {token_url: \"%s/401?key=%s\", client_id: watchword, client_secret: %q}\n", echo.URL, secrets[5], secrets[0])
	fmt.Fprintf(&y, "  posted: {token_url: \"%s/400\", client_id: watchword, client_secret: %q, auth_method: client_secret_post}\n", echo.URL, secrets[0])
	fmt.Fprintf(&y, "  basic: {type: basic, username: me, password: %q}\n  bearer: {type: bearer, token: %q}\n  key: {type: header, name: X-Api-Key, value: %q}\n", secrets[1], secrets[2], secrets[3])
	fmt.Fprintf(&y, "notifiers:\n  telegram: {type: telegram, bot_token: \"123:%s\", chat_id: \"1\", api_url: \"%s/401\"}\n", secrets[6], echo.URL)
	for _, kind := range []string{"slack", "discord", "teams"} {
		fmt.Fprintf(&y, "  %s: {type: %s, webhook_url: \"%s/403/%s\"}\n  dead-%s: {type: %s, webhook_url: \"http://127.0.0.1:1/%s\"}\n", kind, kind, echo.URL, secrets[7], kind, kind, secrets[7])
	}
	fmt.Fprintf(&y, "  hook: {type: webhook, url: \"%s/500/%s\", secret: %q, headers: {X-Token: %q}}\n", echo.URL, secrets[7], secrets[8], secrets[9])
	fmt.Fprintf(&y, "defaults: {headers: {Cookie: \"session=%s\"}}\nmonitors:\n", secrets[4])
	credentials := []string{"good", "wrong", "echoed", "posted", "basic", "bearer", "key"}
	for i, c := range credentials {
		fmt.Fprintf(&y, "  - {name: gate %d, url: \"%s/m/1?key=%s\", credential: %s}\n", i, w.GatewayURL(), secrets[5], c)
		for _, code := range []int{200, 302, 401, 403, 500} {
			fmt.Fprintf(&y, "  - {name: authz %d %d, type: authz, url: \"%s/%d?key=%s\", resource: \"%s/?key=%s\", credential: %s}\n", i, code, echo.URL, code, secrets[5], w.GatewayURL(), secrets[5], c)
			fmt.Fprintf(&y, "  - {name: echo %d %d, url: \"%s/%d?key=%s\", credential: %s, expect: {keyword: nowhere}}\n", i, code, echo.URL, code, secrets[5], c)
		}
	}
	for i, c := range credentials[:4] {
		fmt.Fprintf(&y, "  - {name: issuer %d, type: issuer, url: %q, credential: %s, fresh_token: true}\n", i, w.ProviderURL(), c)
	}
	if err := os.WriteFile(file, []byte(y.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte(strings.NewReplacer("token_url: \"", "token_url: \"x ", "webhook_url: ", "webhook_uri: ", "type: basic", "type: bsic", "name: X-Api-Key", "name: \"X Key\"").Replace(y.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := [][]string{{"check", "-c", file}, {"check", "-c", bad}, {"probe", "-c", file}, {"probe", "--json", "-c", file}, {"probe", "-c", bad}}
	for _, c := range credentials {
		commands = append(commands, []string{"token", "-c", file, c})
	}
	for _, n := range []string{"telegram", "slack", "discord", "teams", "hook", "dead-slack", "dead-discord", "dead-teams"} {
		commands = append(commands, []string{"notify", "-c", file, n})
	}
	for _, args := range commands {
		var out, errs bytes.Buffer
		run(t.Context(), args, &out, &errs)
		text := out.String() + errs.String()
		if text == "" {
			t.Errorf("%s printed nothing", args)
		}
		for _, s := range secrets {
			for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), fmt.Sprintf("%q", s)} {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("watchword %s printed %q: …%s…", strings.Join(append(args[:1:1], args[3:]...), " "), s, text[max(0, i-100):min(len(text), i+len(form)+20)])
					break
				}
			}
		}
	}
}
