package agent_test

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// guarded is a configuration with something under `server`.
func guarded(dir, server string) string {
	return fmt.Sprintf("server: {listen: \"127.0.0.1:0\"%s}\nstorage: {path: %q}\nmonitors: []\n", server, filepath.Join(dir, "watch.db"))
}

func userOf(name, role string) string {
	return fmt.Sprintf("%s: {password_hash: %q, role: %s}", name, loginHash, role)
}

// reload puts a configuration in place and takes it over; wrong is what the
// answer has to say, "" for success.
func (w *watch) reload(file, yaml, wrong string) {
	w.t.Helper()
	save(w.t, file, yaml)
	code, body := w.ask(http.MethodPost, "/-/reload")
	if wrong == "" && code != http.StatusOK || wrong != "" && (code != http.StatusUnprocessableEntity || !strings.Contains(body, wrong)) {
		w.t.Fatalf("reload: %d %s, want it to say %q", code, body, wrong)
	}
}

// Who may log in, and under which certificate, changes with a reload: by
// request, by signal and by a changed file.
func TestAccessIsReloaded(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, guarded(dir, ""))
	a := startLogging(t, file, slog.LevelInfo)
	password := secretsInPlay()["login password"]
	alice := func(r *http.Request) { r.SetBasicAuth("alice", password) }
	bob := func(r *http.Request) { r.SetBasicAuth("bob", password) }
	get := func(login func(*http.Request)) int {
		a.login = login
		code, _ := a.ask(http.MethodGet, "/api/v1/monitors")
		return code
	}
	if code := get(nil); code != http.StatusOK {
		t.Fatalf("at first: %d", code)
	}
	auth := ", auth: {type: basic, users: {" + userOf("alice", "admin") + "}}"
	a.reload(file, guarded(dir, auth), "")
	if anybody, known := get(nil), get(alice); anybody != http.StatusUnauthorized || known != http.StatusOK {
		t.Errorf("with a login: %d for strangers, %d for alice", anybody, known)
	}

	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	renew := func() {
		c, err := ca.Server(lab.CertOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Write(dir, "tls"); err != nil {
			t.Fatal(err)
		}
	}
	withTLS := guarded(dir, auth+", tls: {cert_file: tls.crt, key_file: tls.key}")
	a.reload(file, withTLS, "tls.cert_file: there is no file ")
	renew()
	a.reload(file, withTLS, "")
	a.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: ca.Pool()}
	a.url = "https" + strings.TrimPrefix(a.url, "http")
	until(t, 5*time.Second, "the log names the new address", func() bool { return strings.Contains(a.log.String(), "address="+a.url+"/") })
	if code := get(alice); code != http.StatusOK {
		t.Errorf("over https: %d", code)
	}
	serial := func() string {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(a.url, "https://"), &tls.Config{RootCAs: ca.Pool()})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	renew()
	until(t, 5*time.Second, "a renewed certificate needs no reload", func() bool { return serial() != before })

	save(t, file, strings.Replace(withTLS, "alice:", "bob:", 1))
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	taken := func(n int) func() bool {
		return func() bool { return strings.Count(a.log.String(), "configuration taken over") == n }
	}
	until(t, 10*time.Second, "a signal reloads", taken(3))
	if alice, bob := get(alice), get(bob); alice != http.StatusUnauthorized || bob != http.StatusOK {
		t.Errorf("with bob in the place of alice: %d for alice, %d for bob", alice, bob)
	}
	save(t, file, strings.Replace(withTLS, "role: admin", "role: viewer", 1))
	until(t, 15*time.Second, "a changed file reloads", taken(4))
	if code := get(alice); code != http.StatusOK {
		t.Errorf("alice, back again: %d", code)
	}
	if code, _ := a.ask(http.MethodPost, "/-/reload"); code != http.StatusForbidden {
		t.Errorf("alice, no longer admin, reloads: %d", code)
	}
	if log := a.log.String(); strings.Contains(log, "next start only") {
		t.Errorf("the log says that something waits for the next start: %s", log)
	}
}
