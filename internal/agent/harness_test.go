package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/server"
)

// world is the small world with chat services.
type world struct {
	*lab.World
	chat  *lab.Chat
	t     testing.TB
	proxy *lab.Proxy // nil in most
}

func newWorld(t testing.TB, c lab.Config, o lab.ChatOptions) *world {
	t.Helper()
	chat := lab.NewChat(o)
	if c.Chat == nil {
		c.Chat = chat
	}
	w, err := lab.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		chat.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		_ = w.Close(ctx) // requests that hang are cut
	})
	return &world{World: w, chat: chat, t: t}
}

func (w *world) flip(name string, on bool) {
	w.t.Helper()
	if err := w.Switch(name, on); err != nil {
		w.t.Fatal(err)
	}
}

// credential is the YAML of one credential of the world.
func (w *world) credential(name, id, extra string) string {
	return fmt.Sprintf("  %s: {token_url: %q, client_id: %q, client_secret: %q, scopes: [%q]%s}\n", name, w.TokenURL(), id, lab.ClientSecret, lab.BearerScope, extra)
}

func (w *world) slack() string { return w.ControlURL() + "/services/T0/B0/X0" }

// texts returns title and text of what Slack took, oldest first.
func (w *world) texts() []string {
	var out []string
	for _, m := range w.chat.Received("slack") {
		out = append(out, string(m.Body))
	}
	return out
}

// said counts the messages that Slack took and that hold a text.
func (w *world) said(text string) int {
	n := 0
	for _, body := range w.texts() {
		if strings.Contains(body, text) {
			n++
		}
	}
	return n
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// head is the beginning of most configurations: any port, a database in the
// folder, quick messages.
func head(dir string) string {
	return fmt.Sprintf("server: {listen: \"127.0.0.1:0\"}\nstorage: {path: %q}\nalerting: {group_wait: 500ms}\n", filepath.Join(dir, "watch.db"))
}

func save(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// watch is a running agent.
type watch struct {
	t      testing.TB
	url    string
	log    *logBuffer
	began  time.Time
	cancel context.CancelFunc
	done   chan error
	once   sync.Once
	err    error
	client *http.Client
	login  func(*http.Request) // nil: nobody has to log in
}

// create loads a configuration and makes an agent of it.
func create(t testing.TB, file string, log io.Writer, level slog.Level) (*agent.Agent, error) {
	t.Helper()
	cfg, problems := config.Load([]string{file}, config.LoadOptions{})
	if cfg == nil {
		t.Fatalf("the configuration has errors:\n%s", problems)
	}
	return agent.New(t.Context(), cfg, agent.Options{
		Paths: []string{file}, Version: "test", Revision: "none",
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level})),
	})
}

// start runs an agent until the test ends or stop is called.
func start(t testing.TB, file string) *watch {
	t.Helper()
	return startLogging(t, file, slog.LevelInfo)
}

func startLogging(t testing.TB, file string, level slog.Level) *watch {
	t.Helper()
	w := &watch{t: t, log: &logBuffer{}, done: make(chan error, 1)}
	a, err := create(t, file, w.log, level)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.url, w.cancel, w.began = "http://"+a.Addr(), cancel, time.Now()
	w.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	go func() { w.done <- a.Run(ctx) }()
	t.Cleanup(func() {
		if err := w.stop(); err != nil && !t.Failed() {
			t.Errorf("the agent ended with: %v", err)
		}
		if t.Failed() {
			t.Logf("end of the log:\n%s", tail(w.log.String(), 15))
		}
	})
	return w
}

// stop ends the agent and returns what Run did. An agent that does not end
// within its 10 s fails the test.
func (w *watch) stop() error {
	w.t.Helper()
	w.once.Do(func() {
		begin := time.Now()
		w.cancel()
		timer := time.NewTimer(15 * time.Second)
		defer timer.Stop()
		select {
		case w.err = <-w.done:
		case <-timer.C:
			w.err = errors.New("the agent does not end")
		}
		if took := time.Since(begin); took > 10*time.Second {
			w.t.Errorf("stopping took %s, want at most 10 s", took)
		}
	})
	return w.err
}

// tail returns the last lines of a log that are more than debugging.
func tail(text string, n int) string {
	lines := slices.DeleteFunc(strings.Split(strings.TrimRight(text, "\n"), "\n"), func(l string) bool { return strings.Contains(l, "level=DEBUG") })
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// ask sends a request to the agent.
func (w *watch) ask(method, path string, header ...string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if w.login != nil {
		w.login(req)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(body)
}

func (w *watch) get(path string, into any) {
	w.t.Helper()
	code, body := w.ask(http.MethodGet, path)
	if code != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s", path, code, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		w.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// monitors returns what the API shows, by id.
func (w *watch) monitors() map[string]server.Monitor {
	w.t.Helper()
	var list struct{ Monitors []server.Monitor }
	w.get("/api/v1/monitors", &list)
	all := make(map[string]server.Monitor, len(list.Monitors))
	for _, m := range list.Monitors {
		all[m.ID] = m
	}
	return all
}

// states counts the monitors by state.
func (w *watch) states() map[string]int {
	w.t.Helper()
	n := map[string]int{}
	for _, m := range w.monitors() {
		n[string(m.Status)]++
	}
	return n
}

// all says whether every monitor is in the state.
func (w *watch) all(state string) bool {
	w.t.Helper()
	n := w.states()
	return len(n) == 1 && n[state] > 0
}

func (w *watch) incidents(state string) []server.Incident {
	w.t.Helper()
	var list struct{ Incidents []server.Incident }
	w.get("/api/v1/incidents?state="+state, &list)
	return list.Incidents
}

// metric returns the value of a series as it is written: name{label="value"}.
func (w *watch) metric(series string) (float64, bool) {
	w.t.Helper()
	_, text := w.ask(http.MethodGet, "/metrics")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				w.t.Fatalf("series %s: %v", series, err)
			}
			return v, true
		}
	}
	return 0, false
}

// counted returns the sum of a family whose series hold a text.
func (w *watch) counted(family, having string) float64 {
	w.t.Helper()
	_, text := w.ask(http.MethodGet, "/metrics")
	sum := 0.0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, family+"{") && !strings.HasPrefix(line, family+" ") || !strings.Contains(line, having) {
			continue
		}
		f := strings.Fields(line)
		v, err := strconv.ParseFloat(f[len(f)-1], 64)
		if err != nil {
			w.t.Fatalf("family %s: %v", family, err)
		}
		sum += v
	}
	return sum
}

// until waits for a condition that holds within a time on a machine with nothing
// else to do; the test fails when it does not hold within patience times that.
// What has to be in time is measured.
func until(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	const patience = 4
	ctx, cancel := context.WithTimeout(context.Background(), patience*within)
	defer cancel()
	tick := time.NewTicker(min(max(within/200, 25*time.Millisecond), 500*time.Millisecond))
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %s for: %s", patience*within, what)
		}
	}
}

// during looks at a condition again and again for a while; it has to hold each
// time.
func during(t testing.TB, span time.Duration, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	tick := time.NewTicker(max(span/20, 50*time.Millisecond))
	defer tick.Stop()
	for {
		if !holds() {
			t.Fatalf("does not hold: %s", what)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// contextOf returns a context that ends after d at the latest, for cleanups.
func contextOf(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
