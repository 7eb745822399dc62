package peers

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// The snippets are those of Authelia's documentation for 4.39, with the hosts
// of the small world; nginx needs folders of its own besides.
const nginxConf = `daemon off;
master_process off;
pid @DIR@/nginx.pid;
error_log stderr error;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path @DIR@/body; proxy_temp_path @DIR@/proxy; fastcgi_temp_path @DIR@/fastcgi;
  uwsgi_temp_path @DIR@/uwsgi; scgi_temp_path @DIR@/scgi;
  server {
    listen 127.0.0.1:@PORT@;
    location = /ready { return 204; }
    location /internal/authelia/authz {
      internal;
      proxy_pass @PROVIDER@/api/authz/auth-request;
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
      proxy_pass_request_body off;
      proxy_next_upstream error timeout invalid_header http_500 http_502 http_503;
      proxy_redirect http:// $scheme://;
      proxy_http_version 1.1;
      proxy_cache_bypass $cookie_session;
      proxy_no_cache $cookie_session;
      proxy_buffers 4 32k;
      client_body_buffer_size 128k;
    }
    location / {
      auth_request /internal/authelia/authz;
      auth_request_set $user $upstream_http_remote_user;
      proxy_set_header Remote-User $user;
      auth_request_set $redirection_url $upstream_http_location;
      error_page 401 =302 $redirection_url;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_http_version 1.1;
      proxy_pass @APPLICATION@;
    }
  }
}
`

const caddyfile = `{
	admin off
	auto_https off
	storage file_system @DIR@/store
	log {
		output stderr
		level ERROR
	}
}
http://127.0.0.1:@PORT@ {
	bind 127.0.0.1
	handle /ready {
		respond 204
	}
	handle {
		forward_auth @PROVIDERHOST@ {
			uri /api/authz/forward-auth
			copy_headers Remote-User Remote-Groups Remote-Email Remote-Name
		}
		reverse_proxy @APPLICATIONHOST@
	}
}
`

func TestPeerNginx(t *testing.T) {
	t.Parallel()
	path := program(t, "nginx", "nginx")
	gate(t, func(w *lab.World, port int) *peer {
		dir := t.TempDir()
		file := write(t, filepath.Join(dir, "nginx.conf"), fill(nginxConf, "DIR", dir, "PORT", fmt.Sprint(port),
			"PROVIDER", w.ProviderURL(), "APPLICATION", w.ApplicationURL()))
		return run(t, dir, nil, path, "-c", file, "-p", dir, "-e", "stderr")
	})
}

func TestPeerCaddy(t *testing.T) {
	t.Parallel()
	path := program(t, "caddy", "caddy")
	gate(t, func(w *lab.World, port int) *peer {
		dir := t.TempDir()
		file := write(t, filepath.Join(dir, "Caddyfile"), fill(caddyfile, "DIR", dir, "PORT", fmt.Sprint(port),
			"PROVIDERHOST", w.ProviderURL()[len("http://"):], "APPLICATIONHOST", w.ApplicationURL()[len("http://"):]))
		home := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
		return run(t, dir, home, path, "run", "--adapter", "caddyfile", "--config", file)
	})
}

