package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/config"
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
	base, conf, err := c.target()
	if err != nil {
		return err
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &exitError{2, "watchword: --url wants an address such as http://127.0.0.1:9640/"}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("ask %q: %w", base, err)
	}
	// RoundTrip follows no redirect: a sign-in page that answers 200 is not the
	// agent. The agent is near: no proxy of the environment stands between.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: conf}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the agent does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the agent answered %s", resp.Status)
	}
	fmt.Fprintln(s.out, "ok")
	return nil
}

// target returns whom to ask and, for https of an agent that is configured, how
// to know it. A configuration that the environment names may be broken by now:
// the agent runs on with the former and is no worse for it, so it is looked for
// where it listens by itself.
func (c *healthCommand) target() (string, *tls.Config, error) {
	if c.URL != "" {
		return c.URL, nil, nil
	}
	files := c.Config
	if file := os.Getenv("WATCHWORD_CONFIG"); file != "" && len(files) == 0 {
		files = []string{file}
	}
	cfg, problems := config.Load(files, config.LoadOptions{AllowMissingSecrets: true})
	switch {
	case cfg == nil && len(c.Config) == 0:
		return "http://" + reachable(config.DefaultListen()), nil, nil
	case cfg == nil:
		return "", nil, &exitError{1, problems.String()}
	}
	address := reachable(cfg.Server.Listen)
	if !cfg.Server.Access.Secure() {
		return "http://" + address, nil, nil
	}
	conf, err := knowBy(cfg.Server.Access.TLS.CertFile)
	return "https://" + address, conf, err
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
			return errors.New("what answers there shows another certificate than that of server.tls.cert_file")
		}
		return nil
	}
	// What is skipped is the name and the system's roots; verify does the rest.
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: verify, MinVersion: tls.VersionTLS12}, nil
}

// reachable turns an address to listen on into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
