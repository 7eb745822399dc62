package agent_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// What changes between loading and watching is noticed, and what was loaded on
// request is not loaded once more because its file had changed.
func TestChangeDuringTheStartIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "one"))
	a := startChanged(t, file, func() { save(t, file, w.pages(dir, "", "one", "two")) })
	until(t, 10*time.Second, "the change is in force", func() bool { return len(a.monitors()) == 2 })

	save(t, file, w.pages(dir, "", "one", "two", "three"))
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	taken := func() int { return strings.Count(a.log.String(), "configuration taken over") }
	during(t, 3*time.Second, "taken over twice", func() bool { return taken() == 2 })
	save(t, file, w.pages(dir, "", "one", "two", "three")+"bad: 1\nworse: 2\n")
	until(t, 10*time.Second, "the bad file is refused", func() bool { return strings.Contains(a.log.String(), "not taken over") })
	log := a.log.String()
	for _, problem := range []string{`unknown key \"bad\"`, `unknown key \"worse\"`} {
		if !strings.Contains(log, problem) {
			t.Errorf("the log does not tell of the %s", problem)
		}
	}
}

// A file that was emptied, by a full disk or an editor, ends nothing.
func TestEmptiedFileIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "one"))
	a := start(t, file)
	for _, text := range []string{"", "# nothing\n"} {
		save(t, file, text)
		if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusUnprocessableEntity || !strings.Contains(body, "monitors: []") {
			t.Errorf("%q: %d %s", text, code, body)
		}
	}
	if n := len(a.monitors()); n != 1 {
		t.Errorf("%d monitors, want the one of before", n)
	}
	save(t, file, "monitors: []")
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK || len(a.monitors()) != 0 {
		t.Errorf("%d %s with %d monitors, want none", code, body, len(a.monitors()))
	}
}

// What a reload cannot change wholly is said, each time until it is as it was.
func TestWhatOnlyARestartChangesIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	text := w.pages(dir, "", "one")
	save(t, file, text)
	a := start(t, file)
	said := func(yaml string) int {
		t.Helper()
		before := strings.Count(a.log.String(), "at the next start only")
		save(t, file, yaml)
		if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
			t.Fatalf("reload: %d %s", code, body)
		}
		return strings.Count(a.log.String(), "at the next start only") - before
	}
	changed := text + "timezone: Asia/Tokyo\nagent: {location: elsewhere}\n"
	if first, again, back := said(changed), said(changed), said(text); first != 2 || again != 2 || back != 0 {
		t.Errorf("said %d, %d and %d times, want 2 each while it differs and then 0", first, again, back)
	}
}

// startChanged starts an agent and does something between its loading and its
// running.
func startChanged(t *testing.T, file string, change func()) *watch {
	t.Helper()
	a := &watch{t: t, log: &logBuffer{}, done: make(chan error, 1)}
	made, err := create(t, file, a.log, slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	change()
	ctx, cancel := context.WithCancel(context.Background())
	a.url, a.cancel, a.began = "http://"+made.Addr(), cancel, time.Now()
	a.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	go func() { a.done <- made.Run(ctx) }()
	t.Cleanup(func() {
		if err := a.stop(); err != nil {
			t.Errorf("the agent ended with: %v", err)
		}
	})
	return a
}
