package docs_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// TestReadmeShowsWhatIsPrinted runs the session of the README: its output may
// differ in durations alone.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	world, err := lab.Start(t.Context(), lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := world.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	ports := strings.NewReplacer("http://127.0.0.1:9641/api/oidc/token", world.TokenURL(), "http://127.0.0.1:9642", world.GatewayURL())
	file := filepath.Join(dir, "quickstart.yaml")
	if err := os.WriteFile(file, []byte(ports.Replace(read(t, "examples/quickstart.yaml"))), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := program(t)
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "probe", "-c", file)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 || errs.Len() > 0 {
		t.Fatalf("probe: %v, want exit code 1\n%s", err, &errs)
	}
	gate := strings.TrimPrefix(world.GatewayURL(), "http://")
	got := timeless(strings.ReplaceAll(out.String(), gate, "127.0.0.1:9642"))
	if readme := timeless(read(t, "README.md")); !strings.Contains(readme, "\n"+got+"$ ") {
		t.Errorf("README.md does not show what watchword probe prints:\n%s", got)
	}
}

// timeless takes durations out of a text, and which of two monitors that run
// side by side came first for the token.
func timeless(s string) string {
	s = regexp.MustCompile(`from the cache|fetched in [0-9.]+ m?s\b`).ReplaceAllString(s, "fetched")
	s = regexp.MustCompile(`valid for [0-9hms]+`).ReplaceAllString(s, "valid for D")
	return regexp.MustCompile(`[0-9.]+ m?s\b`).ReplaceAllString(s, "D")
}

// program builds watchword.
func program(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "watchword")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/watchword").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}