// gate watches the application through a real proxy while things go wrong.
func gate(t *testing.T, proxy func(w *lab.World, port int) *peer) {
	t.Helper()
	w := world(t)
	port := ports(t, 1)[0]
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	proxy(w, port).answers(url+"/ready", http.StatusNoContent)
	w.AllowAudience(url + "/")
	w.Access.SetPolicy("/denied", lab.Deny)
	w.Access.SetPolicy("/second", lab.TwoFactor)
	a := start(t, fill(`credentials:
  authelia: {token_url: "@TOKEN@", client_id: watchword, client_secret: lab-secret, scopes: [authelia.bearer.authz]}
  other: {token_url: "@TOKEN@", client_id: watchword-post, auth_method: client_secret_post, client_secret: lab-secret, scopes: [authelia.bearer.authz]}
  stranger: {type: bearer, token: garbage}
defaults: {interval: 1s, retries: 0, expect: {keyword: Dashboard}}
monitors:
  - {name: in, url: "@URL@/", credential: authelia}
  - {name: page, url: "@URL@/a/page?x=1", credential: authelia}
  - {name: denied, url: "@URL@/denied", credential: other}
  - {name: second, url: "@URL@/second", credential: other}
  - {name: garbage, url: "@URL@/", credential: stranger}
  - {name: anonymous, url: "@URL@/"}
  - {name: shut, type: guard, url: "@URL@/", try: [anonymous, garbage, expired, foreign], expect: {absent: Dashboard}}
  - {name: decision, type: authz, url: "@PROVIDER@/api/authz/auth-request", resource: "@URL@/", credential: authelia}
  - {name: forwarded, type: authz, url: "@PROVIDER@/api/authz/forward-auth", implementation: forward-auth, resource: "@URL@/denied", credential: other}
  - {name: provider, type: issuer, url: "@PROVIDER@", credential: authelia}
`, "TOKEN", w.TokenURL(), "URL", url, "PROVIDER", w.ProviderURL()))
	well := map[string]string{
		"shut": "up", "decision": "up", "forwarded": "policy/forbidden", "provider": "up",
		"in": "up", "page": "up", "denied": "policy/forbidden", "second": "policy/second_factor_required",
		"garbage": "gateway/login_redirect", "anonymous": "gateway/login_page",
	}
	a.shows(well)
	revoked(t, w, a)
	providerDown(t, w, a, well)
	applicationDown(t, w, a, well)
}

// revoked has the tokens of one client called invalid: one new one, and no run
// fails. The other client is left alone: nobody accepts its tokens, so they are
// replaced once a minute at most.
func revoked(t *testing.T, w *lab.World, a *watch) {
	t.Helper()
	const series = `watchword_token_requests_total{credential="authelia",result="ok"}`
	before := a.metric(series)
	if before != 1 {
		t.Errorf("%v token requests before the revocation, want 1", before)
	}
	if n := w.Provider.Revoke(lab.ClientID); n != 1 {
		t.Errorf("%d tokens were revoked, want 1", n)
	}
	a.more("in", 2)
	a.more("page", 2)
	if got := a.metric(series) - before; got != 1 {
		t.Errorf("%v token requests after the revocation, want 1", got)
	}
	for _, id := range []string{"in", "page"} {
		if n := a.runs(id, "failure"); n != 0 {
			t.Errorf("%s failed %v times", id, n)
		}
	}
}

// providerDown closes the provider's port behind live tokens: nginx answers
// 500 and Caddy 502, and it is the provider's fault all the same.
func providerDown(t *testing.T, w *lab.World, a *watch, well map[string]string) {
	t.Helper()
	if err := w.RefuseProvider(true); err != nil {
		t.Fatal(err)
	}
	dead := "idp/token_unreachable"
	a.shows(map[string]string{"in": dead, "page": dead, "decision": dead, "provider": dead})
	if want := "provider " + w.ProviderURL(); !slices.Contains(a.causes(), want) {
		t.Errorf("open incidents of %q, want one of %q", a.causes(), want)
	}
	if err := w.RefuseProvider(false); err != nil {
		t.Fatal(err)
	}
	a.shows(well)
}

// applicationDown lets nobody answer behind the proxy. What the provider was
// said to be is believed for 10 s, so the first runs may still blame it.
func applicationDown(t *testing.T, w *lab.World, a *watch, well map[string]string) {
	t.Helper()
	w.Application.SetDown(true)
	a.shows(map[string]string{"in": "target/gateway_error", "page": "target/gateway_error", "decision": "up", "provider": "up"})
	until(t, 10*time.Second, func() string {
		if causes := a.causes(); !slices.Contains(causes, "gate authelia") {
			return fmt.Sprintf("open incidents of %q, want one of the gate", causes)
		}
		return ""
	})
	w.Application.SetDown(false)
	a.shows(well)
}
