package probes

import "strings"

// claim is what a stranger says of itself in headers that only the gate, or the
// proxy before it, should set. Who believes them from outside lets in whoever
// sends them.
type claim struct {
	what    string // for people
	name    string // of the header that stands for all
	headers map[string]string
}

// claims returns what a stranger claims in the run with this number: to be
// somebody, and to come from elsewhere and ask for something else.
func (p *Guard) claims(turn uint64) []claim {
	open := pathsLeftOpen()
	path := open[turn%uint64(len(open))]
	somebody := claim{"with headers that name a user", "Remote-User", map[string]string{}}
	for _, name := range userHeaders() {
		somebody.headers[name] = "admin" // most services know one, so that nobody is created for the asking
	}
	for _, name := range mailHeaders() {
		somebody.headers[name] = "admin@" + p.door.url.Hostname()
	}
	elsewhere := claim{"with headers of a proxy", "X-Forwarded-For", map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1",
		"X-Forwarded-Method": "OPTIONS", "X-Original-Method": "OPTIONS", // often let through, for CORS
		"X-Forwarded-Uri": path, "X-Original-Uri": path, "X-Original-Url": strings.TrimRight(p.door.url.Scheme+"://"+p.door.url.Host, "/") + path,
	}}
	return []claim{somebody, elsewhere}
}

// userHeaders are those by which gates tell applications who came: Authelia,
// oauth2-proxy, caddy-security, authentik, AWS, Grafana and others.
func userHeaders() []string {
	return []string{"Remote-User", "Remote-Name", "Remote-Groups", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Auth-Request-User",
		"X-Auth-Request-Preferred-Username", "X-Authentik-Username", "X-Token-Subject", "X-Token-User-Name", "X-Amzn-Oidc-Identity", "X-Webauth-User"}
}

func mailHeaders() []string {
	return []string{"Remote-Email", "X-Forwarded-Email", "X-Auth-Request-Email", "X-Authentik-Email", "X-Token-User-Email", "Cf-Access-Authenticated-User-Email"}
}

// pathsLeftOpen are paths that gates are often told to let everybody see.
func pathsLeftOpen() []string {
	return []string{"/favicon.ico", "/robots.txt", "/ping", "/.well-known/acme-challenge/watchword", "/api/health"}
}
