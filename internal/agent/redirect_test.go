package agent_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/tls"

	"github.com/watchword/watchword/internal/lab"
)

func listen(t *testing.T, h http.Handler, conf *tls.Config) *lab.Server {
	t.Helper()
	s, err := lab.Listen(t.Context(), "127.0.0.1:0", h, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(contextOf(t, time.Second)) })
	return s
}

// away answers every request with a redirect to ?to=, by ?code=.
func away(w http.ResponseWriter, r *http.Request) {
	code := http.StatusFound
	if r.FormValue("code") == "307" {
		code = http.StatusTemporaryRedirect
	}
	w.Header().Set("Location", r.URL.Query().Get("to"))
	w.WriteHeader(code)
}

// What opens a door is shown at that door only: a redirect to another host,
// port or to plain http takes nothing along.
func TestRedirectsCarryNothingAway(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	caFile, err := ca.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Client(lab.CertOptions{CommonName: "our-own-name"})
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile, err := client.Write(dir, "client")
	if err != nil {
		t.Fatal(err)
	}
	asking := cert.ServerConfig()
	asking.ClientAuth = tls.RequestClientCert
	home := lab.NewRecorder(http.HandlerFunc(away), 1000)
	abroad := lab.NewRecorder(nil, 1000)
	own, otherTLS, plain := listen(t, home, asking), listen(t, abroad, asking), listen(t, abroad, nil)
	byName := func(s *lab.Server) string { return strings.Replace(s.URL(), "127.0.0.1", "localhost", 1) }
	targets := map[string]string{
		"port": otherTLS.URL(), "plain": plain.URL(), "host": byName(otherTLS), "host-same-port": byName(own) + "/?to=" + plain.URL(), "plain-host": byName(plain),
	}
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("token", lab.ClientID, "") + `
  basic: {type: basic, username: someone, password: basic-password-5Qx}
  bearer: {type: bearer, token: bearer-token-8Zk}
  key: {type: header, name: X-Api-Key, value: api-key-value-3Lw}
`)
	fmt.Fprintf(&y, "defaults: {interval: 10s, headers: {X-Private: private-header-7Yt, Cookie: session=cookie-value-2Rv}, tls: {ca_file: %q}}\nmonitors:\n", caFile)
	showing := fmt.Sprintf(", tls: {cert_file: %q, key_file: %q}", certFile, keyFile)
	n := 0
	for to, where := range targets {
		for _, credential := range []string{"", "token", "basic", "bearer", "key"} {
			for i, extra := range []string{"code=302", "code=307", "code=302", "code=307"} { // without and with a certificate
				line := fmt.Sprintf("  - {name: %s %s %d, url: %q", to, credential, i, own.URL()+"/?"+extra+"&to="+url.QueryEscape(where))
				if i > 1 {
					line += showing
				}
				if credential != "" {
					line += ", credential: " + credential
				}
				if extra == "code=307" {
					line += ", method: POST, body: posted-secret-9Pd"
				}
				y.WriteString(line + "}\n")
				n++
			}
		}
	}
	y.WriteString("  - {name: once more, url: \"" + own.URL() + "/\"}\n")
	n++
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, y.String())
	a := start(t, file)
	until(t, 75*time.Second, "every monitor has run", func() bool {
		done := 0
		for _, m := range a.monitors() {
			if m.LastRun != nil {
				done++
			}
		}
		return done == n
	})
	foreign := abroad.Requests()
	shown := map[string]bool{}
	for _, r := range home.Requests() {
		if strings.HasPrefix(r.Host, "localhost") {
			foreign = append(foreign, r)
			continue
		}
		for name := range r.Header {
			shown[name] = true
		}
		shown[r.ClientCertificate] = true
		shown[r.Body] = true
	}
	for _, want := range []string{"Authorization", "X-Api-Key", "X-Private", "Cookie", "our-own-name", "posted-secret-9Pd"} {
		if !shown[want] {
			t.Errorf("%s was not even shown at home: the test proves nothing", want)
		}
	}
	if len(foreign) < len(targets) { // those without credential and certificate are followed
		t.Errorf("%d redirects were followed, want at least one to each of the %d origins", len(foreign), len(targets))
	}
	for _, r := range foreign {
		for _, name := range []string{"Authorization", "Proxy-Authorization", "X-Api-Key", "X-Private", "Cookie", "Referer"} {
			if v := r.Header.Get(name); v != "" {
				t.Errorf("%s %s carried %s away", r.Host, r.URL, name)
			}
		}
		if r.ClientCertificate != "" {
			t.Errorf("%s %s was shown the client certificate", r.Host, r.URL)
		}
		if strings.Contains(r.Body, "secret") {
			t.Errorf("%s %s got the body", r.Host, r.URL)
		}
	}
	t.Logf("%d monitors, %d requests at other origins", n, len(foreign))
}

// A token endpoint that redirects gets the secret, and nobody else does.
func TestTokenEndpointThatRedirects(t *testing.T) {
	abroad := lab.NewRecorder(nil, 100)
	elsewhere := listen(t, abroad, nil)
	home := lab.NewRecorder(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := elsewhere.URL() + "/stolen"
		if r.URL.Path == "/same" {
			to = "/stolen"
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}), 100)
	own := listen(t, home, nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, head(dir)+fmt.Sprintf(`credentials:
  there: {token_url: %[1]q, client_id: watchword, client_secret: endpoint-secret-4Hs}
  same: {token_url: %[2]q, client_id: watchword, client_secret: endpoint-secret-4Hs, auth_method: client_secret_post}
defaults: {interval: 1s}
monitors:
  - {name: There, url: %[3]q, credential: there}
  - {name: Same, url: %[3]q, credential: same}
`, own.URL()+"/token", own.URL()+"/same", elsewhere.URL()+"/page"))
	a := start(t, file)
	until(t, 20*time.Second, "both fail", func() bool {
		n := 0
		for _, m := range a.monitors() {
			if m.Fault != nil && m.Fault.Reason == "token_malformed" {
				n++
			}
		}
		return n == 2
	})
	if rs := abroad.Requests(); len(rs) > 0 {
		t.Errorf("%d requests went where the redirect points, the first: %+v", len(rs), rs[0])
	}
	for _, r := range home.Requests() {
		if r.URL == "/stolen" {
			t.Error("the redirect was followed on the same host")
		}
	}
}
