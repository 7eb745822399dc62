package agent

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/machine"
)

// Ask asks the agent at base, a URL, whether it is well. conf says how to know
// it over https, nil: as anybody else. It is near: no proxy of the environment
// stands between, and no redirect is followed, as a sign-in page is not the
// agent.
func Ask(ctx context.Context, base string, conf *tls.Config) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %q: %w", base, err)
	}
	t := &http.Transport{DisableKeepAlives: true, TLSClientConfig: conf}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the agent does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the agent answered %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16))
	if err != nil || string(body) != "ok\n" {
		return fmt.Errorf("what answers at %s is no watchword", base)
	}
	return nil
}

// AskAt asks whoever listens at address, as server.listen has it, over http and
// over https. It does so without trust, and for at most 2 seconds: nothing is
// told, and a secret is not needed to be well.
func AskAt(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	at := machine.Reachable(address)
	plain := Ask(ctx, "http://"+at, nil)
	if plain == nil {
		return nil
	}
	if Ask(ctx, "https://"+at, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) == nil {
		return nil
	}
	return plain
}
