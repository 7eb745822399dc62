package agent_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// A label that comes later is on the metrics of its monitor after a reload, and
// takes no series away. The group is one, and values keep their dots.
func TestALabelThatComesLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	config := func(labels string) string {
		return head(dir) + "monitors:\n  - {name: page, group: Core, interval: 1s, url: \"" + w.ApplicationURL() + "/?token=in-the-query\"" + labels + "}\n"
	}
	save(t, file, config(""))
	a := start(t, file)
	until(t, 10*time.Second, "it is up", func() bool { return a.states()["up"] == 1 })
	save(t, file, config(", labels: {region: eu-west.1}"))
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	_, text := a.ask(http.MethodGet, "/metrics")
	for _, want := range []string{`region="eu-west.1"`, `group="Core"`, `watchword_monitor_status{monitor="page"} 1`, `watchword_probe_success{monitor="page"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "in-the-query") {
		t.Error("the query of a URL is in the metrics")
	}
}
