package packaging

import (
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestImage(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	base := regexp.MustCompile(`(?m)^FROM .*?(\S+/golang:(\S+)) AS build$`).FindStringSubmatch(read(t, filepath.Join(root, "Dockerfile")))
	if base == nil {
		t.Fatal("the Dockerfile does not begin with an image of Go")
	}
	if mod := read(t, filepath.Join(root, "go.mod")); !strings.Contains(mod, "\ngo "+base[2]+".") {
		t.Errorf("the Dockerfile builds with Go %s, which is not the version of go.mod", base[2])
	}
	b.standIn(base[1])
	i := b.build("v1.2.3-test", "0123abcd")
	t.Logf("the image takes %.1f MB", float64(i.size)/1e6)
	if i.size > 16e6 {
		t.Errorf("the image takes %d bytes: what has come into it?", i.size)
	}
	i.describesItself(t)
	i.holdsNoMore(t)
	i.runs(t)
	i.trusts(t)
}

func (i *image) describesItself(t *testing.T) {
	t.Helper()
	for what, pair := range map[string][2]any{
		"user":         {i.User, "65532:65532"},
		"folder":       {i.WorkingDir, "/data"},
		"entry point":  {i.Entrypoint, []string{"/watchword"}},
		"command":      {i.Cmd, []string{"run"}},
		"health check": {i.Healthcheck.Test, []string{"CMD", "/watchword", "health"}},
		"volumes":      {slices.Collect(maps.Keys(i.Volumes)), []string{"/data"}},
		"ports":        {slices.Collect(maps.Keys(i.ExposedPorts)), []string{"9640/tcp"}},
		"version":      {i.Labels["org.opencontainers.image.version"], "v1.2.3-test"},
		"revision":     {i.Labels["org.opencontainers.image.revision"], "0123abcd"},
		"created":      {i.Labels["org.opencontainers.image.created"], "2026-11-25T10:00:00Z"},
		"source":       {i.Labels["org.opencontainers.image.source"], "https://github.com/watchword/watchword"},
		"licenses":     {i.Labels["org.opencontainers.image.licenses"], "Apache-2.0"},
	} {
		if got, want := fmt.Sprint(pair[0]), fmt.Sprint(pair[1]); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	for _, want := range []string{"WATCHWORD_LISTEN=0.0.0.0:9640", "WATCHWORD_CONFIG=/etc/watchword"} {
		if !slices.Contains(i.Env, want) {
			t.Errorf("the environment is %q, and lacks %s", i.Env, want)
		}
	}
}

// holdsNoMore: what is in the image is named here, belongs to root but /data,
// can be written by nobody else and raises nobody's rights.
func (i *image) holdsNoMore(t *testing.T) {
	t.Helper()
	want := []string{
		"LICENSE", "THIRD-PARTY-LICENSES", "data/", "etc/", "etc/group", "etc/passwd", "etc/ssl/", "etc/ssl/certs/", "etc/ssl/certs/ca-certificates.crt", "etc/watchword/", "watchword",
	}
	var got []string
	err := filepath.WalkDir(i.rootfs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == i.rootfs {
			return err
		}
		name, info := path[len(i.rootfs)+1:], must(t, d.Info)
		if d.IsDir() {
			name += "/"
		}
		got = append(got, name)
		owner := 0
		if name == "data/" {
			owner = user
		}
		if uid, gid := ownerOf(info); uid != owner || gid != owner {
			t.Errorf("%s belongs to %d:%d, want %d", name, uid, gid, owner)
		}
		if m := info.Mode(); m&(fs.ModeSetuid|fs.ModeSetgid) != 0 || m.Perm()&0o022 != 0 || m.Type()&^fs.ModeDir != 0 {
			t.Errorf("%s has the mode %s", name, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the image holds %q, want %q", got, want)
	}
	passwd := read(t, filepath.Join(i.rootfs, "etc/passwd"))
	if !strings.HasPrefix(passwd, "nonroot:x:65532:65532:") || strings.Count(passwd, "\n") != 1 {
		t.Errorf("etc/passwd is %q", passwd)
	}
	if n := strings.Count(read(t, filepath.Join(i.rootfs, "etc/ssl/certs/ca-certificates.crt")), "BEGIN CERTIFICATE"); n < 50 {
		t.Errorf("it holds %d certificates", n)
	}
}

func must[T any](t *testing.T, f func() (T, error)) T {
	t.Helper()
	v, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// runs starts the image as an engine would and asks it for its health.
func (i *image) runs(t *testing.T) {
	t.Helper()
	beside := filepath.Dir(i.rootfs)
	write(t, filepath.Join(beside, "config/watchword.yaml"), "timezone: Europe/Berlin\nmonitors: [{name: Nobody, url: \"http://127.0.0.1:1/\", cron: \"0 6 * * *\"}]\n")
	data := filepath.Join(beside, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, user, user); err != nil {
		t.Fatal(err)
	}
	for dir := i.rootfs; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) { // the user has to reach it
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := out(t, i.inImage(t, "version")); !strings.HasPrefix(got, "watchword v1.2.3-test (commit 0123abcd, go1.") {
		t.Errorf("it calls itself %q", got)
	}
	if got := out(t, i.inImage(t, "check")); !strings.HasPrefix(got, "ok: 1 monitor") {
		t.Errorf("check says %q", got)
	}
	address := freeAddress(t)
	i.Env = append(i.Env, "WATCHWORD_LISTEN="+strings.Replace(address, "127.0.0.1", "0.0.0.0", 1)) // as docker run -e
	if err := i.inImage(t, "health").Run(); err == nil {
		t.Error("it is healthy before it runs")
	}
	said := i.serve(t, address)
	if got := out(t, i.inImage(t, "health")); got != "ok\n" {
		t.Errorf("health says %q", got)
	}
	if uid, _ := ownerOf(must(t, func() (os.FileInfo, error) { return os.Stat(filepath.Join(data, "watchword.db")) })); uid != user {
		t.Errorf("the database belongs to %d", uid)
	}
	for _, want := range []string{"WATCHWORD_LISTEN: the agent listens on 0.0.0.0:", "publish it as 127.0.0.1:9640:9640", "watchword runs"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if strings.Contains(said.String(), "level=ERROR") || strings.Contains(said.String(), "read-only") {
		t.Errorf("it complains:\n%s", said)
	}
}

// trusts: a certificate that is mounted into the folder of the authorities is
// trusted, without a word in the configuration.
func (i *image) trusts(t *testing.T) {
	t.Helper()
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("Dashboard")) }))
	site.Config.ErrorLog = log.New(io.Discard, "", 0) // that it is not trusted at first is wanted
	site.StartTLS()
	defer site.Close()
	file := filepath.Join(filepath.Dir(i.rootfs), "config/watchword.yaml")
	write(t, file, fmt.Sprintf("monitors: [{name: Site, url: %q, expect: {keyword: Dashboard}}]\n", site.URL))
	strange, _ := i.inImage(t, "probe").CombinedOutput() // exit code 1: it is down
	if !strings.Contains(string(strange), "tls/certificate_untrusted") {
		t.Errorf("a certificate of nobody's is taken:\n%s", strange)
	}
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw})
	write(t, filepath.Join(i.rootfs, "etc/ssl/certs/example.crt"), string(own))
	if got := out(t, i.inImage(t, "probe")); !strings.HasPrefix(got, "up    Site") {
		t.Errorf("the certificate that was mounted is not trusted:\n%s", got)
	}
}

// serve runs the agent of the image until the test ends, and holds it to a
// clean end.
func (i *image) serve(t *testing.T, address string) *output {
	t.Helper()
	said := &output{}
	cmd := i.inImage(t, i.Cmd...)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var err error
	go func() { defer close(ended); err = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(12 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if _, failed := err.(*exec.ExitError); failed || t.Failed() { //nolint:errorlint // of our own process
			t.Errorf("the agent ended with %v and said:\n%s", err, said)
		}
	})
	answers(t, "http://"+address+"/healthz", ended)
	return said
}
