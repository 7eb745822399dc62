package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEachFailureIsShownEverywhere makes the stops of the tour, each in a demo
// of its own and all at once, and looks for class, reason and hint in the API,
// the metrics, the chat, the control page and the terminal.
func TestEachFailureIsShownEverywhere(t *testing.T) {
	shows := make([]*show, len(stops()))
	var all sync.WaitGroup
	for i, name := range stops() {
		shows[i] = &show{ctx: t.Context(), name: name}
		all.Go(shows[i].run)
	}
	all.Wait()
	for _, s := range shows {
		t.Run(s.name, func(t *testing.T) {
			for _, problem := range s.problems {
				t.Error(problem)
			}
			switch {
			case t.Failed():
				t.Log(s.out)
			case s.name == "revoke-once":
				if !strings.Contains(s.out, "No run failed") || strings.Contains(s.out, "DOWN") {
					t.Errorf("a revoked token was not replaced in silence:\n%s", s.out)
				}
			case !s.shown || !strings.Contains(s.out, "→ ") || !strings.Contains(s.out, "told      ["):
				t.Errorf("the terminal shows no hint, or nobody who was told:\n%s", s.out)
			}
		})
	}
}

// show is one stop of the tour, and what is wrong with it.
type show struct {
	ctx      context.Context
	name     string
	out      string
	shown    bool
	problems []string
}

func (s *show) Errorf(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

func (s *show) run() {
	s.out = run(s, s.ctx, Options{Tour: true, End: true, Pace: 10 * time.Millisecond, stops: []string{s.name}, shown: func(d *demo, is lab.SwitchState) {
		s.shown = true
		for _, check := range []func(*show, lab.SwitchState){d.checkAPI, d.checkMetrics, d.checkChat, d.checkPage} {
			check(s, is)
		}
	}})
}

type reporter interface{ Errorf(string, ...any) }

// run runs a demo on free ports to its end and returns what it printed.
func run(t reporter, ctx context.Context, o Options) string {
	var out bytes.Buffer
	o.AnyPorts, o.Version, o.Out, o.calm = true, "test", &out, true
	if err := Run(ctx, o); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	if dir := regexp.MustCompile(`\S+watchword-demo-[0-9]+`).FindString(out.String()); dir == "" {
		t.Errorf("it does not say where its configuration is:\n%s", &out)
	} else if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s was left behind (%v)", dir, err)
	}
	return out.String()
}

func (d *demo) get(t *show, url, accept string) string {
	req, err := http.NewRequestWithContext(t.ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Errorf("%s: %v", url, err)
		return ""
	}
	req.Header.Set("Accept", accept)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Errorf("%s: %v", url, err)
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %v", url, resp.StatusCode, err)
	}
	return string(b)
}

// verdictOf splits what a switch is expected to bring; a certificate's end is
// told of before it is a fault.
func verdictOf(s lab.SwitchState) (class, reason string, fault bool) {
	if s.Name == "certificate-expiring" {
		return "tls", "certificate_expired", false
	}
	class, reason, _ = strings.Cut(s.Expect, "/")
	return class, reason, true
}

type apiFault struct{ Class, Reason, Message, Hint string }

type apiMonitor struct {
	ID      string
	Expires string `json:"certificate_expires"`
	Fault   *apiFault
}

type apiList struct {
	Monitors  []apiMonitor
	Incidents []apiFault
}

