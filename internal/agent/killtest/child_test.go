package killtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build builds the program once, as make build does, so that the two share
// their cache.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "watchword")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "../../../cmd/watchword")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return bin
}

// child is one process of the agent.
type child struct {
	cmd   *exec.Cmd
	log   *childLog
	ended chan struct{}
	err   error // once ended
}

// start starts the agent; epoch stands in the URLs of its channels.
func start(bin, file string, epoch int) (*child, error) {
	c := &child{
		cmd:   exec.CommandContext(context.Background(), bin, "run", "-c", file, "--log-format", "json"),
		log:   &childLog{found: make(chan struct{})},
		ended: make(chan struct{}),
	}
	c.cmd.Env = append(os.Environ(), fmt.Sprintf("KILLTEST_EPOCH=%d", epoch))
	c.cmd.Stderr, c.cmd.Stdout = c.log, c.log
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.ended)
		c.err = c.cmd.Wait()
	}()
	return c, nil
}

// kill ends the process at once and returns when it is dead.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// stop asks the process to end and returns how it did.
func (c *child) stop(ctx context.Context) error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-c.ended:
		return c.err
	case <-ctx.Done():
		c.kill()
		return errors.New("it did not end in time")
	}
}

// died says whether the process ended by itself.
func (c *child) died() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// address waits for the agent to say where it listens.
func (c *child) address(ctx context.Context) (string, error) {
	select {
	case <-c.log.found:
		return c.log.address, nil
	case <-c.ended:
		return "", errors.New("the agent ended")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// childLog keeps the end of what the agent says.
type childLog struct {
	mu      sync.Mutex
	text    []byte
	line    []byte
	address string
	found   chan struct{}
}

func (l *childLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if over := len(l.text) - 16<<10; over > 0 {
		l.text = l.text[over:]
	}
	if l.address == "" {
		l.line = append(l.line, p...)
		l.look()
	}
	return len(p), nil
}

func (l *childLog) look() {
	for {
		line, rest, ok := strings.Cut(string(l.line), "\n")
		if !ok {
			return
		}
		l.line = []byte(rest)
		var said struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Address != "" {
			l.address = said.Address
			close(l.found)
			return
		}
	}
}

func (l *childLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// pause waits; it is false when the context ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
