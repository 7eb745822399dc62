package agent_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// family is the YAML of a gateway and three monitors that depend on it. All of
// them fail by themselves: without depends_on these are four causes.
func (w *world) family(dir, interval string) string {
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("door", lab.ClientID, ""))
	fmt.Fprintf(&y, "notifiers:\n  chat: {type: slack, webhook_url: %q}\n", w.slack())
	fmt.Fprintf(&y, "defaults: {interval: 2s, timeout: 1900ms, retries: 0, credential: door, expect: {keyword: %s}}\nmonitors:\n", lab.DefaultKeyword)
	fmt.Fprintf(&y, "  - {name: gateway, interval: %s, url: \"%s/m/gateway\"}\n", interval, w.GatewayURL())
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&y, "  - {name: %s, depends_on: gateway, url: \"%s/m/%s\"}\n", name, w.GatewayURL(), name)
	}
	return y.String()
}

func (w *world) fails(on bool, names ...string) {
	for _, name := range names {
		w.Application.SetFailing("/m/"+name, on)
	}
}

// held says whether exactly these monitors are held by the gateway.
func (w *watch) held(names ...string) bool {
	var found []string
	for id, m := range w.monitors() {
		if slices.Equal(m.HeldBy, []string{"gateway"}) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return slices.Equal(found, names)
}

// A gateway that fails takes what is behind it along: one message. Uptime Kuma
// tells of a group and of each of its members. Nor is the gateway's own turn
// waited for, which is a minute away.
func TestAGatewayThatFailsIsOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.family(dir, "10m"))
	w.fails(true, "c") // so the gateway is run at the start, and not within a minute
	a := start(t, file)
	until(t, 10*time.Second, "it passed", func() bool { return w.said("[Down] c") == 1 })
	w.fails(false, "c")
	until(t, 10*time.Second, "all up", func() bool { return w.said("[Up] c") == 1 && a.all("up") && len(a.incidents("open")) == 0 })
	before, runs := len(w.texts()), w.Application.Runs("/m/gateway")
	w.fails(true, "gateway", "a", "b", "c")
	until(t, 10*time.Second, "the gateway is told", func() bool { return w.said("[Down] gateway") == 1 })
	until(t, 10*time.Second, "the others are held", func() bool { return a.held("a", "b", "c") })
	during(t, 3*time.Second, "nothing else is told", func() bool { return len(w.texts()) == before+1 && a.held("a", "b", "c") })
	if n := w.Application.Runs("/m/gateway") - runs; n != 1 {
		t.Errorf("%d runs of the gateway, want the one that was asked for", n)
	}
	if text := w.texts()[before]; !strings.Contains(text, "Not announced: ") {
		t.Errorf("the message does not tell what is behind: %s", text)
	}
	if is := a.incidents("open"); len(is) != 1 || !slices.Equal(is[0].Monitors, []string{"gateway"}) {
		t.Errorf("open incidents: %+v", is)
	}
	if n := strings.Count(a.log.String(), "not announced: what it depends on fails as well"); n != 3 {
		t.Errorf("the log tells %d times who is held, want 3", n)
	}
	if _, page := a.ask(http.MethodGet, "/"); strings.Count(page, "it depends on <bdi>gateway</bdi>, which fails") != 3 {
		t.Error("the page does not say who is held")
	}
}

// The gateway comes back, one of three behind it does not: that is told, once,
// and nothing of the others; a restart in between changes nothing.
func TestWhoFailsAfterItsGatewayCameBackIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.family(dir, "3s"))
	first := start(t, file)
	until(t, 10*time.Second, "all up", func() bool { return first.all("up") })
	w.fails(true, "gateway", "a", "b", "c")
	until(t, 10*time.Second, "all are down, one is told", func() bool { return w.said("[Down] gateway") == 1 && first.held("a", "b", "c") })
	if err := first.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	second := start(t, file)
	if !second.held("a", "b", "c") {
		t.Errorf("after the restart: %+v", second.monitors())
	}
	during(t, 3*time.Second, "nothing is told again", func() bool { return len(w.texts()) == 1 })
	w.fails(false, "gateway", "a", "b")
	until(t, 10*time.Second, "the one that still fails is told", func() bool { return w.said("[Up] gateway") == 1 && w.said("[Down] c") == 1 })
	until(t, 10*time.Second, "nobody is held", func() bool { return second.held() })
	w.fails(false, "c")
	until(t, 10*time.Second, "its recovery is told", func() bool { return w.said("[Up] c") == 1 })
	during(t, 2*time.Second, "that was all", func() bool { return len(w.texts()) == 4 && second.all("up") })
}

// A child that fails while its parent passes is told without delay, and one
// that is held when depends_on is taken away is told as well.
func TestAChildByItselfAndAReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	text := w.family(dir, "5s")
	save(t, file, text)
	a := start(t, file)
	until(t, 10*time.Second, "all up", func() bool { return a.all("up") })
	w.fails(true, "a")
	until(t, 3*time.Second, "the child is told", func() bool { return w.said("[Down] a") == 1 })
	w.fails(true, "gateway", "b")
	until(t, 10*time.Second, "the gateway is told, the other child is held", func() bool { return w.said("[Down] gateway") == 1 && a.held("b") })
	save(t, file, strings.ReplaceAll(text, "depends_on: gateway, ", ""))
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	until(t, 10*time.Second, "it is told", func() bool { return w.said("[Down] b") == 1 && a.held() })
	during(t, 2*time.Second, "that was all", func() bool { return len(w.texts()) == 3 })
}
