package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

func saved(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A comma belongs to the name of a file.
func TestConfigMayHaveAComma(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"check", "-c", saved(t, "a,b.yaml", "monitors: []")}, &out, &errs); code != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

// A monitor's name cannot write over the terminal: it is refused, and not shown.
func TestNamesCannotWriteOverTheTerminal(t *testing.T) {
	file := saved(t, "w.yaml", `monitors: [{name: "a\nup  \e[2Jb\u202e", url: "http://127.0.0.1:9/"}]`)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"probe", "-c", file}, &out, &errs); code != 2 || out.Len() > 0 {
		t.Fatalf("exit %d: %s", code, out.String())
	}
	if got := errs.String(); strings.ContainsAny(got, "\x1b\u202e") || strings.Count(got, "\n") != 1 || !strings.Contains(got, "control character U+000A") {
		t.Errorf("got %q", got)
	}
}

// Only the agent's own answer is health.
func TestHealthFollowsNoRedirect(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	mux.HandleFunc("/login", func(http.ResponseWriter, *http.Request) {})
	target := httptest.NewServer(mux)
	t.Cleanup(target.Close)
	for url, want := range map[string]int{target.URL: 1, "localhost:9640": 2, "ftp://localhost/": 2} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"health", "--url", url}, &out, &errs); code != want || out.Len() > 0 || errs.Len() == 0 {
			t.Errorf("%s: exit %d, want %d; %q %q", url, code, want, out.String(), errs.String())
		}
	}
}

// What stands in for variables that are not there is taken by every room.
func TestCheckWithoutSecrets(t *testing.T) {
	file := saved(t, "w.yaml", `
credentials: {c: {token_url: "${WW_UNSET_A}", client_id: "${WW_UNSET_B}", client_secret: "${file:/absent}", send_as: "${WW_UNSET_C}"}}
notifiers:
  d: {type: discord, webhook_url: "${WW_UNSET_D}", thread_id: "${WW_UNSET_E}", mention: "${WW_UNSET_F}"}
  t: {type: telegram, bot_token: "${WW_UNSET_G}", chat_id: "${WW_UNSET_H}"}
  w: {type: webhook, url: "${WW_UNSET_I}", method: "${WW_UNSET_J}", events: ["${WW_UNSET_K}"]}
monitors: [{name: "${WW_UNSET_L}", url: "https://${WW_UNSET_M}/", credential: c}]`)
	for _, c := range []struct {
		args []string
		code int
	}{{[]string{"check", "-c", file}, 1}, {[]string{"check", "-c", file, "--allow-missing-secrets"}, 0}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), c.args, &out, &errs); code != c.code || strings.Count(errs.String(), " is not set") != 13 {
			t.Errorf("%v: exit %d, want %d and all 13 variables named:\n%s", c.args[3:], code, c.code, errs.String())
		}
	}
}

// Who probes by hand is warned as a running agent would warn.
func TestProbeWarnsOfACertificate(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	caFile, err := ca.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	cert, err := ca.Server(lab.CertOptions{CommonName: "soon\x1b[2J", NotBefore: time.Now().Add(-80 * day), NotAfter: time.Now().Add(10*day + time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	target.TLS = cert.ServerConfig()
	target.StartTLS()
	t.Cleanup(target.Close)
	const warning = "      warning the certificate expires in 10 days\n"
	for _, c := range []struct {
		more string
		want bool
	}{{"", true}, {"certificate_warn: [9d]", false}, {"certificate_warn: []", false}, {"certificate_warn: 30d", true}} {
		file := saved(t, "w.yaml", fmt.Sprintf("monitors: [{name: A, url: %q, tls: {ca_file: %q}, %s}]", target.URL, caFile, c.more))
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"probe", "-c", file}, &out, &errs); code != 0 {
			t.Fatalf("exit %d: %s%s", code, out.String(), errs.String())
		}
		if strings.Contains(out.String(), warning) != c.want || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%q: got %q", c.more, out.String())
		}
	}
}
