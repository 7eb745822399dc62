package lab

import "time"

// The authentication methods a [Client] can be registered for.
const (
	MethodBasic = "client_secret_basic"
	MethodPost  = "client_secret_post"
	MethodAny   = "any" // both, as many providers do
)

// Format is the form of a token.
type Format int

// The forms of access token the provider issues.
const (
	Opaque   Format = iota // authelia_at_ and 43.43 characters
	JWTRS256               // RFC 9068, signed with RSA
	JWTES256               // RFC 9068, signed with P-256
)

// Client is one registration at the [Provider].
type Client struct {
	ID     string
	Secret string
	// Method is the one way to authenticate; "" is client_secret_basic.
	Method string
	// Scopes are those the client may ask for. Asking for none gives none.
	Scopes []string
	// Audience is what the client may ask for, and what it gets when it asks
	// for nothing, unless Explicit.
	Audience []string
	// Explicit leaves a token without audience when none was asked for
	// (Authelia's requested_audience_mode).
	Explicit bool
	// Lifetime of a token; 0 is an hour.
	Lifetime time.Duration
	Format   Format
	// NoGrant forbids the client the grant client_credentials.
	NoGrant bool
}

// BearerScope is the scope without which Authelia's gate takes no token.
const BearerScope = "authelia.bearer.authz"

const defaultLifetime = time.Hour

func (c *Client) lifetime() time.Duration {
	if c.Lifetime == 0 {
		return defaultLifetime
	}
	return c.Lifetime
}

func (c *Client) allows(method string) bool {
	want := cmpOr(c.Method, MethodBasic)
	return want == MethodAny || want == method
}
