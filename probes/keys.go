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
	TypeHTTP  = "http"
	TypeGuard = "guard"
)

// Keys says what the Go types of HTTPOptions and GuardOptions do not.
func Keys() []check.Key {
	in, out := []string{TypeHTTP}, []string{TypeGuard}
	return []check.Key{
		{Path: "url", Required: true, Pattern: check.WebURL},
		{Path: "method", Pattern: `^[A-Z0-9!#$%&'*+.^_|~-]+$`}, // a token (RFC 9110, section 5.6.2), in upper case
		{Path: "body", Types: in},
		{Path: "max_redirects", Types: in, Max: mostRedirects},
		{Path: "max_body", Min: 1, Max: largestBody},
		{Path: "connection", Types: in, Enum: connections()},
		{Path: "ip_family", Enum: transport.Families()},
		{Path: "expect.status", Types: in, Pattern: `^ *[1-9][0-9][0-9] *(- *[1-9][0-9][0-9] *)?$`, Min: 100, Max: 999},
		{Path: "expect.keyword", Types: in, Pattern: `.|\n`},
		{Path: "expect.absent", Pattern: `.|\n`},
		{Path: "try", Types: out, Pattern: `.`},
		{Path: "bypass_urls", Types: out, Pattern: check.WebURL},
	}
}
