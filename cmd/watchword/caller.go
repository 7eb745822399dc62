package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/machine"
)

// agentFlags name a running agent, and who asks it.
type agentFlags struct {
	Config       []string `short:"c" sep:"none" placeholder:"FILE" help:"The agent that this configuration describes; by default that of $$WATCHWORD_CONFIG."`
	URL          string   `placeholder:"URL" help:"The agent at this address; by default that of the configuration, else http://127.0.0.1:9640/."`
	User         string   `placeholder:"NAME" help:"Log in as this user of server.auth, with the password in $$WATCHWORD_PASSWORD, that of --password-file, or the one that is asked for."`
	PasswordFile string   `placeholder:"FILE" help:"File with the password of --user in its first line."`
}

// caller asks an agent through its API.
type caller struct {
	place
	client         *http.Client
	user, password string
}

// caller finds the agent, and the password where there is to be one.
func (f *agentFlags) caller(ctx context.Context, s *streams) (*caller, error) {
	at, err := locate(f.URL, f.Config)
	if err != nil {
		return nil, err
	}
	if at.base == "" {
		if at.base, err = f.look(ctx, at.maybe); err != nil {
			return nil, err
		}
	}
	c := &caller{place: at, user: f.User, client: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: at.conf}, // near: no proxy of the environment
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}}
	if f.User == "" && f.PasswordFile != "" {
		return nil, &exitError{2, "watchword: --password-file needs a --user"}
	}
	if f.User != "" {
		c.password, err = f.readPassword(ctx, s)
		if u, bad := url.Parse(at.base); err == nil && bad == nil && u.Scheme == "http" && !machine.IsLoopback(u.Hostname()) {
			fmt.Fprintln(s.err, "watchword: warning: the password goes to the agent in the clear, over http")
		}
	}
	return c, err
}

// look looks for an agent that speaks plain http: one that speaks https cannot be
// told from another without its configuration.
func (f *agentFlags) look(ctx context.Context, addresses []string) (string, error) {
	addresses = slices.Compact(addresses)
	for _, address := range addresses {
		base := "http://" + address
		if agent.Ask(ctx, base, nil) == nil {
			return base, nil
		}
		if agent.AskAt(ctx, address) == nil {
			return "", fmt.Errorf("the agent at %s speaks https: name its configuration with -c, or its address with --url", address)
		}
	}
	return "", notThere(strings.Join(addresses, " or "), errors.New("nobody listens there, or it is no watchword"))
}

func notThere(at string, err error) error {
	return fmt.Errorf("no agent answers at %s: %w; is it running? Name another one with -c FILE or --url URL", at, err)
}

func (f *agentFlags) readPassword(ctx context.Context, s *streams) (string, error) {
	if f.PasswordFile != "" {
		file, err := os.Open(f.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		defer func() { _ = file.Close() }()
		line, err := readLine(file)
		return string(line), err
	}
	if password, set := os.LookupEnv("WATCHWORD_PASSWORD"); set {
		return password, nil
	}
	in, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", &exitError{2, "watchword: --user wants a password: set WATCHWORD_PASSWORD, or name a --password-file"}
	}
	password, err := ask(ctx, in, s.err, "Password: ")
	return string(password), err
}

// call asks the agent for something and reads what it answers into a value, nil
// for nothing.
func (c *caller) call(ctx context.Context, method, path string, body, into any) error {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	switch {
	case err != nil:
		return fmt.Errorf("read the agent's answer: %w", err)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return c.refused(resp, text)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("what answers at %s is no watchword, or a much older one: %w", c.base, err)
	}
	return nil
}

func (c *caller) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var reader io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base, "/")+path, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, notThere(c.base, errors.Unwrap(err)) // the outer one repeats the address
	}
	return resp, nil
}

// refused says why the agent did not do it. Wrong orders and unknown names are
// wrong usage.
func (c *caller) refused(resp *http.Response, text []byte) error {
	var problem struct {
		Detail string   `json:"detail"`
		Errors []string `json:"errors"`
	}
	if bytes.Contains(text, []byte("HTTP request to an HTTPS server")) { // as net/http puts it
		return fmt.Errorf("what answers at %s speaks https: name its configuration with -c FILE, or its address as https:// with --url", c.base)
	}
	if json.Unmarshal(text, &problem) != nil || problem.Detail == "" {
		return fmt.Errorf("what answers at %s is no watchword: it said %s", c.base, resp.Status)
	}
	message := "watchword: the agent refuses: " + problem.Detail
	if len(problem.Errors) > 0 {
		message = "watchword: " + strings.Join(problem.Errors, "\nwatchword: ")
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return &exitError{1, message + "\nwatchword: log in with --user NAME and a password: $WATCHWORD_PASSWORD, --password-file, or typed"}
	case http.StatusUnprocessableEntity, http.StatusNotFound:
		return &exitError{2, message}
	}
	return &exitError{1, message}
}
