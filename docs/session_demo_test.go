package docs_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadmeBreaksTheGate runs the second half of the README's session: the
// gate lets everyone in, and the metrics say so.
func TestReadmeBreaksTheGate(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "watchword")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/watchword").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	listen := free(t)
	cmd := exec.CommandContext(t.Context(), binary, "demo", "--any-ports", "--listen", listen)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	control := ""
	for control == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the demo does not say where to break something: %v", err)
		}
		control = regexp.MustCompile(`http://\S+/control/`).FindString(line)
	}
	poll(t, "http://"+listen+"/metrics", `watchword_probe_success{monitor="gate-is-shut"} 1`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, control+"gateway-open", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	text := poll(t, "http://"+listen+"/metrics", "\nwatchword_monitor_fault")
	got := strings.Join(regexp.MustCompile(`(?m)^watchword_monitor_fault.*\n`).FindAllString(text, -1), "")
	if !strings.Contains(read(t, "README.md"), "\n"+got+"```") {
		t.Errorf("README.md does not show what the metrics say:\n%s", got)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C ends the demo with %v", err)
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// poll asks until the answer holds the text.
func poll(t *testing.T, url, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if got := get(ctx, url); strings.Contains(got, text) {
			return got
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited a minute for %q at %s", text, url)
		}
	}
}

func get(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return string(b)
}
