package probes

// IssuerOptions is what a monitor of type issuer says beside what it shares with
// HTTPOptions: url, connection, ip_family, resolve and tls. The zero value is the
// default.
type IssuerOptions struct {
	// Whether each run has the credential fetch a token of its own, past the one
	// that monitors share, and drops it. Without, the shared one will do.
	FreshToken bool `koanf:"fresh_token"`
}
