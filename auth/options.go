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
	Type string `koanf:"type"`

	TokenURL      string                 `koanf:"token_url"`
	ClientID      string                 `koanf:"client_id"`
	ClientSecret  secret.Text            `koanf:"client_secret"`
	AuthMethod    string                 `koanf:"auth_method"` // client_secret_basic, client_secret_post
	BasicEncoding string                 `koanf:"basic_encoding"`
	Scopes        []string               `koanf:"scopes"`
	Audience      []string               `koanf:"audience"`
	Resource      []string               `koanf:"resource"`
	Params        map[string]secret.Text `koanf:"params"`
	Gate          string                 `koanf:"gate"`    // "" is the credential's name
	SendAs        string                 `koanf:"send_as"` // authorization, proxy-authorization
	Timeout       time.Duration          `koanf:"timeout"`
	TLS           transport.TLS          `koanf:"tls"`

	Username string      `koanf:"username"`
	Password secret.Text `koanf:"password"`

	Token secret.Text `koanf:"token"`

	Name  string      `koanf:"name"`
	Value secret.Text `koanf:"value"`
}

// DefaultOptions returns what holds where the configuration is silent.
func DefaultOptions() Options {
	return Options{
		Type: TypeClientCredentials, AuthMethod: "client_secret_basic", BasicEncoding: "form",
		SendAs: "authorization", Timeout: 10 * time.Second,
	}
}
