package lab

import (
	"crypto"
	"crypto/x509"
	"time"
)

// The authentication methods a [Client] can be registered for.
const (
	MethodBasic = "client_secret_basic"
	MethodPost  = "client_secret_post"
	MethodAny   = "any" // both, as many providers do

	MethodSecretJWT  = "client_secret_jwt"
	MethodKeyJWT     = "private_key_jwt"
	MethodTLS        = "tls_client_auth"
	MethodSelfSigned = "self_signed_tls_client_auth"
	MethodFederated  = "federated" // the assertion of another provider
	MethodNone       = "none"
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
	// SecretExpires is when the secret ends to be good; zero: never.
	SecretExpires time.Time

	// Keys verify the assertions of private_key_jwt and of Trust, Algorithm is the
	// one they must be signed with ("" is RS256, HS256 with a secret), and KeyID
	// the kid they must have if they have one.
	Keys      []crypto.PublicKey
	Algorithm string
	KeyID     string
	// SecretDigest derives the HMAC key of client_secret_jwt as Authelia does.
	SecretDigest bool
	// Certificate is the one of self_signed_tls_client_auth. Subject is the subject
	// (RFC 4514) of tls_client_auth, whose certificate the server's TLS has
	// verified.
	Certificate *x509.Certificate
	Subject     string
	// Trust is what federated assertions must say.
	Trust Trust
}

// Trust is what an assertion of another provider must say of itself.
type Trust struct{ Issuer, Subject, Audience string }

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
