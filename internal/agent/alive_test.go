package agent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/config"
)

// Who hangs in the lock of incidents is not alive, whatever else goes on.
func TestHungTimerIsNotAlive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.yaml")
	text := "{server: {listen: \"127.0.0.1:0\"}, storage: {path: \"\"}, monitors: [{name: A, url: \"http://127.0.0.1:1/\"}, {name: B, url: \"http://127.0.0.1:1/\"}]}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load([]string{file}, config.LoadOptions{})
	if cfg == nil {
		t.Fatal(problems)
	}
	a, err := New(t.Context(), cfg, Options{Paths: []string{file}, Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	if err := a.Alive(ctx); err != nil {
		t.Fatal(err)
	}
	if got := a.Summary(); !strings.HasPrefix(got, "2 monitors: 0 up, ") {
		t.Errorf("the summary is %q", got)
	}
	a.observing.Lock()
	ask, end := context.WithTimeout(ctx, 50*time.Millisecond)
	defer end()
	if err := a.Alive(ask); err == nil {
		t.Error("the timer hangs in its lock and is called alive")
	}
	a.observing.Unlock()
	if err := a.Alive(ctx); err != nil {
		t.Errorf("it goes on: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
