package probes

import (
	"maps"
	"strings"
)

// claim is what a stranger says of itself in headers that only the gate, or the
// proxy before it, should set. Who believes them from outside lets in whoever
// sends them.
type claim struct {
	what    string // for people
	name    string // of the header that stands for all
	headers map[string]string
}

// claims returns what a stranger claims in the run with this number: to be
// somebody, and to come from elsewhere. In every other run the address is all that
// is claimed of a proxy, for another path or method may be what is refused.
func (p *Guard) claims(turn uint64) []claim {
	open := pathsLeftOpen()
	path := open[turn%uint64(len(open))]
	near := addressesTrusted()
	address := near[turn%uint64(len(near))]
	somebody := claim{"with headers that name a user", "Remote-User", map[string]string{}}
	for _, name := range userHeaders() {
		somebody.headers[name] = "admin" // most services know one, so that nobody is created for the asking
	}
	for _, name := range mailHeaders() {
		somebody.headers[name] = "admin@" + p.door.url.Hostname()
	}
	elsewhere := claim{"with headers of a proxy, for " + address, "X-Forwarded-For", map[string]string{"X-Forwarded-For": address, "X-Real-Ip": address}}
	if turn%2 == 0 {
		elsewhere.what = "with headers of a proxy, for " + address + " and " + path
		maps.Copy(elsewhere.headers, map[string]string{
			"X-Forwarded-Method": "OPTIONS", "X-Original-Method": "OPTIONS", // often let through, for CORS
			"X-Forwarded-Uri": path, "X-Original-Uri": path, "X-Original-Url": strings.TrimRight(p.door.url.Scheme+"://"+p.door.url.Host, "/") + path,
		})
	}
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

// addressesTrusted are of the networks that are often let in without a question.
// Their number is odd: in twice as many runs each is claimed with and without a path.
func addressesTrusted() []string {
	return []string{"127.0.0.1", "10.0.0.1", "192.168.0.1", "172.16.0.1", "::1"}
}
