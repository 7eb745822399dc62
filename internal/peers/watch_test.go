package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/config"
)

// watch is a running agent.
type watch struct {
	t    *testing.T
	addr string
}

func load(t *testing.T, text string) (*config.Config, string) {
	t.Helper()
	file := write(t, filepath.Join(t.TempDir(), "watchword.yaml"), text)
	cfg, problems := config.Load([]string{file}, config.LoadOptions{})
	if cfg == nil {
		t.Fatalf("the configuration has errors:\n%s", problems)
	}
	return cfg, file
}

// start runs an agent until the test ends; server and storage are given here.
func start(t *testing.T, text string) *watch {
	t.Helper()
	cfg, file := load(t, "server: {listen: \"127.0.0.1:0\"}\nstorage: {path: \"\"}\n"+text)
	said := &output{}
	a, err := agent.New(t.Context(), cfg, agent.Options{
		Paths: []string{file}, Version: "test", Log: slog.New(slog.NewTextHandler(said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the agent ended with: %v", err)
		}
		if t.Failed() {
			t.Logf("the agent said:\n%s", said)
		}
	})
	return &watch{t, a.Addr()}
}

func (w *watch) url(path string) string { return "http://" + w.addr + path }

func (w *watch) get(path string) string {
	w.t.Helper()
	code, body, err := fetch(w.t.Context(), w.url(path))
	if err != nil || code != http.StatusOK {
		w.t.Fatalf("GET %s: %d %v %.300s", path, code, err, body)
	}
	return body
}

// verdicts returns what the API says of each monitor: "up", or class and
// reason, or "pending".
func (w *watch) verdicts() map[string]string {
	w.t.Helper()
	var list struct {
		Monitors []struct {
			ID, Status string
			Fault      *struct{ Class, Reason, Message, Hint string }
		}
	}
	if err := json.Unmarshal([]byte(w.get("/api/v1/monitors")), &list); err != nil {
		w.t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range list.Monitors {
		all[m.ID] = m.Status
		if m.Fault != nil {
			all[m.ID] = m.Fault.Class + "/" + m.Fault.Reason
			if m.Fault.Message == "" || m.Fault.Hint == "" {
				w.t.Errorf("%s: %s/%s lacks its message %q or hint %q", m.ID, m.Fault.Class, m.Fault.Reason, m.Fault.Message, m.Fault.Hint)
			}
		}
	}
	return all
}

// shows waits until monitors have these verdicts.
func (w *watch) shows(want map[string]string) {
	w.t.Helper()
	until(w.t, 20*time.Second, func() string {
		got := w.verdicts()
		for id, v := range want {
			if got[id] != v {
				return fmt.Sprintf("%s is %s, want %s (all: %v)", id, got[id], v, got)
			}
		}
		return ""
	})
}

// metric returns the value of one series by its text, 0 if there is none.
func (w *watch) metric(series string) float64 {
	w.t.Helper()
	for line := range strings.Lines(w.get("/metrics")) {
		if text, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				w.t.Fatalf("read %q: %v", line, err)
			}
			return v
		}
	}
	return 0
}

func (w *watch) runs(monitor, result string) float64 {
	w.t.Helper()
	return w.metric(fmt.Sprintf("watchword_probe_runs_total{monitor=%q,result=%q}", monitor, result))
}

// more waits for some more runs of a monitor that pass.
func (w *watch) more(monitor string, n int) {
	w.t.Helper()
	want := w.runs(monitor, "success") + float64(n)
	until(w.t, 20*time.Second, func() string {
		if got := w.runs(monitor, "success"); got < want {
			return fmt.Sprintf("%s passed %v times, want %v", monitor, got, want)
		}
		return ""
	})
}

// causes returns the open incidents as "kind key".
func (w *watch) causes() []string {
	w.t.Helper()
	var list struct {
		Incidents []struct{ Cause struct{ Kind, Key string } }
	}
	if err := json.Unmarshal([]byte(w.get("/api/v1/incidents?state=open")), &list); err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, i := range list.Incidents {
		out = append(out, i.Cause.Kind+" "+i.Cause.Key)
	}
	return out
}
