package auth

import (
	"time"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// The types of credentials.
const (
	TypeClientCredentials = "client_credentials"
	TypeBasic             = "basic"
	TypeBearer            = "bearer"
	TypeHeader            = "header"
)

// Options is one entry under `credentials`. Config sets the defaults of
// DefaultOptions before decoding.
type Options struct {
	// client_credentials fetches tokens by OAuth 2.0; basic, bearer and header send
	// what is written here.
	Type string `koanf:"type"`

	// The token endpoint, by its public address. Redirects are never followed. This
	// or issuer is needed.
	TokenURL string `koanf:"token_url"`
	// The identity provider, to the letter as it names itself: its token endpoint is
	// read from its discovery document (OpenID Connect Discovery, RFC 8414). In place
	// of token_url.
	Issuer string `koanf:"issuer"`
	// The name under which the identity provider knows this client.
	ClientID string `koanf:"client_id"`
	// The secret of the client, such as ${AUTHELIA_CLIENT_SECRET} or
	// ${file:/run/secrets/authelia}.
	ClientSecret secret.Text `koanf:"client_secret"`
	// How the client proves itself: by its secret in the Basic header or in the form,
	// by an assertion signed with its secret or its private key, by a TLS certificate,
	// by a token of another provider (federated), or not at all (none).
	AuthMethod string `koanf:"auth_method"`
	// Whether assertions are signed with the digest of the secret, SHA-256 for HS256,
	// as Authelia wants it. Of client_secret_jwt.
	SecretDigest bool `koanf:"secret_digest"`
	// PEM file with the private key that signs the assertions (PKCS#1, PKCS#8 or SEC
	// 1; RSA, EC or Ed25519; not encrypted). It is read anew for every request.
	PrivateKeyFile string `koanf:"private_key_file"`
	// The kid in the header of assertions. Default: none, so that the provider tries
	// the keys that it knows.
	KeyID string `koanf:"key_id"`
	// How assertions are signed. Default: HS256 with a secret; with a key what fits
	// it: RS256, ES256, ES384, ES512 or EdDSA; PS256 for RSA with a certificate_file
	// and a SHA-256 thumbprint.
	Algorithm string `koanf:"algorithm"`
	// PEM file with the certificate of private_key_file. Its thumbprint is put into
	// the header of assertions, as Entra ID wants it. It is read anew for every
	// request.
	CertificateFile string `koanf:"certificate_file"`
	// The thumbprint of the certificate in the header: sha256 (x5t#S256), or sha1,
	// which adds x5t for older servers.
	Thumbprint string `koanf:"thumbprint"`
	// For whom assertions are made out (aud). Default: the token endpoint.
	AssertionAudience string `koanf:"assertion_audience"`
	// File with a JWT of another provider, such as a Kubernetes service account token.
	// It is read anew for every request. Of federated.
	AssertionFile string `koanf:"assertion_file"`
	// How id and secret are written into the Basic header: form (RFC 6749, section
	// 2.3.1: percent-encoded first) or raw, for servers that do not decode.
	BasicEncoding string `koanf:"basic_encoding"`
	// The scopes to ask for, one entry each, such as authelia.bearer.authz. Default:
	// none.
	Scopes []string `koanf:"scopes"`
	// Sent as the parameter audience, several times if there are several. Default:
	// none.
	Audience []string `koanf:"audience"`
	// Sent as the parameter resource (RFC 8707): absolute URIs without fragment.
	// Default: none.
	Resource []string `koanf:"resource"`
	// Further parameters of the token request, such as tenant: main. Default: none.
	Params map[string]secret.Text `koanf:"params"`
	// What refuses together: gateway faults of all credentials of one gate are one
	// incident. Default: the name of the credential.
	Gate string `koanf:"gate"`
	// The header that carries the credential.
	SendAs string `koanf:"send_as"`
	// How long one token request may take. A run never waits longer than its own
	// timeout allows.
	Timeout time.Duration `koanf:"timeout"`
	// How the connection to the token endpoint is secured.
	TLS transport.TLS `koanf:"tls"`

	// The proxy to the token endpoint and the discovery document, apart from that of
	// monitors: as proxy_url of a monitor. Default: none.
	ProxyURL secret.Text `koanf:"proxy_url"`
	// Whom to ask without the proxy: as no_proxy of a monitor. Default: nobody.
	NoProxy []string `koanf:"no_proxy"`

	// The user name (RFC 7617), without colon.
	Username string `koanf:"username"`
	// The password of the user.
	Password secret.Text `koanf:"password"`

	// A token that you already have.
	Token secret.Text `koanf:"token"`

	// The name of the header, such as X-API-Key.
	Name string `koanf:"name"`
	// The value of the header.
	Value secret.Text `koanf:"value"`
}

// DefaultOptions returns what holds where the configuration is silent.
func DefaultOptions() Options {
	return Options{
		Type: TypeClientCredentials, AuthMethod: "client_secret_basic", BasicEncoding: "form", Thumbprint: "sha256",
		SendAs: "authorization", Timeout: 10 * time.Second,
	}
}
