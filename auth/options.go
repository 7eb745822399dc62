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

	// The token endpoint, by its public address. Redirects are never followed.
	TokenURL string `koanf:"token_url"`
	// The name under which the identity provider knows this client.
	ClientID string `koanf:"client_id"`
	// The secret of the client, such as ${AUTHELIA_CLIENT_SECRET} or
	// ${file:/run/secrets/authelia}.
	ClientSecret secret.Text `koanf:"client_secret"`
	// How the client proves itself: in the Basic header or in the form.
	AuthMethod string `koanf:"auth_method"`
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
		Type: TypeClientCredentials, AuthMethod: "client_secret_basic", BasicEncoding: "form",
		SendAs: "authorization", Timeout: 10 * time.Second,
	}
}
