package agent_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// Whatever hangs, the agent is gone within 10 s; that nothing of it is left is
// asserted at the end of all tests.
func TestStopsWhileAllHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("door", lab.ClientID, "") + w.credential("mute", lab.ClientID+"-post", ", auth_method: client_secret_post, timeout: 20s"))
	fmt.Fprintf(&y, "notifiers:\n  hook: {type: webhook, url: \"%s/hook/a\", timeout: 60s}\n", w.ControlURL())
	y.WriteString("defaults: {interval: 60s, timeout: 50s, retries: 0}\nmonitors:\n")
	fmt.Fprintf(&y, "  - {name: fails, url: \"%s/status/500\", interval: 1s, timeout: 800ms}\n", w.ApplicationURL())
	for i := range 40 {
		fmt.Fprintf(&y, "  - {name: H%d, url: \"%s/hang?%d\", interval: 2s, timeout: 1900ms}\n", i, w.ApplicationURL(), i)
	}
	file := filepath.Join(dir, "watch.yaml")
	fmt.Fprintf(&y, "  - {name: silent, url: \"%s/\", interval: 2s, timeout: 1900ms, credential: mute}\n", w.GatewayURL())
	save(t, file, y.String())
	w.flip("provider-hang", true)
	w.chat.Fail("webhook", lab.ChatMode{Do: lab.ChatHang})
	a := start(t, file)
	until(t, 20*time.Second, "probes and webhook hang", func() bool {
		return w.Application.Runs("/hang") >= 40 && w.chat.Requests("webhook") > 0
	})
	begin := time.Now()
	if err := a.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	t.Logf("stopped in %s", time.Since(begin).Round(time.Millisecond))
}
