package agent_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// probing returns an agent with the modules, and the world that they probe.
func probing(t *testing.T, modules func(w *world) string) (*watch, *world, string) {
	t.Helper()
	dir := t.TempDir()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, head(dir)+"credentials:\n"+w.credential("authelia", lab.ClientID, "")+modules(w))
	return start(t, file), w, file
}

// probe asks for a probe and returns its metrics, by series.
func (w *watch) probe(module, target string, header ...string) map[string]string {
	w.t.Helper()
	code, body := w.ask(http.MethodGet, "/probe?module="+module+"&target="+url.QueryEscape(target), header...)
	if code != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", module, target, code, body)
	}
	found := map[string]string{}
	for line := range strings.Lines(body) {
		if i := strings.LastIndex(line, " "); i > 0 && !strings.HasPrefix(line, "#") {
			found[line[:i]] = strings.TrimSpace(line[i:])
		}
	}
	return found
}

func modules(w *world) string {
	return fmt.Sprintf(`modules:
  http_2xx: {timeout: 3s}
  fenced: {allowed_targets: [%q]}
  gate: {credential: authelia, allowed_targets: [%q], expect: {keyword: Dashboard}}
  shut: {credential: authelia, allowed_targets: ["https://only.example.com"]}
`, w.GatewayURL(), w.GatewayURL())
}

// TestModules probes what is well and what is not.
func TestModules(t *testing.T) {
	a, w, file := probing(t, modules)
	for range 3 {
		m := a.probe("gate", w.GatewayURL())
		for series, want := range map[string]string{
			"probe_success": "1", "probe_http_status_code": "200", "probe_ip_protocol": "4", "probe_http_redirects": "0", "probe_http_ssl": "0", "probe_http_version": "1.1",
			"probe_failed_due_to_regex": "0", `probe_http_duration_seconds{phase="resolve"}`: "0", `probe_http_duration_seconds{phase="tls"}`: "0",
		} {
			if m[series] != want {
				t.Errorf("%s is %q, want %q", series, m[series], want)
			}
		}
	}
	if n := w.Provider.TokenRequests(); n != 1 {
		t.Errorf("three scrapes made %d token requests, want 1", n)
	}
	w.Application.SetFailing("/", true)
	m := a.probe("gate", w.GatewayURL())
	if m["probe_success"] != "0" || m["probe_http_status_code"] != "500" || m[`watchword_probe_fault{class="target",reason="status"}`] != "1" {
		t.Errorf("a page that fails: %v", m)
	}
	w.Application.SetFailing("/", false)
	if m := a.probe("http_2xx", strings.TrimPrefix(w.ApplicationURL(), "http://")+"/slow/5s", "X-Prometheus-Scrape-Timeout-Seconds", "0.6"); m["probe_success"] != "0" ||
		m[`watchword_probe_fault{class="network",reason="timeout"}`] != "1" || m["probe_duration_seconds"] >= "0.6" {
		t.Errorf("slower than Prometheus waits: %v", m)
	}
	for _, tc := range []struct {
		query string
		code  int
		says  string
	}{
		{"", 400, "Target parameter is missing\n"}, {"?module=http_2xx", 400, "Target parameter is missing\n"}, {"?target=x&module=no", 400, "Unknown module \"no\"\n"},
		{"?module=shut&target=" + w.GatewayURL(), 403, "add it to its allowed_targets, such as " + w.GatewayURL() + "/*"},
		{"?module=gate&target=https://user:hunter2hunter2@x", 400, "credential of type basic"}, {"?target=ftp://x", 400, "http:// or https://"}, {"?target=x&hostname=y", 400, "hostname is not supported"},
	} {
		if code, body := a.ask(http.MethodGet, "/probe"+tc.query); code != tc.code || !strings.Contains(body, tc.says) || strings.Contains(body, "hunter2") {
			t.Errorf("/probe%s: %d %s, want %d %s", tc.query, code, body, tc.code, tc.says)
		}
	}
	if code, _ := a.ask(http.MethodGet, "/probe?target=x", "X-Prometheus-Scrape-Timeout-Seconds", "soon"); code != 400 {
		t.Errorf("a timeout that is no number: %d", code)
	}
	if n, _ := a.metric("blackbox_module_unknown_total"); n != 1 {
		t.Errorf("%v unknown modules were counted, want 1", n)
	}
	if n := a.counted("watchword_faults_total", ""); n != 0 {
		t.Errorf("probes of modules were counted as %v faults of monitors", n)
	}
	reloaded(t, a, w, file)
}

