package agent_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
)

// failure is one way for the small world to break, and what is to be said.
type failure struct {
	name, by      string // by: the switch
	class, reason string
	cause         check.CauseKind
	atStart       bool   // it is broken before the agent begins
	credential    string // more of it
	nudge         bool   // a token that was issued meanwhile stays wrong: its replacement waits for a minute, or for a reload
	w             *world
	a             *watch
}

func failures() []*failure {
	return []*failure{
		{name: "provider-down", class: "idp", reason: "token_unreachable", cause: check.CauseProvider},
		{name: "provider-down-at-start", by: "provider-down", class: "idp", reason: "token_unreachable", cause: check.CauseProvider, atStart: true},
		{name: "provider-502", class: "idp", reason: "token_server_error", cause: check.CauseProvider, atStart: true},
		{name: "provider-hang", class: "idp", reason: "token_timeout", cause: check.CauseProvider, atStart: true},
		{name: "token-malformed", class: "idp", reason: "token_malformed", cause: check.CauseProvider, atStart: true},
		{name: "rate-limited", class: "idp", reason: "token_rate_limited", cause: check.CauseProvider, nudge: true},
		{name: "secret-rotated", class: "credential", reason: "client_rejected", cause: check.CauseCredential},
		{name: "scope-withdrawn", class: "credential", reason: "scope_rejected", cause: check.CauseCredential},
		{name: "audience-wrong", class: "gateway", reason: "token_rejected", cause: check.CauseGate, nudge: true},
		{name: "audience-asked", by: "audience-wrong", class: "credential", reason: "audience_rejected", cause: check.CauseCredential, credential: "audience"},
		{name: "tokens-refused", class: "gateway", reason: "token_rejected", cause: check.CauseGate},
		{name: "policy-deny", class: "policy", reason: "forbidden", cause: check.CauseMonitor},
		{name: "second-factor", class: "policy", reason: "second_factor_required", cause: check.CauseMonitor},
		{name: "gateway-down", class: "network", reason: "connect", cause: check.CauseAddress},
		{name: "app-down", class: "target", reason: "gateway_error", cause: check.CauseGate},
		{name: "app-500", class: "target", reason: "status", cause: check.CauseMonitor},
		{name: "app-hang", class: "network", reason: "timeout", cause: check.CauseAddress},
		{name: "app-reset", class: "network", reason: "reset", cause: check.CauseAddress},
		{name: "keyword-gone", class: "content", reason: "keyword_missing", cause: check.CauseMonitor},
		{name: "login-page", class: "gateway", reason: "login_page", cause: check.CauseGate},
	}
}

const members = 4

func (f *failure) start(t *testing.T) {
	t.Helper()
	if f.by == "" {
		f.by = f.name
	}
	f.w = newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	var y strings.Builder
	extra := ", timeout: 700ms"
	if f.credential == "audience" {
		extra += fmt.Sprintf(", audience: [%q]", f.w.GatewayURL()+"/")
	}
	y.WriteString(head(dir) + "credentials:\n" + f.w.credential("door", lab.ClientID, extra))
	fmt.Fprintf(&y, "notifiers:\n  chat: {type: slack, webhook_url: %q}\n", f.w.slack())
	fmt.Fprintf(&y, "defaults: {interval: 2s, timeout: 1500ms, retries: 1, retry_interval: 1s, credential: door, expect: {keyword: %s}}\nmonitors:\n", lab.DefaultKeyword)
	for i := range members {
		fmt.Fprintf(&y, "  - {name: Page %d, url: \"%s/m/%d\"}\n", i, f.w.GatewayURL(), i)
	}
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, y.String())
	if f.atStart {
		f.w.flip(f.by, true)
	}
	f.a = start(t, file)
}

// key is how the cause is named.
func (f *failure) key() string {
	switch f.cause {
	case check.CauseProvider:
		return f.w.ProviderURL()
	case check.CauseCredential, check.CauseGate:
		return "door"
	default:
		return strings.TrimPrefix(f.w.GatewayURL(), "http://")
	}
}

// Each failure of the small world is named rightly, a shared one is told once
// for all, and once more when it is over.
func TestEachFailureIsNamedAndToldOnce(t *testing.T) {
	all := failures()
	for _, f := range all {
		f.start(t)
	}
	for _, f := range all {
		if !f.atStart {
			until(t, 20*time.Second, f.name+": all up at first", func() bool { return f.a.all("up") })
		}
	}
	for _, f := range all {
		f.w.flip(f.by, true)
	}
	for _, f := range all {
		until(t, 20*time.Second, f.name+": all down", func() bool { return f.a.all("down") })
		until(t, 20*time.Second, f.name+": somebody is told", func() bool { return f.w.said("[Down]") > 0 })
	}
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) { f.checkDown(t) })
	}
	for _, f := range all {
		f.w.flip(f.by, false)
		if f.nudge {
			if code, body := f.a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
				t.Errorf("%s: reload: %d %s", f.name, code, body)
			}
		}
	}
	for _, f := range all {
		until(t, 40*time.Second, f.name+": all up again", func() bool { return f.a.all("up") })
		until(t, 20*time.Second, f.name+": it is told", func() bool { return f.w.said("[Up]") > 0 })
	}
	for _, f := range all {
		t.Run(f.name+"-mended", func(t *testing.T) { f.checkUp(t) })
	}
}

func (f *failure) checkDown(t *testing.T) {
	for id, m := range f.a.monitors() {
		if m.Fault == nil || string(m.Fault.Class) != f.class || string(m.Fault.Reason) != f.reason {
			t.Errorf("%s fails with %+v, want %s/%s", id, m.Fault, f.class, f.reason)
			continue
		}
		if m.Fault.Message == "" || m.Fault.Hint == "" {
			t.Errorf("%s: message %q, hint %q: want both", id, m.Fault.Message, m.Fault.Hint)
		}
	}
	is := f.a.incidents("open")
	if f.cause == check.CauseMonitor {
		if len(is) != members {
			t.Errorf("%d incidents, want one for each monitor", len(is))
		}
		return
	}
	if len(is) != 1 || len(is[0].Monitors) != members || is[0].Cause != (check.Cause{Kind: f.cause, Key: f.key()}) {
		t.Errorf("incidents %+v, want one of %s %s with %d monitors", is, f.cause, f.key(), members)
	}
	if n := f.w.said("[Down]"); n != 1 {
		t.Errorf("%d messages, want one: %s", n, f.w.texts())
	}
}

func (f *failure) checkUp(t *testing.T) {
	if is := f.a.incidents("open"); len(is) > 0 {
		t.Errorf("still open: %+v", is)
	}
	if f.cause == check.CauseMonitor {
		return
	}
	if down, up := f.w.said("[Down]"), f.w.said("[Up]"); down != 1 || up != 1 {
		t.Errorf("%d Down and %d Up, want one of each: %s", down, up, f.w.texts())
	}
	if ps := f.w.chat.Problems(); len(ps) > 0 {
		t.Errorf("messages break the service's limits: %s", ps)
	}
}
