package packaging

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const root = "../.."

func TestMain(m *testing.M) {
	if os.Getenv(enterVariable) != "" { // this process is to become one in the image
		fmt.Fprintln(os.Stderr, "enter the image:", enter(os.Args[1:]))
		os.Exit(125)
	}
	flag.Parse()
	if testing.Short() { // make unit promises to need nothing but Go
		fmt.Println("what is handed out is left out with -short: make packaging")
		os.Exit(0)
	}
	if code, ok := asRoot(); ok {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// asRoot runs these tests once more for who is not root: in a user namespace
// where he is, which is how buildah builds without rights.
func asRoot() (code int, ok bool) {
	buildah, err := exec.LookPath("buildah")
	self, err2 := os.Executable()
	if err != nil || err2 != nil || os.Geteuid() == 0 {
		return 0, false
	}
	cmd := exec.CommandContext(context.Background(), buildah, append([]string{"unshare", self}, os.Args[1:]...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "buildah unshare: %v (it needs the Debian package uidmap, and a range of this user in /etc/subuid)\n", err)
		return 1, true
	}
	return 0, true
}

// program returns where a program is.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: it is in the Debian package %s, and scripts/need installs it", name, pkg)
	}
	return path
}

// out runs a command to its end and returns what it printed.
func out(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// goEnv returns a setting of the Go toolchain.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(out(t, command(t, root, "go", "env", name)))
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// freeAddress returns an address of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// output is what a process says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// answers waits until the URL answers with 200, or ended is closed.
func answers(t *testing.T, url string, ended <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatal("it ended at once")
		case <-ctx.Done():
			t.Fatalf("%s does not answer: %v", url, err)
		}
	}
}
