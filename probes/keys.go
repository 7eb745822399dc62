package probes

import (
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

const (
	connectionFresh = "fresh"
	connectionReuse = "reuse"

	mostRedirects = 100
	largestBody   = 1 << 30
)

func connections() []string { return []string{connectionFresh, connectionReuse} }

// The types of monitors.
const (
	TypeHTTP   = "http"
	TypeAuthz  = "authz"
	TypeGuard  = "guard"
	TypeIssuer = "issuer"
)

// Types returns the types of monitors, in the order of the documentation.
func Types() []string { return []string{TypeHTTP, TypeAuthz, TypeGuard, TypeIssuer} }

// Keys says what the Go types of HTTPOptions, AuthzOptions, GuardOptions and
// IssuerOptions do not.
func Keys() []check.Key {
	gated := []string{TypeHTTP, TypeAuthz}
	in, at, out, idp := []string{TypeHTTP}, []string{TypeAuthz}, []string{TypeGuard}, []string{TypeIssuer}
	asks, kept, pages := []string{TypeHTTP, TypeAuthz, TypeGuard}, []string{TypeHTTP, TypeAuthz, TypeIssuer}, []string{TypeHTTP, TypeGuard}
	return []check.Key{
		{Path: "url", Required: true, Pattern: check.WebURL},
		{Path: "method", Types: asks, Pattern: `^[A-Z0-9!#$%&'*+.^_|~-]+$`}, // a token (RFC 9110, section 5.6.2), in upper case
		{Path: "headers", Types: asks},
		{Path: "body", Types: in},
		{Path: "body_type", Types: in, Enum: bodyTypes()},
		{Path: "form", Types: in},
		{Path: "cache_bust", Types: in},
		{Path: "proxy_url", Pattern: transport.ProxyURL},
		{Path: "no_proxy", Pattern: transport.NoProxy},
		{Path: "http_version", Enum: transport.Versions()},
		{Path: "max_redirects", Types: in, Max: mostRedirects},
		{Path: "max_body", Types: asks, Min: 1, Max: largestBody},
		{Path: "connection", Types: kept, Enum: connections()},
		{Path: "ip_family", Enum: transport.Families()},
		{Path: "expect", Types: asks},
		{Path: "expect.status", Types: gated, Pattern: `^ *[1-9][0-9][0-9] *(- *[1-9][0-9][0-9] *)?$`, Min: 100, Max: 999},
		{Path: "expect.keyword", Types: in, Pattern: `.|\n`},
		{Path: "expect.absent", Types: pages, Pattern: `.|\n`},
		{Path: "expect.regex", Types: in}, // '' is taken for none
		{Path: "expect.absent_regex", Types: in, Pattern: `.|\n`},
		{Path: "expect.json", Types: in, Pattern: `[^ ]`},
		{Path: "expect.headers", Types: gated},
		{Path: "expect.absent_headers", Types: gated},
		{Path: "expect.max_duration", Types: gated},
		{Path: "expect.warn", Types: gated},
		{Path: "expect.http_version", Types: in, Enum: httpVersions()},
		{Path: "expect.tls_version", Types: in, Enum: tlsVersions()},
		{Path: "upside_down", Types: gated},
		{Path: "implementation", Types: at, Enum: implementations()},
		{Path: "resource", Types: at, Required: true, Pattern: check.WebURL},
		{Path: "try", Types: out, Pattern: `.`},
		{Path: "bypass_urls", Types: out, Pattern: check.WebURL},
		{Path: "fresh_token", Types: idp},
	}
}
