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
// somebody, to come from the networks that are trusted most often, each by itself,
// for another path or method may be what is refused; and to ask for another path.
func (p *Guard) claims(turn uint64) []claim {
	somebody := claim{"with headers that name a user", "Remote-User", map[string]string{}}
	for _, name := range userHeaders() {
		somebody.headers[name] = "admin" // most services know one, so that nobody is created for the asking
	}
	for _, name := range mailHeaders() {
		somebody.headers[name] = "admin@" + p.door.url.Hostname()
	}
	all := []claim{somebody}
	for _, address := range addressesTrusted() {
		all = append(all, elsewhere(address))
	}
	return append(all, p.another(turn))
}

func elsewhere(address string) claim {
	return claim{"with headers of a proxy, for " + address, "X-Forwarded-For", map[string]string{"X-Forwarded-For": address, "X-Real-Ip": address}}
}

// another claims another path and method than those of the request, and one of
// the addresses that are trusted less often.
func (p *Guard) another(turn uint64) claim {
	paths, rare := pathsLeftOpen(), []string{"172.16.0.1", "::1"}
	path, address := paths[turn%uint64(len(paths))], rare[turn%uint64(len(rare))]
	c := elsewhere(address)
	c.what += " and " + path
	maps.Copy(c.headers, map[string]string{
		"X-Forwarded-Method": "OPTIONS", "X-Original-Method": "OPTIONS", // often let through, for CORS
		"X-Forwarded-Uri": path, "X-Original-Uri": path, "X-Original-Url": strings.TrimRight(p.door.url.Scheme+"://"+p.door.url.Host, "/") + path,
	})
	return c
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

// addressesTrusted are of the networks that are most often let in without a
// question. Each is claimed in every run: a gate that is opened so is told of
// within one interval.
func addressesTrusted() []string { return []string{"127.0.0.1", "10.0.0.1", "192.168.0.1"} }
