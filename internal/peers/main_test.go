package peers

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
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/lab"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() { // make unit promises to need nothing but Go
		fmt.Println("the real peers are left out with -short: make peers")
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
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

// ports returns free ports of loopback.
func ports(t *testing.T, n int) []int {
	t.Helper()
	var free []int
	for range n {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		free = append(free, l.Addr().(*net.TCPAddr).Port)
	}
	return free
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

// peer is a process that runs until the test ends.
type peer struct {
	t     *testing.T
	name  string
	said  *output
	ended chan struct{}
}

// run starts a program in a folder and has it ended with the test.
func run(t *testing.T, dir string, env []string, path string, args ...string) *peer {
	t.Helper()
	p := &peer{t: t, name: filepath.Base(path), said: &output{}, ended: make(chan struct{})}
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = p.said, p.said
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.said)
		}
	})
	return p
}

// answers waits until the peer answers the URL with the status.
func (p *peer) answers(url string, status int) {
	p.t.Helper()
	until(p.t, 10*time.Second, func() string {
		select {
		case <-p.ended:
			p.t.Fatalf("%s ended at once:\n%s", p.name, p.said)
		default:
		}
		code, _, err := fetch(p.t.Context(), url)
		if err != nil || code != status {
			return fmt.Sprintf("%s is not ready: %d %v", p.name, code, err)
		}
		return ""
	})
}

// until asks again and again what is missing, until nothing is.
func until(t *testing.T, patience time.Duration, missing func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		what := missing()
		if what == "" {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %s: %s", patience, what)
		}
	}
}

func fetch(ctx context.Context, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(res.Body)
	return res.StatusCode, b.String(), err
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// world returns the small world.
func world(t *testing.T) *lab.World {
	t.Helper()
	w, err := lab.Start(t.Context(), lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Errorf("close the world: %v", err)
		}
	})
	return w
}

// fill puts values into the places of a configuration: "@NAME@".
func fill(text string, values ...string) string {
	for i := 0; i+1 < len(values); i += 2 {
		text = strings.ReplaceAll(text, "@"+values[i]+"@", values[i+1])
	}
	return text
}