// reloaded: a changed module is another, an unchanged one goes on, one that is
// gone is unknown.
func reloaded(t *testing.T, a *watch, w *world, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), "shut:", "shut2:", 1)
	save(t, file, strings.Replace(text, "keyword: Dashboard", "keyword: Elsewhere", 1))
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	if m := a.probe("gate", w.GatewayURL()); m["probe_failed_due_to_regex"] != "1" || m[`watchword_probe_fault{class="content",reason="keyword_missing"}`] != "1" {
		t.Errorf("after its keyword changed: %v", m)
	}
	if code, _ := a.ask(http.MethodGet, "/probe?module=shut&target=x"); code != 400 {
		t.Errorf("a module that is gone: %d", code)
	}
	if n := w.Provider.TokenRequests(); n != 1 {
		t.Errorf("the reload made it %d token requests, want 1", n)
	}
}

// TestModuleTellsNoSecret: neither answers nor the log hold what opens a door,
// and it goes where it is meant to go only.
func TestModuleTellsNoSecret(t *testing.T) {
	abroad := lab.NewRecorder(nil, 100)
	home := lab.NewRecorder(http.HandlerFunc(away), 100)
	own, other := listen(t, home, nil), listen(t, abroad, nil)
	secrets := []string{"key-literal-4Jk", "from-variable-8Lq", "body-literal-2Wd", "basic-password-9Ft", "query-key-7Rt", "bearer-token-5Yu"}
	t.Setenv("PROBE_KEY", secrets[1])
	a, _, _ := probing(t, func(*world) string {
		return fmt.Sprintf(`  basic: {type: basic, username: someone, password: %s}
  bearer: {type: bearer, token: %s}
modules:
  one: {credential: basic, method: POST, body: %q, headers: {X-Api-Key: %s, X-Other: "${PROBE_KEY}"}, allowed_targets: [%q], expect: {absent: nothing}}
  two: {credential: bearer, headers: {Cookie: a=%s}, allowed_targets: [%q]}
  three: {headers: {X-Api-Key: %s}, allowed_targets: [%q]}
`, secrets[3], secrets[5], secrets[2], secrets[0], own.URL(), secrets[0], own.URL(), secrets[0], own.URL())
	})
	for _, module := range []string{"one", "two", "three"} {
		for _, to := range []string{other.URL() + "/", strings.Replace(own.URL(), "127.0.0.1", "localhost", 1) + "/", ""} {
			target := own.URL() + "/?key=" + secrets[4] + "&to=" + url.QueryEscape(to)
			for _, more := range []string{"", "&debug=true"} {
				code, body := a.ask(http.MethodGet, "/probe?module="+module+"&target="+url.QueryEscape(target)+more)
				if code != http.StatusOK {
					t.Fatalf("%s: %d %s", module, code, body)
				}
				for _, s := range secrets {
					if strings.Contains(body, s) {
						t.Errorf("%s%s tells %s:\n%s", module, more, s, body)
					}
				}
				for _, part := range []string{"Logs for the probe:\n", "\nMetrics that would have been returned:\n", "\nModule configuration:\n", "Received an answer"} {
					if (more != "") != strings.Contains(body, part) {
						t.Errorf("%s%s: %q is in it: %t", module, more, part, more == "")
					}
				}
			}
		}
	}
	_, body := a.ask(http.MethodGet, "/probe?module=one&debug=true&target="+own.URL())
	if !strings.Contains(body, "X-Api-Key: <secret>") || !strings.Contains(body, "credential: basic") || !strings.Contains(body, "body: <secret>") {
		t.Errorf("the module is shown as\n%s", body)
	}
	if len(home.Requests()) == 0 || len(abroad.Requests()) > 0 {
		t.Errorf("%d requests came home, %d abroad; want some and none", len(home.Requests()), len(abroad.Requests()))
	}
	for _, s := range secrets {
		if strings.Contains(a.log.String(), s) {
			t.Errorf("the log tells %s", s)
		}
	}
}

