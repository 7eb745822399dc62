package probes

import (
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// HTTPOptions is what a monitor of type http says about its request and the
// answer it expects. Config sets the defaults of DefaultHTTPOptions.
type HTTPOptions struct {
	URL          string                 `koanf:"url"` // may hold userinfo and a query: never shown, see check.Monitor.URL
	Method       string                 `koanf:"method"`
	Headers      map[string]secret.Text `koanf:"headers"`
	Body         secret.Text            `koanf:"body"`
	MaxRedirects int                    `koanf:"max_redirects"`
	MaxBody      int64                  `koanf:"max_body"` // bytes
	Connection   string                 `koanf:"connection"`
	IPFamily     string                 `koanf:"ip_family"`
	Resolve      map[string]string      `koanf:"resolve"`
	TLS          transport.TLS          `koanf:"tls"`
	Expect       Expect                 `koanf:"expect"`
}

// Expect is the `expect` section.
type Expect struct {
	Status  []string `koanf:"status"` // "200", "200-299"; one or a list
	Keyword []string `koanf:"keyword"`
	Absent  []string `koanf:"absent"`
}

// DefaultHTTPOptions returns what holds where the configuration is silent.
func DefaultHTTPOptions() HTTPOptions {
	return HTTPOptions{
		Method: "GET", MaxRedirects: 10, MaxBody: 1 << 20, Connection: "fresh", IPFamily: "any",
		Expect: Expect{Status: []string{"200-299"}},
	}
}
