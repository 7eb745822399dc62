package exporters

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// UptimeKuma is the value of metrics.compat for the names that Uptime Kuma gives
// its metrics.
const UptimeKuma = "uptime-kuma"

// What a monitor that fails and is not down yet is told as.
const (
	pendingUp   = "up"
	pendingDown = "down"
	pendingSkip = "skip"
)

const (
	tokenPattern  = `^[A-Za-z0-9_-]{1,128}$`
	leastInterval = time.Second
)

// KumaPushOptions is one entry under `exporters.kuma_push`: one Uptime Kuma.
type KumaPushOptions struct {
	// The address of Uptime Kuma, such as https://kuma.example.com/, without
	// /api/push/.
	URL string `koanf:"url"`
	// The id of each monitor that is told of, and the token of its push monitor: what
	// stands between /api/push/ and the question mark in the push URL that Kuma shows.
	Tokens map[string]secret.Text `koanf:"tokens"`
	// How often the state is told again while it stays the same, at least 1s. It has
	// to be below the heartbeat interval of the push monitor, 60 s unless it was
	// changed in Kuma: better half of it, so that one request may be lost.
	Interval time.Duration `koanf:"interval"`
	// How long one request may take.
	Timeout time.Duration `koanf:"timeout"`
	// What a monitor that fails and has retries left is told as: Kuma's push monitors
	// know up and down alone. skip: nothing is told until the monitor is up or down.
	Pending string `koanf:"pending"`
	// How the connection is secured.
	TLS transport.TLS `koanf:"tls"`
	// The proxy to go through, as that of a monitor. Default: none.
	ProxyURL secret.Text `koanf:"proxy_url"`
	// Whom to ask without the proxy, as of a monitor. Default: nobody.
	NoProxy []string `koanf:"no_proxy"`
}

// DefaultKumaPushOptions returns what holds where the configuration is silent.
func DefaultKumaPushOptions() KumaPushOptions {
	return KumaPushOptions{Interval: 30 * time.Second, Timeout: 10 * time.Second, Pending: pendingUp}
}

// KumaPushKeys says what the Go types of KumaPushOptions do not.
func KumaPushKeys() []check.Key {
	return []check.Key{
		{Path: "url", Required: true, Pattern: check.WebURL}, {Path: "tokens", Required: true},
		{Path: "pending", Enum: pendings()},
	}
}

// Compats are the values of metrics.compat.
func Compats() []string { return []string{UptimeKuma} }

func pendings() []string { return []string{pendingUp, pendingDown, pendingSkip} }

// problems gathers what is wrong.
type problems []check.Problem

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, check.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// CheckKumaPush returns what is wrong with one entry under
// `exporters.kuma_push`. It sends nothing and repeats no token. That its monitors
// exist is for whoever knows them.
func CheckKumaPush(o KumaPushOptions) []check.Problem {
	var p problems
	p.address(o.URL)
	if o.Interval < leastInterval {
		p.add("interval", "at least 1s is wanted")
	}
	switch {
	case o.Timeout <= 0:
		p.add("timeout", "more than 0 is wanted")
	case o.Timeout > o.Interval && o.Interval >= leastInterval:
		p.add("timeout", "%s is longer than the interval of %s, after which the state is told again", o.Timeout, o.Interval)
	}
	if !slices.Contains(pendings(), o.Pending) {
		p.add("pending", "%q is none of %s", o.Pending, strings.Join(pendings(), ", "))
	}
	if len(o.Tokens) == 0 {
		p.add("tokens", "no monitor is named: write ID: TOKEN for each")
	}
	p.tokens(o.Tokens)
	return append(p, transport.Check(o.Transport())...)
}

func (p *problems) address(raw string) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		p.add("url", "is required: the address of Uptime Kuma, such as https://kuma.example.com/")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		p.add("url", "must be an absolute http or https URL")
	case strings.Contains(u.Path, "/api/push"):
		p.add("url", "the address of Uptime Kuma is wanted, without /api/push/ and what follows: the token stands under tokens")
	case u.RawQuery != "" || u.Fragment != "":
		p.add("url", "the address of Uptime Kuma is wanted, without a query or fragment")
	}
}

func (p *problems) tokens(tokens map[string]secret.Text) {
	form := regexp.MustCompile(tokenPattern)
	of := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(tokens)) {
		token, err := reveal(tokens[id])
		if err != nil { // whoever checks secrets says so
			continue
		}
		switch other := of[token]; {
		case token == "":
			p.add("tokens."+id, "the token is empty")
		case strings.ContainsAny(token, "/?"):
			p.add("tokens."+id, "the token alone is wanted, not the push URL: what stands between /api/push/ and the question mark")
		case !form.MatchString(token):
			p.add("tokens."+id, "a token of Uptime Kuma holds letters, digits, - and _ alone")
		case other != "":
			p.add("tokens."+id, "this is the token of %q as well: each monitor needs a push monitor of its own", other)
		}
		of[token] = id
	}
}

// reveal reads a token as it is now.
func reveal(t secret.Text) (string, error) {
	token, err := t.Reveal()
	return strings.TrimSpace(token), err
}

// Transport returns the options of the connections to Uptime Kuma: they are
// kept, for they go to one host every few seconds.
func (o KumaPushOptions) Transport() transport.Options {
	return transport.Options{TLS: o.TLS, Reuse: true, Proxy: o.ProxyURL, NoProxy: o.NoProxy}
}
