package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/config"
)

type healthCommand struct {
	Config []string `short:"c" sep:"none" placeholder:"FILE" help:"Ask the agent that this configuration describes."`
	URL    string   `placeholder:"URL" help:"Ask this address; by default http://127.0.0.1:9640/."`
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
	base := c.URL
	if base == "" {
		listen := "127.0.0.1:9640"
		if len(c.Config) > 0 {
			cfg, problems := config.Load(c.Config, config.LoadOptions{AllowMissingSecrets: true})
			if cfg == nil {
				return &exitError{1, problems.String()}
			}
			listen = cfg.Server.Listen
		}
		base = "http://" + reachable(listen)
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
	transport := &http.Transport{DisableKeepAlives: true}
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
