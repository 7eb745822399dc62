package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/machine"
)

type healthCommand struct {
	Config []string `short:"c" sep:"none" placeholder:"FILE" help:"Ask the agent that this configuration describes; by default that of $$WATCHWORD_CONFIG."`
	URL    string   `placeholder:"URL" help:"Ask this address; by default that of the configuration, else http://127.0.0.1:9640/."`
}

func (healthCommand) Help() string {
	return `Says whether the agent itself is well, whatever it watches.

Ends with 0 if it is, else with 1.

Examples:

    watchword health
    watchword health -c watchword.yaml
    watchword health --url http://127.0.0.1:9640/`
}

func (c *healthCommand) Run(ctx context.Context, s *streams) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := c.ask(ctx); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "ok")
	return nil
}

// ask asks the agent that is named. A configuration that the environment names
// may be broken by now: the agent runs on with the former and is no worse for
// it, so it is looked for where it may listen.
func (c *healthCommand) ask(ctx context.Context) error {
	at, err := locate(c.URL, c.Config)
	switch {
	case err != nil:
		return err
	case at.base == "":
		return lookFor(ctx, at.maybe...)
	default:
		return askFresh(ctx, at.base, at.conf)
	}
}

// place is where an agent listens.
type place struct {
	base  string      // URL; "": it is one of maybe
	conf  *tls.Config // how to know it over https; nil: as anybody else
	maybe []string    // addresses, as server.listen has them
}

func checkURL(raw string) error {
	if u, err := url.Parse(raw); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &exitError{2, "watchword: --url wants an address such as http://127.0.0.1:9640/"}
	}
	return nil
}

// locate returns where the agent is that a URL or a configuration names, by
// default that of $WATCHWORD_CONFIG. That one may be broken by now: then the agent
// may be at one of several addresses.
func locate(named string, files []string) (place, error) {
	if named != "" {
		return place{base: named}, checkURL(named)
	}
	given := len(files) > 0
	if file := os.Getenv("WATCHWORD_CONFIG"); file != "" && !given {
		files = []string{file}
	}
	cfg, problems := config.Load(files, config.LoadOptions{AllowMissingSecrets: true})
	switch {
	case cfg == nil && !given:
		return place{maybe: []string{config.ListenOf(files), config.DefaultListen()}}, nil
	case cfg == nil:
		return place{}, &exitError{1, problems.String()}
	}
	address := machine.Reachable(cfg.Server.Listen)
	if !cfg.Server.Access.Secure() {
		return place{base: "http://" + address}, nil
	}
	conf, err := knowBy(cfg.Server.Access.TLS.CertFile)
	return place{base: "https://" + address, conf: conf}, err
}

// lookFor asks at each of some addresses, until an agent is well there.
func lookFor(ctx context.Context, addresses ...string) error {
	var errs []error
	for _, address := range slices.Compact(addresses) {
		err := agent.AskAt(ctx, address)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// askFresh asks an agent whose certificate may have been renewed just now: it
// reads the new one when somebody connects, and shows it to those after.
func askFresh(ctx context.Context, base string, conf *tls.Config) error {
	const tries, pause = 4, 100 * time.Millisecond
	for i := 1; ; i++ {
		err := agent.Ask(ctx, base, conf)
		if _, another := errors.AsType[anotherCertificate](err); !another || i == tries {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// anotherCertificate is what makes the answer that of another.
type anotherCertificate struct{}

func (anotherCertificate) Error() string {
	return "what answers there shows another certificate than that of server.tls.cert_file"
}

// knowBy takes the server for the agent if it shows the certificate of the
// file, whatever name that is for and however old it is: it is asked on this
// machine's own address. In the middle of a renewal it may still show the one
// before: then one that the authority in the file has signed is taken.
func knowBy(file string) (*tls.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("server.tls.cert_file: %w", err)
	}
	var own *x509.Certificate
	roots := x509.NewCertPool()
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("server.tls.cert_file %q: %w", file, err)
		}
		if own == nil {
			own = c
		} else {
			roots.AddCert(c)
		}
	}
	if own == nil {
		return nil, fmt.Errorf("server.tls.cert_file: there is no certificate (PEM) in %q", file)
	}
	verify := func(s tls.ConnectionState) error {
		leaf := s.PeerCertificates[0] // TLS servers always show one
		if bytes.Equal(leaf.RawSubjectPublicKeyInfo, own.RawSubjectPublicKeyInfo) {
			return nil
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots}); err != nil {
			return anotherCertificate{}
		}
		return nil
	}
	// What is skipped is the name and the system's roots; verify does the rest.
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: verify, MinVersion: tls.VersionTLS12}, nil
}
