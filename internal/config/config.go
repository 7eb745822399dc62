// Package config reads the YAML files that say what is watched and whom to
// tell. It is strict: what is not known, not of the right type or not supported
// yet is an error with its place, and all errors are told at once. It composes
// the options that each room owns and has them checked there; secrets stay
// references and are read where they are used.
package config

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/server"
	"github.com/watchword/watchword/notifiers"
	"github.com/watchword/watchword/probes"
)

// Config is a whole configuration, defaults filled in. It is plain data and not
// to be changed: its parts are shared.
type Config struct {
	Server      Server
	Agent       Agent
	Storage     Storage
	Timezone    *time.Location // of cron expressions and of times in messages; never nil
	Credentials map[string]auth.Options
	Notifiers   map[string]notifiers.Options
	Alerting    Alerting
	Monitors    []Monitor     // in the order of the files
	Maintenance []Maintenance // in the order of the files

	// Where says where the credentials and notifiers stand, by
	// "credentials.NAME" and "notifiers.NAME".
	Where map[string]Position

	Digest [sha256.Size]byte // of the files as they were read, see Digest
	Empty  bool              // the files hold nothing at all, or comments only
}

// Server is the `server` section.
type Server struct {
	// Where page, API and metrics are served, as host:port. 0.0.0.0 or an empty
	// host is every address of the machine. Where the key is not given, the
	// environment variable WATCHWORD_LISTEN takes the place of the default.
	Listen string `koanf:"listen"`
	// The absolute URL by which people reach the agent, for links in messages.
	// Example: https://watch.example.com/. Its host is accepted as Host, its origin
	// for writes. Default: none, and messages hold no link.
	ExternalURL string `koanf:"external_url"` // once loaded, it ends in a slash

	Access server.Access `koanf:",squash"`
}

// Agent is the `agent` section.
type Agent struct {
	// A name for the place that this agent looks from, such as eu-west. It stands
	// with every run, on the page, and in the message that the agent itself is
	// offline. Default: none.
	Location string `koanf:"location"`
}

// Storage is the `storage` section.
type Storage struct {
	// The SQLite database, relative to the working directory. "" keeps all in
	// memory: after a restart nothing is known.
	Path string `koanf:"path"`
}

// Alerting is the `alerting` section.
type Alerting struct {
	// How long a message waits for others that are due for the same notifier, to go
	// out with them. At most 1h; 0: not at all.
	GroupWait time.Duration `koanf:"group_wait"`
}

// Monitor is one entry under `monitors`, with `defaults` and the built-in
// defaults worked in.
type Monitor struct {
	ID, Name, Type, Group string
	Labels                map[string]string
	Interval              time.Duration // 0 with Cron
	Cron                  string        // for schedule.ParseCron; "" with Interval
	Zone                  string        // of Cron: a name of the IANA database
	Timeout               time.Duration // of the whole run
	RetryInterval         time.Duration
	Retries, Recoveries   int
	RemindEvery           time.Duration // 0: never
	Credential            string        // "" for none
	Notify                []string      // resolved: names of notifiers, every one once
	DependsOn             []string      // ids of monitors that there are, never in a circle; those that are not enabled too
	Enabled               bool
	HTTP                  probes.HTTPOptions
	Authz                 probes.AuthzOptions  // of type authz only
	Guard                 probes.GuardOptions  // of type guard only
	Issuer                probes.IssuerOptions // of type issuer only
	Pos                   Position

	CertificateWarn []time.Duration // longest first; empty: never
}

// Credentials returns the names of all credentials that the monitor sends.
func (m Monitor) Credentials() []string { return credentialsOf(m.Credential, m.Guard) }

// Check returns what the rest of the program knows of the monitor; its URL is
// fit to be shown.
func (m Monitor) Check() *check.Monitor {
	c := &check.Monitor{ID: m.ID, Name: m.Name, Type: m.Type, Group: m.Group, URL: secret.URL(m.HTTP.URL), Credential: m.Credential}
	c.CertificateWarn = m.CertificateWarn
	for _, name := range sortedKeys(m.Labels) {
		c.Labels = append(c.Labels, check.Label{Name: name, Value: m.Labels[name]})
	}
	return c
}

// LoadOptions is how a configuration is loaded.
type LoadOptions struct {
	// AllowMissingSecrets makes warnings of variables that are not set and of
	// secret files that are absent, for checks where there are no secrets. Texts
	// then hold something like "unset-NAME" in their place.
	AllowMissingSecrets bool
}

// Load reads the files and folders that make up a configuration. It returns all
// that is wrong with it at once; the Config is nil if there are errors among
// that.
func Load(paths []string, o LoadOptions) (*Config, Problems) {
	l := newLoader(o)
	if len(paths) == 0 {
		l.complain(Position{}, "no configuration file is given")
	}
	files := l.open(paths)
	parts := l.gather(files)
	c := l.assemble(parts)
	c.Digest = [sha256.Size]byte(l.digest.Sum(nil))
	c.Empty = !slices.ContainsFunc(files, func(s *source) bool { return s.root != nil })
	l.problems.sort(l.files)
	if l.problems.HasErrors() {
		return nil, l.problems
	}
	return c, l.problems
}

func (l *loader) assemble(p *parts) *Config {
	c := &Config{
		Server: l.server(p.server), Agent: l.agent(p.agent), Storage: l.storage(p.storage),
		Alerting: l.alerting(p.alerting), Timezone: l.timezone(p.timezone), Where: map[string]Position{},
	}
	c.Credentials = l.credentials(p.credentials, c.Where)
	c.Notifiers = l.notifiers(p.notifiers, c.Where)
	m := newMonitors(l, c, p)
	m.load(p.monitors)
	m.unused()
	c.Maintenance = l.maintenance(c, p.maintenance, len(c.Monitors) == len(p.monitors))
	if len(p.monitors) == 0 && len(p.files) > 0 && !l.problems.HasErrors() {
		l.warn(Position{p.files[0].name, 1, 1}, "there are no monitors: nothing is watched")
	}
	return c
}
