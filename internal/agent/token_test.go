package agent_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// many is a configuration of n monitors on one credential, at all defaults but
// the interval.
func (w *world) many(dir string, n int, interval time.Duration) string {
	var y strings.Builder
	fmt.Fprintf(&y, "server: {listen: \"127.0.0.1:0\"}\nstorage: {path: %q}\n", filepath.Join(dir, "watch.db"))
	y.WriteString("credentials:\n" + w.credential("lab", lab.ClientID, ""))
	fmt.Fprintf(&y, "notifiers:\n  chat: {type: slack, webhook_url: %q}\n", w.slack())
	fmt.Fprintf(&y, "defaults: {interval: %s, credential: lab, expect: {keyword: %s}}\nmonitors:\n", interval, lab.DefaultKeyword)
	for i := range n {
		fmt.Fprintf(&y, "  - {name: M%d, url: \"%s/m/%d\"}\n", i, w.GatewayURL(), i)
	}
	return y.String()
}

// 1000 monitors share one token: one request at the start, and after it was
// revoked everybody gets in again with at most two more and without a failure
// that anybody hears of.
func TestThousandMonitorsShareOneToken(t *testing.T) {
	t.Parallel()
	const n, interval = 1000, 10 * time.Second
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.many(dir, n, interval))
	a := start(t, file)
	up := func() bool { return a.states()["up"] == n }
	until(t, 5*interval, "1000 monitors up", up)
	var last time.Duration
	for _, m := range a.monitors() {
		last = max(last, m.Since.Sub(a.began))
	}
	t.Logf("all up after %s", last.Round(time.Millisecond))
	if last > interval+time.Second { // the last run of the interval has to end, too
		t.Errorf("the last one was up after %s, want within the first interval of %s", last, interval)
	}
	if got := w.Provider.TokenRequests(); got != 1 {
		t.Errorf("%d token requests at start, want 1", got)
	}
	runs := w.Application.Runs("/m/")
	if dropped := w.Provider.RevokeAll(); dropped != 1 {
		t.Fatalf("%d tokens were revoked, want 1", dropped)
	}
	during(t, 2*interval+time.Second, "no monitor is down", func() bool { return a.states()["down"] == 0 })
	if got := w.Application.Runs("/m/") - runs; got < 2*n {
		t.Errorf("%d runs got through in two intervals after the revocation, want at least %d", got, 2*n)
	}
	if got := w.Provider.TokenRequests(); got > 3 {
		t.Errorf("%d token requests after the revocation, want at most 2", got-1)
	}
	if s := a.states(); s["up"] != n {
		t.Errorf("states after the revocation: %v", s)
	}
	if texts := w.texts(); len(texts) > 0 {
		t.Errorf("somebody was told: %s", texts)
	}
	faults := a.counted("watchword_faults_total", "")
	t.Logf("token requests in all: %d; faults counted: %g", w.Provider.TokenRequests(), faults)
	if faults > 0 {
		t.Errorf("%g runs failed, want 0: the second chance is within the same run", faults)
	}
}

// A wrong secret is said once, and the provider is not hammered.
func TestWrongSecretOfAThousandMonitors(t *testing.T) {
	t.Parallel()
	const n = 1000
	minute := time.Minute
	if testing.Short() {
		minute = 40 * time.Second
	}
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	w.Provider.RotateSecret(lab.ClientID, "another-secret")
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.many(dir, n, 5*time.Second))
	a := start(t, file)
	until(t, minute, "the message", func() bool { return len(w.texts()) > 0 })
	during(t, time.Until(a.began.Add(minute)), "at most 10 token requests and one message", func() bool {
		return w.Provider.TokenRequests() <= 10 && len(w.texts()) == 1
	})
	if !a.all("down") {
		t.Errorf("states: %v, want all down", a.states())
	}
	if got := w.Application.Runs(""); got != 0 {
		t.Errorf("%d requests went on without a token", got)
	}
	text := w.texts()[0]
	for _, want := range []string{"[Down] 1000 monitors: credential lab", "credential/client_rejected"} {
		if !strings.Contains(text, want) {
			t.Errorf("the message lacks %q: %s", want, text)
		}
	}
	is := a.incidents("open")
	if len(is) != 1 || is[0].Cause.Key != "lab" || len(is[0].Monitors) != n {
		t.Errorf("%d incidents, want one of credential lab with %d monitors", len(is), n)
	}
	t.Logf("token requests in the first %s: %d", minute, w.Provider.TokenRequests())
	until(t, 5*time.Second, "the metric counts what the provider does", func() bool { // one may be on its way
		return int(a.counted("watchword_token_requests_total", `result="client_rejected"`)) == w.Provider.TokenRequests()
	})
}
