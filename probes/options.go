package probes

import (
	"time"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// HTTPOptions is what a monitor of type http says about its request and the
// answer it expects. Config sets the defaults of DefaultHTTPOptions.
type HTTPOptions struct {
	// What to request, beginning with http:// or https://. A user and password in it
	// are sent as Basic. Neither they nor the query are ever shown.
	URL string `koanf:"url"`
	// The method of the request, in upper case.
	Method string `koanf:"method"`
	// Headers of the request, such as Accept-Language: en. They are sent to the
	// monitor's own origin only. Default: none beside Watchword's own.
	Headers map[string]secret.Text `koanf:"headers"`
	// The body of the request. Default: none.
	Body secret.Text `koanf:"body"`
	// How many redirects to follow, at most 100. 0: the redirect itself is judged by
	// expect.status.
	MaxRedirects int `koanf:"max_redirects"`
	// How much of the body to read, such as 512KiB, counted after decoding; at most
	// 1GiB. A longer body is a fault only if an expectation is undecided by then.
	MaxBody int64 `koanf:"max_body"` // bytes
	// fresh: every run resolves, connects and shakes hands. reuse: connections are
	// kept from run to run, for about 5 minutes.
	Connection string `koanf:"connection"`
	// Which addresses of the host to use.
	IPFamily string `koanf:"ip_family"`
	// Host to IP address, to test one backend behind a name. The name in TLS stays
	// the host, the port is that of the URL. Default: none.
	Resolve map[string]string `koanf:"resolve"`
	// How the connection is secured.
	TLS transport.TLS `koanf:"tls"`
	// What the answer has to be like.
	Expect Expect `koanf:"expect"`

	// Whether the monitor is up where the target cannot be reached, or answers in
	// another way than expected, and down where all is as expected. Faults of TLS,
	// of the way in (provider, credential, gate) and of the agent stay faults.
	UpsideDown bool `koanf:"upside_down"`
	// What body is: json, xml, text, or form for one that is urlencoded already. It
	// sets Content-Type unless headers do. JSON is checked, and sent byte for byte.
	// Default: none, and no Content-Type.
	BodyType string `koanf:"body_type"`
	// Fields of a form, such as user: probe, sent urlencoded in place of a body, in the
	// order of their names. Default: none.
	Form map[string]secret.Text `koanf:"form"`
	// Whether the query of the first request gets a parameter watchword_cachebuster
	// with a random value, so that no cache answers in place of the service.
	CacheBust bool `koanf:"cache_bust"`
	// The proxy to go through, such as http://proxy.example.com:3128: http or https,
	// socks5 or socks5h (the proxy resolves the names), with user:password@ if it
	// wants them. It is read again at every connection. Default: none.
	ProxyURL secret.Text `koanf:"proxy_url"`
	// Whom to ask without the proxy: hosts, .domain or *.domain for all below it, IP
	// addresses, networks such as 10.0.0.0/8, each but the last with or without :port;
	// * for all. Default: nobody.
	NoProxy []string `koanf:"no_proxy"`
	// Which version of HTTP is offered: any is both and the server chooses, 1.1 and 2
	// are that one alone. Over http://, 2 is spoken at once and any is 1.1.
	HTTPVersion string `koanf:"http_version"`
}

// Expect is the `expect` section.
type Expect struct {
	// The statuses that pass: numbers or ranges, such as 204 or 200-299; one or a
	// list.
	Status []string `koanf:"status"`
	// Texts that all have to be in the decoded body; one or a list. Case counts.
	// Default: none.
	Keyword []string `koanf:"keyword"`
	// Texts of which none may be in the decoded body; one or a list. Case counts.
	// Default: none.
	Absent []string `koanf:"absent"`

	// Regular expressions (RE2) that all have to match the decoded body; one or a
	// list. (?i) ignores case, (?s) lets . match line ends, (?m) ties ^ and $ to
	// lines. Default: none.
	Regex []string `koanf:"regex"`
	// Regular expressions (RE2) of which none may match the decoded body; one or a
	// list. Default: none.
	AbsentRegex []string `koanf:"absent_regex"`
	// Queries in the language of jq that all have to yield true, such as
	// .status == "ok"; one or a list. Default: none.
	JSON []string `koanf:"json"`
	// Header to regular expression (RE2): some value of it has to match, such as
	// Content-Type: ^text/html. Default: none.
	Headers map[string]string `koanf:"headers"`
	// Header to regular expression (RE2): no value of it may match. Default: none.
	AbsentHeaders map[string]string `koanf:"absent_headers"`
	// How long the request and its redirects may take, the token not included; less
	// than timeout. 0, the default: no limit but the timeout.
	MaxDuration time.Duration `koanf:"max_duration"`
	// Whether a run slower than max_duration passes all the same, with a note.
	Warn bool `koanf:"warn"`
	// The version of HTTP that the answer has to come in: 1.0, 1.1 or 2; one or a
	// list. Default: any.
	HTTPVersion []string `koanf:"http_version"`
	// The oldest TLS to be accepted: 1.0, 1.1, 1.2 or 1.3. Default: 1.2.
	TLSVersion string `koanf:"tls_version"`
}

// DefaultHTTPOptions returns what holds where the configuration is silent.
func DefaultHTTPOptions() HTTPOptions {
	return HTTPOptions{
		Method: "GET", MaxRedirects: 10, MaxBody: 1 << 20, Connection: "fresh", IPFamily: "any", HTTPVersion: "any",
		Expect: Expect{Status: []string{"200-299"}},
	}
}
