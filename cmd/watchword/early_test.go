package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// both takes the log of a running agent.
type both struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *both) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *both) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A SIGHUP is taken from the first moment on: without that it would end this
// very test.
func TestHangupDuringTheStart(t *testing.T) {
	file := saved(t, "w.yaml", `{server: {listen: "127.0.0.1:0"}, storage: {path: ""}, monitors: []}`)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var log both
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"run", "-c", file}, &log, &log) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(log.String(), "there are no monitors") { // the configuration is loaded
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it does not start")
		}
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(syscall.SIGHUP)
	}
	if err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(log.String(), "watchword runs") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it does not run")
		}
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d:\n%s", code, log.String())
	}
}
