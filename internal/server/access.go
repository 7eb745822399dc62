package server

import (
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// Access is the part of the `server` section that says who may look, and under
// which certificate. A reload changes all of it.
type Access struct {
	// Certificate to serve https with. Without it the agent speaks plain http.
	TLS TLS `koanf:"tls"`
	// Who may look.
	Auth Auth `koanf:"auth"`
	// What strangers may see although others have to log in: status (a page with names and states), badges.
	Public []string `koanf:"public"`
}

// TLS names the certificate that is shown. Paths are absolute.
type TLS struct {
	// PEM file with the server's certificate, followed by those that lead to its authority. Read again when it changes.
	CertFile string `koanf:"cert_file"`
	// PEM file with the private key of the certificate, not encrypted. Read again when it changes.
	KeyFile string `koanf:"key_file"`
}

// Auth is the `server.auth` section.
type Auth struct {
	// How people and programs log in: none (nobody has to) or basic (user name and password, RFC 7617).
	Type string `koanf:"type"`
	// Who may log in, by user name.
	Users map[string]User `koanf:"users"`
	// A credential for /metrics and /probe alone. Without it they are as closed as everything else.
	Metrics Scraper `koanf:"metrics"`
}

// User is one who may log in.
type User struct {
	// bcrypt hash of the password, of cost 10 to 14. `watchword password` makes one. Read at every login.
	PasswordHash secret.Text `koanf:"password_hash"`
	// viewer (reads everything) or admin (writes, too). Default: viewer.
	Role string `koanf:"role"`
}

// Scraper is a credential for /metrics and /probe alone: a token, or a name and a password.
type Scraper struct {
	// Token that Prometheus sends as `Authorization: Bearer …`. Read at every request.
	BearerToken secret.Text `koanf:"bearer_token"`
	// User name that Prometheus sends, in place of a token.
	Username string `koanf:"username"`
	// bcrypt hash of the password that goes with the user name.
	PasswordHash secret.Text `koanf:"password_hash"`
}

const (
	authNone  = "none"
	authBasic = "basic"

	roleViewer = "viewer"
	roleAdmin  = "admin"

	publicStatus = "status"
	publicBadges = "badges"
)

// hashPattern is the form of a bcrypt hash whose cost is taken.
const hashPattern = `^\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}$`

// DefaultAccess is what holds where nothing is said.
func DefaultAccess() Access { return Access{Auth: Auth{Type: authNone}} }

// Keys says what the Go types of Access do not.
func Keys() []check.Key {
	return []check.Key{
		{Path: "auth.type", Enum: []string{authNone, authBasic}}, {Path: "public", Enum: []string{publicStatus, publicBadges}},
		{Path: "auth.metrics.bearer_token", Pattern: `^[!-~]+$`}, {Path: "auth.metrics.username", Pattern: `^[^:]*$`},
		{Path: "auth.metrics.password_hash", Pattern: hashPattern},
	}
}

// UserKeys says what the Go types of User do not.
func UserKeys() []check.Key {
	return []check.Key{{Path: "password_hash", Required: true, Pattern: hashPattern}, {Path: "role", Enum: []string{roleViewer, roleAdmin}}}
}

// asks says whether people have to log in.
func (a Auth) asks() bool { return a.Type == authBasic }

// Asks says whether people have to log in.
func (a Access) Asks() bool { return a.Auth.asks() }

// Scraped says whether /metrics and /probe have a credential of their own.
func (a Access) Scraped() bool {
	return a.Auth.Metrics.Username != "" || !a.Auth.Metrics.BearerToken.IsZero()
}

// Secure says whether the agent speaks https.
func (a Access) Secure() bool { return a.TLS.CertFile != "" && a.TLS.KeyFile != "" }
