package probes

// AuthzOptions is what a monitor of type authz says beside what it shares with
// HTTPOptions: url, method, headers, max_body, connection, ip_family, resolve,
// tls, upside_down, and of expect status, headers, absent_headers, max_duration and
// warn. Config sets the defaults of DefaultAuthzOptions.
type AuthzOptions struct {
	// How a proxy asks the endpoint: auth-request as nginx does, forward-auth as
	// Traefik and Caddy do, ext-authz as Envoy does.
	Implementation string `koanf:"implementation"`
	// The URL that is asked about, to the letter as people have it in the browser.
	// Nothing is sent there. Its query is never shown.
	Resource string `koanf:"resource"`
}

// The ways in which proxies ask, by Authelia's names for them.
const (
	implAuthRequest = "auth-request"
	implForwardAuth = "forward-auth"
	implExtAuthz    = "ext-authz"
)

func implementations() []string { return []string{implAuthRequest, implForwardAuth, implExtAuthz} }

// DefaultAuthzOptions returns what holds where the configuration is silent.
func DefaultAuthzOptions() AuthzOptions { return AuthzOptions{Implementation: implAuthRequest} }
