package agent_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/lab"
)

// A guard whose gate has nobody to ask belongs to the incident of the provider,
// without ever having a token.
func TestAGuardJoinsItsProvider(t *testing.T) {
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	guard := fmt.Sprintf("  - {name: Gate is shut, type: guard, url: \"%s/m/0\", try: [anonymous], expect: {absent: %s}}\n", w.GatewayURL(), lab.DefaultKeyword)
	save(t, file, gatesYAML(w, dir, w.authzURL(), "")+guard)
	a := start(t, file)
	until(t, 20*time.Second, "all up at first", func() bool { return a.all("up") })
	w.flip("provider-down", true)
	until(t, 30*time.Second, "all down", func() bool { return a.all("down") })
	is := a.incidents("open")
	if len(is) != 1 || is[0].Cause != (check.Cause{Kind: check.CauseProvider, Key: w.ProviderURL()}) || !slices.Contains(is[0].Monitors, "gate-is-shut") {
		t.Fatalf("incidents %+v", is)
	}
	if f := a.monitors()["gate-is-shut"].Fault; f == nil || f.Reason != check.TokenUnreachable || !strings.Contains(f.Message, "does not say whether it is shut") {
		t.Errorf("fault %+v", f)
	}
	w.flip("provider-down", false)
	until(t, 60*time.Second, "all up again", func() bool { return a.all("up") })
}

// Forged tokens name the issuer as the provider calls itself, with its path.
func TestAGuardForgesForTheWholeIssuer(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if parts := strings.Split(r.Header.Get("Authorization"), "."); len(parts) == 3 {
			var c struct{ Iss string }
			text, _ := base64.RawURLEncoding.DecodeString(parts[1])
			if err := json.Unmarshal(text, &c); err != nil {
				t.Error(err)
			}
			mu.Lock()
			seen = append(seen, c.Iss)
			mu.Unlock()
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer gate.Close()
	issuers := func(paths ...string) string {
		var y strings.Builder
		for i, p := range paths {
			fmt.Fprintf(&y, "  - {name: Issuer %d, type: issuer, url: \"%s%s\"}\n", i, gate.URL, p)
		}
		return y.String()
	}
	for name, tc := range map[string]struct{ place, more, want string }{
		"issuer":               {"issuer: \"" + gate.URL + "/realms/main\"", "", gate.URL + "/realms/main"},
		"token_url alone":      {"token_url: \"" + gate.URL + "/token\"", "", gate.URL},
		"an issuer monitor":    {"token_url: \"" + gate.URL + "/token\"", issuers("/realms/one"), gate.URL + "/realms/one"},
		"two issuer monitors":  {"token_url: \"" + gate.URL + "/token\"", issuers("/realms/one", "/realms/two"), gate.URL},
		"issuer comes first":   {"issuer: \"" + gate.URL + "/realms/main\"", issuers("/realms/one"), gate.URL + "/realms/main"},
		"a monitor of another": {"token_url: \"http://127.0.0.1:1/token\"", issuers("/realms/one"), "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			seen = nil
			dir := t.TempDir()
			file := filepath.Join(dir, "watch.yaml")
			save(t, file, head(dir)+fmt.Sprintf("credentials:\n  door: {%s, client_id: x, client_secret: some-secret}\nmonitors:\n  - {name: Shut, type: guard, url: %q, try: [foreign, expired]}\n%s", tc.place, gate.URL+"/", tc.more))
			cfg, problems := config.Load([]string{file}, config.LoadOptions{})
			if cfg == nil {
				t.Fatal(problems)
			}
			o, err := agent.NewOnce(cfg, agent.Options{Version: "test"})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			if err := o.Probe(t.Context(), nil, func(check.Result) {}); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if slices.Sort(seen); len(seen) != 5 || len(slices.Compact(slices.Clone(seen))) != 1 || seen[0] != tc.want {
				t.Errorf("issuers %q, want 5 times %q", seen, tc.want)
			}
		})
	}
}
