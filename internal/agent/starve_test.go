package agent_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// Targets that hang and a webhook that hangs take nothing from the others. It
// counts what arrives, so it does not run beside other tests.
func TestHungTargetsStarveNobody(t *testing.T) {
	const healthy, hung = 400, 50
	const window, every = 20 * time.Second, 2 * time.Second
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	w.chat.Fail("webhook", lab.ChatMode{Do: lab.ChatHang})
	dir := t.TempDir()
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("lab", lab.ClientID, ""))
	fmt.Fprintf(&y, "notifiers:\n  hook: {type: webhook, url: \"%s/hook/a\"}\n", w.ControlURL())
	fmt.Fprintf(&y, "defaults: {interval: 2s, retry_interval: 2s, credential: lab, expect: {keyword: %s}}\nmonitors:\n", lab.DefaultKeyword)
	for i := range healthy {
		fmt.Fprintf(&y, "  - {name: M%d, url: \"%s/m/%d\"}\n", i, w.GatewayURL(), i)
	}
	for i := range hung { // at the same gate, and bound by the longest default timeout
		fmt.Fprintf(&y, "  - {name: H%d, url: \"%s/hang?%d\", interval: 12s, retries: 0}\n", i, w.GatewayURL(), i)
	}
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, y.String())
	a := start(t, file)
	until(t, 30*time.Second, "all healthy ones up", func() bool { return a.states()["up"] == healthy })
	until(t, 30*time.Second, "the webhook is asked and hangs", func() bool { return w.chat.Requests("webhook") > 0 })
	before := w.Application.Visits("/m/")
	from := time.Now()
	during(t, window, "the agent answers", func() bool { code, _ := a.ask("GET", "/healthz"); return code == 200 })
	took := time.Since(from)
	after := w.Application.Visits("/m/")
	sum, least := 0, 1<<30
	for path := range before {
		got := after[path].Runs - before[path].Runs
		sum, least = sum+got, min(least, got)
	}
	due := took.Seconds() / every.Seconds()
	share := float64(sum) / (healthy * due)
	t.Logf("%d runs in %s: %.2f %% of those due, the least served monitor had %d", sum, took.Round(time.Millisecond), 100*share, least)
	if share < 0.99 {
		t.Errorf("healthy monitors got %.2f %% of their runs, want at least 99 %%", 100*share)
	}
	if want := int(due) - 1; least < want {
		t.Errorf("one monitor had %d runs in %s, want at least %d", least, took, want)
	}
	if got := a.states()["down"]; got == 0 {
		t.Error("none of the hung ones is down")
	}
	stopping := time.Now()
	if err := a.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	t.Logf("stopped in %s, with probes and a webhook that hang", time.Since(stopping).Round(time.Millisecond))
}
