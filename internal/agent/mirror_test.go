package agent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// pushes is an Uptime Kuma that notes what it is told: "TOKEN status msg".
type pushes struct {
	*httptest.Server
	mu   sync.Mutex
	all  []string
	hang bool
}

func newPushes(t *testing.T) *pushes {
	p := &pushes{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		hang := p.hang
		if !hang {
			q := r.URL.Query()
			p.all = append(p.all, strings.TrimPrefix(r.URL.Path, "/api/push/")+" "+q.Get("status")+" "+q.Get("msg"))
		}
		p.mu.Unlock()
		if hang {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"ok":true}`)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pushes) took(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.all, func(s string) bool { return strings.HasPrefix(s, what) })
}

func (p *pushes) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

// TestMirrorsIntoUptimeKuma has monitors told to an Uptime Kuma, one of them only
// after a reload, beside another one that hangs.
func TestMirrorsIntoUptimeKuma(t *testing.T) {
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	kuma, stuck := newPushes(t), newPushes(t)
	stuck.hang = true
	const token, other = "tokenAAAAAAAAAAAAAAAAAAAAAAAAAAA", "tokenBBBBBBBBBBBBBBBBBBBBBBBBBBB"
	t.Setenv("KUMA_TOKEN", token)
	t.Setenv("OTHER_TOKEN", other)
	dir := t.TempDir()
	file := filepath.Join(dir, "w.yaml")
	text := head(dir) + "defaults: {interval: 1s, retries: 0}\nmonitors:\n" +
		fmt.Sprintf("  - {name: One, url: %q}\n  - {name: Two, url: %q}\n", w.ApplicationURL()+"/m/one", w.ApplicationURL()+"/m/two") +
		fmt.Sprintf("exporters:\n  kuma_push:\n    - {url: %q, tokens: {one: \"${KUMA_TOKEN}\"}}\n", stuck.URL) +
		fmt.Sprintf("    - url: %q\n      tokens:\n        one: ${KUMA_TOKEN}\n", kuma.URL)
	save(t, file, text)
	a := start(t, file)
	until(t, 15*time.Second, "Kuma hears that One is up", func() bool { return kuma.took(token + " up 200 - OK") })
	w.Application.SetFailing("/m/one", true)
	until(t, 10*time.Second, "Kuma hears that One is down", func() bool { return kuma.took(token + " down ") })
	if kuma.took(other) {
		t.Error("Kuma was told of a monitor that is not named")
	}
	save(t, file, text+"        two: ${OTHER_TOKEN}\n")
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	until(t, 10*time.Second, "Kuma hears that Two is up", func() bool { return kuma.took(other + " up ") })
	if code, body := a.ask(http.MethodPost, "/api/v1/monitors/two/pause"); code >= 300 {
		t.Fatalf("pause: %d %s", code, body)
	}
	until(t, 5*time.Second, "Kuma hears that Two is paused", func() bool { return kuma.took(other + " up paused") })
	until(t, 5*time.Second, "the attempts are counted", func() bool {
		return a.counted("watchword_export_attempts_total", `result="ok"`) == float64(kuma.count())
	})
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	if log := a.log.String(); strings.Contains(log, token) || strings.Contains(log, other) {
		t.Error("the log holds a token")
	}
}
