package peers

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// The ways in which an nginx before Authelia is shut, and those in which it is
// open without anybody having meant it, one path each.
const nginxDoors = `daemon off;
master_process off;
pid @DIR@/nginx.pid;
error_log stderr error;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path @DIR@/body; proxy_temp_path @DIR@/proxy; fastcgi_temp_path @DIR@/fastcgi;
  uwsgi_temp_path @DIR@/uwsgi; scgi_temp_path @DIR@/scgi;
  map $http_x_forwarded_uri $asked { "" $request_uri; default $http_x_forwarded_uri; }
  map $http_x_forwarded_for $near { default 0; "~^(127|10)\." 1; }
  server {
    listen 127.0.0.1:@PORT@;
    proxy_set_header Host $host;
    location = /ready { return 204; }
    location /authz { internal; proxy_pass @PROVIDER@/api/authz/auth-request; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_set_header X-Original-Method $request_method; proxy_set_header X-Original-URL $scheme://$http_host$request_uri; }
    # as behind another proxy that sets X-Forwarded-Uri, where there is none
    location /trusting { internal; proxy_pass @PROVIDER@/api/authz/auth-request; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_set_header X-Original-Method $request_method; proxy_set_header X-Original-URL $scheme://$http_host$asked; }
    location /redirects { auth_request /authz; auth_request_set $to $upstream_http_location; error_page 401 =302 $to; proxy_pass @APPLICATION@; }
    location /refuses { auth_request /authz; proxy_pass @APPLICATION@; }
    location /off { proxy_pass @APPLICATION@; }
    location /excluded { auth_request /authz; proxy_pass @APPLICATION@; }
    location /named { if ($http_remote_user = "") { return 401; } proxy_pass @APPLICATION@; }
    location /near { if ($near = 0) { return 403; } proxy_pass @APPLICATION@; }
    location /asked { auth_request /trusting; proxy_pass @APPLICATION@; }
    location /json { if ($http_accept != "application/json") { return 401; } proxy_pass @APPLICATION@; }
    location /head { if ($request_method != HEAD) { return 401; } proxy_pass @APPLICATION@; }
  }
}
`

// TestPeerGuard: each way of being open is told within one run, and what is shut
// is up.
func TestPeerGuard(t *testing.T) {
	t.Parallel()
	path := program(t, "nginx", "nginx")
	w := world(t)
	port := ports(t, 1)[0]
	url, dir := fmt.Sprintf("http://127.0.0.1:%d", port), t.TempDir()
	file := write(t, filepath.Join(dir, "nginx.conf"), fill(nginxDoors, "DIR", dir, "PORT", fmt.Sprint(port),
		"PROVIDER", w.ProviderURL(), "APPLICATION", w.ApplicationURL()))
	run(t, dir, nil, path, "-c", file, "-p", dir, "-e", "stderr").answers(url+"/ready", http.StatusNoContent)
	w.AllowAudience(url + "/")
	for _, open := range []string{"/excluded", "/favicon.ico", "/robots.txt", "/ping", "/.well-known/", "/api/health"} {
		w.Access.SetPolicy(open, lab.Bypass)
	}
	a := start(t, fill(`credentials:
  other: {token_url: "@TOKEN@", client_id: watchword, client_secret: lab-secret, scopes: [authelia.bearer.authz]}
defaults: {interval: 2s, retries: 9, expect: {absent: Dashboard}}
monitors:
  - {name: redirects, type: guard, url: "@URL@/redirects", try: [anonymous, garbage, expired, foreign], bypass_urls: ["http://127.0.0.1:1/"]}
  - {name: refuses, type: guard, url: "@URL@/refuses"}
  - {name: "off", type: guard, url: "@URL@/off"}
  - {name: excluded, type: guard, url: "@URL@/excluded"}
  - {name: named, type: guard, url: "@URL@/named"}
  - {name: near, type: guard, url: "@URL@/near"}
  - {name: asked, type: guard, url: "@URL@/asked"}
  - {name: json, type: guard, url: "@URL@/json"}
  - {name: head, type: guard, url: "@URL@/head"}
  - {name: port, type: guard, url: "@URL@/refuses", bypass_urls: ["@APPLICATION@/"]}
  - {name: audience, type: guard, url: "@URL@/refuses", try: [other]}
`, "TOKEN", w.TokenURL(), "URL", url, "APPLICATION", w.ApplicationURL()))
	a.shows(map[string]string{
		"redirects": "up", "refuses": "up",
		"off": "exposed/anonymous_access", "excluded": "exposed/anonymous_access", "named": "exposed/anonymous_access",
		"near": "exposed/anonymous_access", "asked": "exposed/anonymous_access", "json": "exposed/anonymous_access",
		"head": "exposed/anonymous_access", "port": "exposed/bypass_open", "audience": "exposed/wrong_credential_accepted",
	})
	for _, id := range []string{"off", "excluded", "named", "near", "asked", "json", "head", "port", "audience"} {
		if n := a.runs(id, "success"); n != 0 {
			t.Errorf("%s was up %v times before it was told", id, n)
		}
	}
}