// TestModuleCancelled: a scraper that goes away takes its probe with it, and one
// target that hangs keeps out nobody.
func TestModuleCancelled(t *testing.T) {
	gone, came := make(chan struct{}), make(chan struct{}, 100)
	var once sync.Once
	hanging := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		<-r.Context().Done()
		once.Do(func() { close(gone) })
	}), nil)
	a, w, _ := probing(t, func(*world) string { return "modules: {http_2xx: {timeout: 60s}}\n" })
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 100 {
		asking.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/probe?target="+hanging.URL(), nil)
			if err != nil {
				return
			}
			if resp, err := a.client.Do(req); err == nil {
				resp.Body.Close()
			}
		})
	}
	until(t, 10*time.Second, "probes hang", func() bool { return len(came) >= 4 })
	if code, _ := a.ask(http.MethodGet, "/metrics"); code != http.StatusOK {
		t.Errorf("/metrics beside probes that hang: %d", code)
	}
	cancel()
	asking.Wait()
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
		t.Error("the probe goes on for nobody")
	}
	until(t, 10*time.Second, "there are places again", func() bool {
		code, _ := a.ask(http.MethodGet, "/probe?target="+w.ApplicationURL(), "X-Prometheus-Scrape-Timeout-Seconds", "2")
		return code == http.StatusOK
	})
}

// TestModuleTLS tells of the certificate.
func TestModuleTLS(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	caFile, err := ca.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }), &tls.Config{Certificates: cert.ServerConfig().Certificates, NextProtos: []string{"h2", "http/1.1"}})
	a, _, _ := probing(t, func(*world) string {
		return fmt.Sprintf("modules:\n  tls: {tls: {ca_file: %q}}\n  http_2xx:\n  any: {tls: {insecure_skip_verify: true}}\n", caFile)
	})
	m := a.probe("tls", s.URL())
	if m["probe_success"] != "1" || m["probe_http_ssl"] != "1" || m["probe_http_version"] != "2" || m[`probe_tls_version_info{version="TLS 1.3"}`] != "1" || m["probe_ssl_earliest_cert_expiry"] == "" ||
		m["probe_ssl_last_chain_expiry_timestamp_seconds"] == "" || m[`probe_http_duration_seconds{phase="tls"}`] == "0" {
		t.Errorf("%v", m)
	}
	if m = a.probe("http_2xx", s.URL()); m["probe_success"] != "0" || m["probe_http_ssl"] != "0" || m[`watchword_probe_fault{class="tls",reason="certificate_untrusted"}`] != "1" || m["probe_ssl_earliest_cert_expiry"] != "" {
		t.Errorf("untrusted: %v", m)
	}
	if m = a.probe("any", s.URL()); m["probe_success"] != "1" || m["probe_ssl_last_chain_expiry_timestamp_seconds"] != "-6.21355968e+10" {
		t.Errorf("not verified: %v", m)
	}
}

// TestModuleAtOnce: many scrapes of one target at the same time are many runs
// with one token.
func TestModuleAtOnce(t *testing.T) {
	a, w, _ := probing(t, modules)
	var asking sync.WaitGroup
	for range 40 {
		asking.Go(func() {
			if m := a.probe("gate", w.GatewayURL()); m["probe_success"] != "1" {
				t.Errorf("%v", m)
			}
		})
	}
	asking.Wait()
	if n := w.Provider.TokenRequests(); n != 1 {
		t.Errorf("%d token requests were made, want 1", n)
	}
	w.Provider.RevokeAll()
	if m := a.probe("gate", w.GatewayURL()); m["probe_success"] != "1" || w.Provider.TokenRequests() != 2 {
		t.Errorf("after the token was revoked: %v, and %d token requests", m, w.Provider.TokenRequests())
	}
}