func (d *demo) checkAPI(t *show, s lab.SwitchState) {
	class, reason, fault := verdictOf(s)
	var list apiList
	if !fault {
		if err := json.Unmarshal([]byte(d.get(t, d.model.page+"api/v1/monitors", "")), &list); err != nil {
			t.Errorf("%v", err)
		}
		i := slices.IndexFunc(list.Monitors, func(m apiMonitor) bool { return m.ID == "shop" })
		if i < 0 {
			t.Errorf("the API has no shop")
			return
		}
		end, err := time.Parse(time.RFC3339, list.Monitors[i].Expires)
		if left := time.Until(end); err != nil || left > 5*24*time.Hour {
			t.Errorf("the shop's certificate expires %q", list.Monitors[i].Expires)
		}
		return
	}
	for _, path := range []string{"api/v1/monitors", "api/v1/incidents?state=open"} {
		if err := json.Unmarshal([]byte(d.get(t, d.model.page+path, "")), &list); err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, m := range list.Monitors {
		if f := m.Fault; f != nil && f.Class == class && f.Reason == reason && (f.Message == "" || f.Hint == "") {
			t.Errorf("%s has message %q and hint %q", m.ID, f.Message, f.Hint)
		}
	}
	if !slices.ContainsFunc(list.Incidents, func(f apiFault) bool {
		return f.Class == class && f.Reason == reason && f.Message != "" && f.Hint != ""
	}) {
		t.Errorf("the API has no incident %s/%s: %+v", class, reason, list.Incidents)
	}
}

func (d *demo) checkMetrics(t *show, s lab.SwitchState) {
	class, reason, fault := verdictOf(s)
	text := d.get(t, d.model.page+"metrics", "")
	want := fmt.Sprintf(`watchword_incidents_open{class=%q} `, class)
	if !fault {
		want = `watchword_probe_certificate_expiry_timestamp_seconds{monitor="shop"} `
	}
	if !strings.Contains(text, want) || strings.Contains(text, want+"0\n") {
		t.Errorf("the metrics have no %s", want)
	}
	counted := regexp.MustCompile(fmt.Sprintf(`watchword_faults_total\{class=%q,reason=%q\} [1-9]`, class, reason))
	if fault && class != "agent" && !counted.MatchString(text) { // offline is made of many runs
		t.Errorf("the metrics count no %s/%s", class, reason)
	}
}

func (d *demo) checkChat(t *show, s lab.SwitchState) {
	class, reason, _ := verdictOf(s)
	for _, channel := range []string{"telegram", "slack", "discord", "teams", "webhook"} {
		ok := wait(t.ctx, 30*time.Second, func() bool {
			return slices.ContainsFunc(d.chat.Received(channel), func(m lab.Message) bool {
				body := string(m.Body)
				named := strings.Contains(body, class+"/"+reason) || strings.Contains(body, fmt.Sprintf(`"class":%q,"reason":%q`, class, reason))
				return named && strings.Contains(strings.ToLower(body), "hint")
			})
		})
		if !ok {
			t.Errorf("%s was told nothing of %s/%s with a hint", channel, class, reason)
		}
	}
	if ps := d.chat.Problems(); len(ps) > 0 {
		t.Errorf("messages break the limits of their service: %s", ps)
	}
}

func (d *demo) checkPage(t *show, s lab.SwitchState) {
	page := d.get(t, d.model.control, "text/html")
	for _, want := range []string{s.Title, `aria-checked="true" data-name="` + s.Name + `"`, `class="msg telegram"`, `class="msg webhook"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the control page lacks %q", want)
		}
	}
}

// TestPortTakenMeanwhile: a port that was free a moment ago is tried no longer.
func TestPortTakenMeanwhile(t *testing.T) {
	l, err := lab.Listen(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(t.Context()) }()
	found := 0
	d := &demo{o: Options{AnyPorts: true, Out: io.Discard}, model: newModel()}
	d.free = func(ctx context.Context, host string) (string, error) {
		if found++; found < 3 {
			return l.Addr(), nil
		}
		return freeAddress(ctx, host)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer d.clean()
	if err := d.build(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := d.agent.Run(ctx); err != nil {
		t.Error(err)
	}
	if err := d.close(t.Context()); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, m := range d.model.monitors {
		if seen[m.id] {
			t.Errorf("%s is there twice", m.id)
		}
		seen[m.id] = true
	}
	if found != 3 || d.agent.Addr() == l.Addr() || len(seen) == 0 {
		t.Errorf("%d ports, the agent at %s, %d monitors", found, d.agent.Addr(), len(seen))
	}
}

// TestTakenPort: the demo says what to do, and leaves nothing behind.
func TestTakenPort(t *testing.T) {
	l, err := lab.Listen(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(t.Context()) }()
	t.Setenv("TMPDIR", t.TempDir())
	d := &demo{o: Options{Listen: l.Addr(), Out: io.Discard}, model: newModel()}
	w, err := lab.Start(t.Context(), lab.Config{Far: true})
	if err != nil {
		t.Fatal(err)
	}
	d.world = w
	err = d.start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--any-ports") || !strings.Contains(err.Error(), l.Addr()) {
		t.Errorf("got %v, want the address and what to do", err)
	}
	if err := d.close(t.Context()); err != nil {
		t.Error(err)
	}
	d.clean()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
