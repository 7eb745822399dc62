// Package transport builds the connections that probes, token requests and
// notifiers use: TLS, name resolution and address family, one interned
// http.Transport per distinct set of options.
package transport

import "github.com/watchword/watchword/internal/secret"

// TLS is the `tls` section of a monitor or credential. Paths are absolute.
type TLS struct {
	// PEM file with the authorities to trust instead of the system's.
	CAFile string `koanf:"ca_file"`
	// PEM file with the client certificate, for key_file. It is read again when it
	// changes.
	CertFile string `koanf:"cert_file"`
	// PEM file with the private key of cert_file.
	KeyFile string `koanf:"key_file"`
	// The name to ask for and to verify. Default: the host of the URL.
	ServerName string `koanf:"server_name"`
	// Whether to verify nothing of the certificate. Not together with ca_file.
	InsecureSkipVerify bool `koanf:"insecure_skip_verify"`
}

// Options is everything that two requests must agree on to share a transport.
type Options struct {
	TLS      TLS
	Resolve  map[string]string // host to address
	IPFamily string            // any, ipv4, ipv6; "" is any
	Reuse    bool              // keep connections between runs

	OldestTLS   string      // 1.0, 1.1, 1.2 or 1.3; "" is 1.2
	Proxy       secret.Text // URL of the proxy, zero for none; read at every dial
	NoProxy     []string    // whom to ask without it
	HTTPVersion string      // what is offered: any, 1.1, 2; "" is any
}
