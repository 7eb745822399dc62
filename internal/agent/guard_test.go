package agent_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/lab"
)

// guardYAML watches the gate of a world with a guard and a monitor that is let
// in by the same credential that the guard borrows.
func guardYAML(w *world, dir, more string) string {
	var y strings.Builder
	y.WriteString(head(dir))
	y.WriteString("credentials:\n" + w.credential("door", lab.ClientID, ""))
	fmt.Fprintf(&y, "notifiers:\n  chat: {type: slack, webhook_url: %q}\n", w.slack())
	fmt.Fprintf(&y, "monitors:\n  - {name: Page, url: \"%s/m/1\", credential: door, interval: 1s, retries: 0}\n", w.GatewayURL())
	fmt.Fprintf(&y, "  - {name: Gate is shut, type: guard, url: \"%s/m/1\", interval: 1s, retries: 9, expect: {absent: %s}%s}\n", w.GatewayURL(), lab.DefaultKeyword, more)
	return y.String()
}

// An open gate is told at once, whatever the retries, shows everywhere as what
// it is, and is over when the gate is shut.
func TestAnOpenGateIsToldAtOnce(t *testing.T) {
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, strings.Replace(guardYAML(w, dir, ""), "group_wait: 500ms", "group_wait: 1h", 1))
	a := start(t, file)
	until(t, 10*time.Second, "all up at first", func() bool { return a.all("up") })
	w.flip("gateway-open", true)
	until(t, 10*time.Second, "it is told", func() bool { return w.said("[Exposed] Gate is shut") == 1 })
	m := a.monitors()["gate-is-shut"]
	if m.Status != check.Exposed || m.Type != "guard" || m.Fault == nil || m.Fault.Reason != check.AnonymousAccess || m.Fault.Hint == "" {
		t.Errorf("shown as %s, %s: %+v", m.Type, m.Status, m.Fault)
	}
	if v, ok := a.metric(`watchword_monitor_status{monitor="gate-is-shut"}`); !ok || v != 0 {
		t.Errorf("status %v", v)
	}
	if v, ok := a.metric(`watchword_monitor_fault{monitor="gate-is-shut",class="exposed",reason="anonymous_access"}`); !ok || v != 1 {
		t.Errorf("fault %v", v)
	}
	if _, page := a.ask(http.MethodGet, "/"); !strings.Contains(page, "Exposed") || !strings.Contains(page, "is open to strangers") {
		t.Error("the page does not say so")
	}
	if is := a.incidents("open"); len(is) != 1 || is[0].Class != check.ExposedTo || is[0].Cause != (check.Cause{Kind: check.CauseMonitor, Key: "gate-is-shut"}) {
		t.Errorf("incidents %+v", is)
	}
	w.flip("gateway-open", false)
	until(t, 10*time.Second, "all up again", func() bool { return a.all("up") })
	during(t, time.Second, "one message", func() bool { return w.said("[Exposed]") == 1 })
	for _, text := range append(w.texts(), a.log.String()) {
		if strings.Contains(text, lab.DefaultKeyword) || strings.Contains(text, "authelia_at_") {
			t.Errorf("what stands behind the gate is told: %s", text)
		}
	}
}

// A guard borrows the token that others use, is refused with it again and again,
// and it stays.
func TestAGuardReplacesNoToken(t *testing.T) {
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	w.Access.SetPolicy("/closed", lab.Deny)
	w.Access.SetPolicy("/m/1", lab.OneFactor)
	y := guardYAML(w, dir, ", try: [anonymous, garbage, expired, foreign, door], bypass_urls: [\"http://127.0.0.1:1/\"]")
	save(t, file, strings.Replace(y, "type: guard, url: \""+w.GatewayURL()+"/m/1", "type: guard, url: \""+w.GatewayURL()+"/closed", 1))
	cfg, problems := config.Load([]string{file}, config.LoadOptions{})
	if cfg == nil {
		t.Fatal(problems)
	}
	o, err := agent.NewOnce(cfg, agent.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for range 50 {
		if err := o.Probe(t.Context(), nil, func(r check.Result) {
			if r.Fault != nil {
				t.Errorf("%s: %+v", r.Monitor.Name, r.Fault)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.Provider.TokenRequests(); n != 1 {
		t.Errorf("%d token requests, want one for all", n)
	}
	if n := w.Access.Counts()["forbidden"]; n < 50*2 {
		t.Errorf("the token was refused %d times: nothing was tested", n)
	}
}

// A changed credential is another one for all who use it, by credential or by try.
func TestAGuardFollowsItsCredentials(t *testing.T) {
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	more := ", try: [door]"
	save(t, file, strings.Replace(guardYAML(w, dir, more), lab.ClientSecret, "wrong", 1))
	a := start(t, file)
	until(t, 10*time.Second, "no token", func() bool {
		m := a.monitors()["gate-is-shut"]
		return m.Fault != nil && m.Fault.Reason == check.ClientRejected && m.Status == check.Pending
	})
	save(t, file, guardYAML(w, dir, more))
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	until(t, 20*time.Second, "it got in", func() bool {
		m := a.monitors()
		return m["page"].Status == check.Up && m["gate-is-shut"].Status == check.Exposed && m["gate-is-shut"].Fault.Reason == check.WrongCredentialAccepted
	})
}
