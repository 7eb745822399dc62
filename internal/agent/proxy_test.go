package agent_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
)

func startProxy(t *testing.T, o lab.ProxyOptions) *lab.Proxy {
	t.Helper()
	p, err := lab.StartProxy(t.Context(), "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// proxied is the URL of the world's proxy with a password.
func (w *world) proxied(scheme, password string) string {
	return (&url.URL{Scheme: scheme, User: url.UserPassword("probe", password), Host: w.proxy.Addr()}).String()
}

// Forty monitors behind one dead proxy are one incident, at forty different
// places; what one of them does not find behind a proxy that is well is another.
func TestDeadProxyIsOneIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	well := startProxy(t, lab.ProxyOptions{})
	dir := t.TempDir()
	var y strings.Builder
	fmt.Fprintf(&y, "%snotifiers: {chat: {type: slack, webhook_url: %q}}\ndefaults: {interval: 1s, retries: 0}\nmonitors:\n", head(dir), w.slack())
	for i := range 40 {
		scheme := []string{"http", "https"}[i%2]
		fmt.Fprintf(&y, "  - {name: m %d, url: \"%s://app-%d.example.test/\", proxy_url: \"http://u:p@127.0.0.1:1\"}\n", i, scheme, i)
	}
	for i := range 2 {
		fmt.Fprintf(&y, "  - {name: behind %d, url: \"https://127.0.0.1:%d/\", proxy_url: %q}\n", i, i+2, well.URL("http"))
	}
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, y.String())
	a := start(t, file)
	until(t, 20*time.Second, "all are down", func() bool { return a.states()["down"] == 42 })
	open := a.incidents("open")
	members := map[string]int{}
	for _, i := range open {
		if i.Class != check.Network || i.Reason != check.Proxy || i.Cause.Kind != check.CauseAddress {
			t.Errorf("incident %+v", i)
		}
		members[i.Cause.Key] = len(i.Monitors)
	}
	if len(open) != 3 || members["127.0.0.1:1"] != 40 || members["127.0.0.1:2"] != 1 || members["127.0.0.1:3"] != 1 {
		t.Errorf("incidents by cause: %v, want 127.0.0.1:1 with 40 and two with one each", members)
	}
	until(t, 10*time.Second, "it is told", func() bool { return len(w.texts()) > 0 })
	if text := strings.Join(w.texts(), "\n"); strings.Contains(text, "u:p@") || !strings.Contains(text, "the proxy http://127.0.0.1:1 cannot be reached") {
		t.Errorf("told %s", text)
	}
}

// A client certificate beside each credential, directly and through each kind of
// proxy: the target sees both, the proxy neither.
func TestCertificateBesideEachCredential(t *testing.T) {
	t.Parallel()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	caFile, err := ca.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Server(lab.CertOptions{Names: []string{"inner.example.test", "127.0.0.1"}})
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
	asking.ClientAuth, asking.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	target := lab.NewRecorder(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }), 1000)
	srv := listen(t, target, asking)
	_, port, _ := strings.Cut(srv.Addr(), ":")
	plain, secure := startProxy(t, lab.ProxyOptions{User: "probe", Password: "proxy-password-1"}), startProxy(t, lab.ProxyOptions{TLS: cert.ServerConfig()})
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("token", lab.ClientID, fmt.Sprintf(", proxy_url: %q", plain.URL("socks5"))) + `
  basic: {type: basic, username: someone, password: basic-password-5Qx}
  bearer: {type: bearer, token: bearer-token-8Zk}
  key: {type: header, name: X-Api-Key, value: api-key-value-3Lw}
`)
	fmt.Fprintf(&y, "defaults:\n  interval: 2s\n  tls: {ca_file: %q, cert_file: %q, key_file: %q, server_name: inner.example.test}\n  resolve: {app.example.test: 127.0.0.1}\n  headers: {Host: host.example.test}\n  proxy_url: %q\nmonitors:\n", caFile, certFile, keyFile, plain.URL("http"))
	n := 0
	for _, proxy := range []string{"", plain.URL("http"), secure.URL("https"), plain.URL("socks5"), plain.URL("socks5h")} {
		for _, credential := range []string{"token", "basic", "bearer", "key"} {
			for version, proto := range map[string]string{"1.1": "HTTP/1.1", "2": "HTTP/2.0"} {
				fmt.Fprintf(&y, "  - {name: %s %d, url: \"https://app.example.test:%s/%d\", credential: %s, http_version: \"%s\", proxy_url: %q, expect: {keyword: %q}}\n", credential, n, port, n, credential, version, proxy, proto)
				n++
			}
		}
	}
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, y.String())
	a := start(t, file)
	until(t, 30*time.Second, "all are up", func() bool { return a.states()["up"] == n })
	seen := map[string]bool{}
	for _, r := range target.Requests() {
		if r.ClientCertificate != "our-own-name" || r.Host != "host.example.test" || r.Header.Get("Authorization") == "" && r.Header.Get("X-Api-Key") == "" || r.Header.Get("Proxy-Authorization") != "" {
			t.Errorf("%s %s came with certificate %q, %v", r.Host, r.URL, r.ClientCertificate, r.Header)
		}
		seen[fmt.Sprint(r.URL)] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d monitors came", len(seen), n)
	}
	kinds := map[string]int{}
	for _, p := range append(plain.Seen(), secure.Seen()...) {
		kinds[p.Kind]++
		if p.Target != srv.Addr() && !strings.HasPrefix(w.TokenURL(), "http://"+p.Target) || p.Header.Get("Authorization") != "" {
			t.Errorf("the proxy was asked for %+v", p)
		}
	}
	if kinds["connect"] < 16 || kinds["socks5"] < 17 || kinds["forward"] != 0 {
		t.Errorf("the proxies were asked %v", kinds)
	}
}

// The provider behind a dead proxy is one fault of the provider, and says why.
func TestTokenEndpointBehindADeadProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	refusing := startProxy(t, lab.ProxyOptions{User: "probe", Password: "proxy-password-1"})
	dir := t.TempDir()
	var y strings.Builder
	y.WriteString(head(dir) + "credentials:\n" + w.credential("dead", lab.ClientID, `, proxy_url: "http://u:s3cr3t@127.0.0.1:1"`) + "\n" +
		w.credential("silent", lab.ClientID, fmt.Sprintf(", proxy_url: \"http://u:s3cr3t@%s\"", refusing.Addr())) + "\n" + w.credential("well", lab.ClientID, `, proxy_url: "http://u:s3cr3t@127.0.0.1:1", no_proxy: [127.0.0.1]`) + "\n")
	y.WriteString("defaults: {interval: 1s, retries: 0}\nmonitors:\n")
	for _, c := range []string{"dead", "silent", "well"} {
		fmt.Fprintf(&y, "  - {name: %s, url: %q, credential: %s}\n", c, w.GatewayURL()+"/", c)
	}
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, y.String())
	a := start(t, file)
	until(t, 20*time.Second, "two are down, one is up", func() bool { n := a.states(); return n["down"] == 2 && n["up"] == 1 })
	for id, said := range map[string]string{"dead": "the proxy http://127.0.0.1:1 cannot be reached: connection refused", "silent": "does not take our user name and password: 407"} {
		f := a.monitors()[id].Fault
		if f == nil || f.Class != check.IDP || f.Reason != check.TokenUnreachable || !strings.Contains(f.Message, said) ||
			!strings.Contains(f.Hint, "the provider is asked through the proxy http://127.0.0.1:") || strings.Contains(f.Message+f.Hint, "s3cr3t") {
			t.Errorf("%s: %+v", id, f)
		}
	}
}
