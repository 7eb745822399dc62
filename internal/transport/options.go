// Package transport builds the connections that probes, token requests and
// notifiers use: TLS, name resolution and address family, one interned
// http.Transport per distinct set of options.
package transport

// TLS is the `tls` section of a monitor or credential. Paths are absolute.
type TLS struct {
	CAFile             string `koanf:"ca_file"`
	CertFile           string `koanf:"cert_file"`
	KeyFile            string `koanf:"key_file"`
	ServerName         string `koanf:"server_name"`
	InsecureSkipVerify bool   `koanf:"insecure_skip_verify"`
}

// Options is everything that two requests must agree on to share a transport.
type Options struct {
	TLS      TLS
	Resolve  map[string]string // host to address
	IPFamily string            // any, ipv4, ipv6; "" is any
	Reuse    bool              // keep connections between runs
}
