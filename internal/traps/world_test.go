package traps_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// provider is a token endpoint that answers as it is told.
type provider struct {
	*httptest.Server
	asked atomic.Int64
}

func newProvider(t *testing.T, answer http.HandlerFunc) *provider {
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// says is a provider that gives one answer.
func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func grants(body string) http.HandlerFunc { return says(http.StatusOK, "application/json", body) }

// page is a target that answers as it is told.
func page(t *testing.T, answer http.HandlerFunc) string {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

// gate lets in who sends the token.
func gate(token string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "ALL-SYSTEMS-GO")
	}
}

// load loads a configuration, which may be refused.
func load(t *testing.T, yaml string) (*config.Config, config.Problems) {
	file := filepath.Join(t.TempDir(), "w.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load([]string{file}, config.LoadOptions{})
}

// probe runs the one monitor of a configuration so often, one run after the
// other, and returns what was found.
func probe(t *testing.T, runs int, yaml string) []check.Result {
	cfg, problems := load(t, yaml)
	if cfg == nil {
		t.Fatal(problems)
	}
	o, err := agent.NewOnce(cfg, agent.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var all []check.Result
	for range runs {
		if err := o.Probe(t.Context(), nil, func(r check.Result) { all = append(all, r) }); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) != runs {
		t.Fatalf("%d results of %d runs", len(all), runs)
	}
	return all
}

// behind is the configuration of a monitor behind a gate.
func behind(tokenURL, url, more string) string {
	return fmt.Sprintf(`
credentials:
  door: {token_url: %q, client_id: kuma, client_secret: s3cret-of-the-client}
monitors:
  - {name: Page, url: %q, credential: door, %s}
`, tokenURL, url, more)
}

// verdict is class/reason of a result, "up" without a fault.
func verdict(r check.Result) string {
	if r.Fault == nil {
		return "up"
	}
	return string(r.Fault.Class) + "/" + string(r.Fault.Reason)
}

// expect compares a verdict and looks for words in the message or the hint.
func expect(t *testing.T, r check.Result, want string, words ...string) {
	t.Helper()
	if got := verdict(r); got != want {
		t.Errorf("got %s (%+v), want %s", got, r.Fault, want)
		return
	}
	for _, w := range words {
		if w != "" && !strings.Contains(r.Fault.Message+" "+r.Fault.Hint, w) {
			t.Errorf("%s: %q lacks %q", want, r.Fault.Message+" "+r.Fault.Hint, w)
		}
	}
}
