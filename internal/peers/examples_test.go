package peers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// example returns a file of examples/authelia with the hosts of the small world
// in the places of Authelia and the application.
func example(t *testing.T, name string, w *lab.World) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "examples", "authelia", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for from, to := range map[string]string{
		"127.0.0.1:9091": strings.TrimPrefix(w.ProviderURL(), "http://"),
		"127.0.0.1:3000": strings.TrimPrefix(w.ApplicationURL(), "http://"),
	} {
		if !strings.Contains(text, from) {
			t.Fatalf("%s does not name %s", name, from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// TestPeerExampleNginx runs nginx with the file that people copy, without TLS.
func TestPeerExampleNginx(t *testing.T) {
	t.Parallel()
	path := program(t, "nginx", "nginx")
	exampleGate(t, func(w *lab.World, port int) *peer {
		dir := t.TempDir()
		sites := regexp.MustCompile(`(?m)^ *ssl_certificate.*\n`).ReplaceAllString(example(t, "nginx.conf", w), "")
		sites = strings.ReplaceAll(sites, "listen 443 ssl;", fmt.Sprintf("listen 127.0.0.1:%d;", port))
		head, _, _ := strings.Cut(nginxConf, "  server {")
		return run(t, dir, nil, path, "-c", write(t, filepath.Join(dir, "nginx.conf"), fill(head, "DIR", dir)+sites+"}\n"), "-p", dir, "-e", "stderr")
	})
}

// TestPeerExampleCaddy is the same with Caddy.
func TestPeerExampleCaddy(t *testing.T) {
	t.Parallel()
	path := program(t, "caddy", "caddy")
	exampleGate(t, func(w *lab.World, port int) *peer {
		dir := t.TempDir()
		sites := strings.ReplaceAll(example(t, "Caddyfile", w), "\napplication.example.com {", fmt.Sprintf("\nhttp://127.0.0.1:%d {\n\tbind 127.0.0.1", port))
		sites = strings.ReplaceAll(sites, "\nauth.example.com {", fmt.Sprintf("\nhttp://localhost:%d {\n\tbind 127.0.0.1", port))
		head, _, _ := strings.Cut(caddyfile, "http://")
		home := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
		return run(t, dir, home, path, "run", "--adapter", "caddyfile", "--config", write(t, filepath.Join(dir, "Caddyfile"), fill(head, "DIR", dir)+sites))
	})
}

// exampleGate goes through the gate of an example: who may gets in, nobody
// else does, and the application is not handed the token.
func exampleGate(t *testing.T, proxy func(w *lab.World, port int) *peer) {
	t.Helper()
	w := world(t)
	port := ports(t, 1)[0]
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	w.AllowAudience(url + "/")
	w.Access.SetPolicy("/denied", lab.Deny)
	w.Access.SetPolicy("/second", lab.TwoFactor)
	w.Access.SetPolicy("/ready", lab.Bypass)
	proxy(w, port).answers(url+"/ready", http.StatusOK)
	a := start(t, fill(`credentials:
  authelia: {token_url: "@TOKEN@", client_id: watchword, client_secret: lab-secret, scopes: [authelia.bearer.authz]}
  stranger: {type: bearer, token: garbage}
defaults: {interval: 1s, retries: 0}
monitors:
  - {name: in, url: "@URL@/", credential: authelia, expect: {keyword: Dashboard}}
  - {name: token stays out, url: "@URL@/echo", credential: authelia, expect: {keyword: headers, absent: [Bearer, authelia_at_]}}
  - {name: denied, url: "@URL@/denied", credential: authelia}
  - {name: second, url: "@URL@/second", credential: authelia}
  - {name: garbage, url: "@URL@/", credential: stranger}
  - {name: shut, type: guard, url: "@URL@/", try: [anonymous, garbage, expired, foreign, stranger], interval: 2s, timeout: 1s, expect: {absent: Dashboard}}
`, "TOKEN", w.TokenURL(), "URL", url))
	a.shows(map[string]string{
		"in": "up", "token-stays-out": "up", "denied": "policy/forbidden", "second": "policy/second_factor_required",
		"garbage": "gateway/login_redirect", "shut": "up",
	})
}
