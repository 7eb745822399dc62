package peers

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// blackboxYML and moduleYML say the same to either of the two.
const (
	blackboxYML = `modules:
  plain: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
  stay: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, follow_redirects: false, valid_status_codes: [302]}}
  word: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ['Dash\w+']}}
  other: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ['None\w+']}}
  found: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, fail_if_body_matches_regexp: ['Dash\w+']}}
  kind: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, fail_if_header_not_matches: [{header: Content-Type, regexp: '^application/json'}]}}
  zip: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, compression: gzip, headers: {Accept-Encoding: gzip}, fail_if_body_not_matches_regexp: [Dashboard]}}
  ca: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: '@CA@'}}}
  trusting: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, tls_config: {insecure_skip_verify: true}}}
`
	moduleYML = `defaults: {ip_family: ipv4}
modules:
  plain: {timeout: 5s}
  stay: {timeout: 5s, max_redirects: 0, expect: {status: 302}}
  word: {timeout: 5s, expect: {regex: 'Dash\w+'}}
  other: {timeout: 5s, expect: {regex: 'None\w+'}}
  found: {timeout: 5s, expect: {absent_regex: 'Dash\w+'}}
  kind: {timeout: 5s, expect: {headers: {Content-Type: '^application/json'}}}
  zip: {timeout: 5s, expect: {keyword: Dashboard}}
  ca: {timeout: 5s, tls: {ca_file: '@CA@'}}
  trusting: {timeout: 5s, tls: {insecure_skip_verify: true}}
`
)

// TestPeerBlackbox has blackbox_exporter and Watchword probe the same targets:
// they tell the same of them, by the same names.
func TestPeerBlackbox(t *testing.T) {
	t.Parallel()
	path, promtool := program(t, "prometheus-blackbox-exporter", "prometheus-blackbox-exporter"), program(t, "promtool", "prometheus")
	w, dir := world(t), t.TempDir()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	caFile, err := ca.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Application.At("/zipped").SetPage(lab.Page{Encoding: "gzip"}); err != nil {
		t.Fatal(err)
	}
	free := ports(t, 2)
	a := start(t, fill(moduleYML, "CA", caFile))
	box := fmt.Sprintf("127.0.0.1:%d", free[0])
	run(t, dir, nil, path, "--config.file="+write(t, filepath.Join(dir, "blackbox.yml"), fill(blackboxYML, "CA", caFile)), "--web.listen-address="+box).
		answers("http://"+box+"/-/healthy", http.StatusOK)
	app := strings.Replace(w.ApplicationURL(), "127.0.0.1", "localhost", 1)
	good, expired := secure(t, ca, lab.CertOptions{}), secure(t, ca, lab.CertOptions{Expired: true})
	for _, tc := range []struct {
		name, module, target string
		success              string
		zero                 string // phases that are 0
		differ               string // what the two tell differently, and may
	}{
		{"a page", "plain", app + "/", "1", "tls", ""},
		{"without a scheme", "plain", strings.TrimPrefix(app, "http://"), "1", "tls", ""},
		{"404", "plain", app + "/status/404", "0", "tls", ""},
		{"a redirect", "plain", app + "/redirect?to=/", "1", "tls", ""},
		{"three redirects", "plain", app + "/hop/3", "1", "tls", ""},
		{"a redirect that is not followed", "stay", app + "/redirect?to=/", "1", "tls", "body"},
		{"a loop", "plain", app + "/loop", "0", "tls", ""},
		{"a word that is there", "word", app + "/", "1", "tls", ""},
		{"a word that is not", "other", app + "/", "0", "tls", ""},
		{"a word that should not be", "found", app + "/", "0", "tls", ""},
		{"a header of another kind", "kind", app + "/", "0", "tls", ""},
		{"gzip", "zip", app + "/zipped", "1", "tls", ""},
		{"TLS", "ca", good + "/", "1", "", ""},
		{"TLS of nobody we trust", "plain", good + "/", "0", "connect tls processing transfer", ""},
		{"TLS that nobody verifies", "trusting", good + "/", "1", "", ""},
		{"TLS that expired", "ca", expired + "/", "0", "connect tls processing transfer", ""},
		{"TLS to a plain port", "ca", strings.Replace(app, "http:", "https:", 1), "0", "connect tls processing transfer", ""},
		{"nobody listens", "plain", fmt.Sprintf("localhost:%d", free[1]), "0", "connect tls processing transfer", ""},
		{"slow", "plain", app + "/slow/20s", "0", "tls processing transfer", ""},
		{"no such name", "plain", "http://watchword.invalid/", "0", "connect tls processing transfer", "dns"},
	} {
		theirs, ours := scrapeOf(t, box, tc.module, tc.target), scrapeOf(t, a.addr, tc.module, tc.target)
		if got := ours.values["probe_success"]; got != tc.success {
			t.Errorf("%s: probe_success is %s, want %s", tc.name, got, tc.success)
		}
		if got := ours.zero(); got != tc.zero {
			t.Errorf("%s: the phases that are 0 are %q, want %q", tc.name, got, tc.zero)
		}
		ours.agrees(t, theirs, tc.name, tc.differ)
		cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
		cmd.Stdin = strings.NewReader(ours.text)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: promtool check metrics: %v\n%s", tc.name, err, out)
		}
	}
	for query, want := range map[string]string{"module=no&target=x": "400 Unknown module \"no\"\n", "module=plain": "400 Target parameter is missing\n"} {
		for _, at := range []string{box, a.addr} {
			if code, body, err := fetch(t.Context(), "http://"+at+"/probe?"+query); err != nil || fmt.Sprint(code, " ", body) != want {
				t.Errorf("%s at %s: %d %q %v, want %q", query, at, code, body, err, want)
			}
		}
	}
}

func secure(t *testing.T, ca *lab.CA, o lab.CertOptions) string {
	t.Helper()
	cert, err := ca.Server(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := lab.Listen(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
		fmt.Fprint(w, "secure")
	}), cert.ServerConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return strings.Replace(s.URL(), "127.0.0.1", "localhost", 1)
}

// scraped is an answer of /probe.
type scraped struct {
	text   string
	values map[string]string // by series, as they are written
	about  map[string]bool   // lines of HELP and TYPE
}

func scrapeOf(t *testing.T, at, module, target string) scraped {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+"/probe?module="+module+"&target="+url.QueryEscape(target), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "2.5")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", target, resp.StatusCode, err)
	}
	text := string(b)
	serial := regexp.MustCompile(`,serialnumber="[0-9a-f]+"`)
	s := scraped{text, map[string]string{}, map[string]bool{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if i := strings.LastIndex(line, " "); strings.HasPrefix(line, "#") {
			s.about[line] = true
		} else if i > 0 {
			s.values[serial.ReplaceAllString(line[:i], "")] = line[i+1:] // Debian's is older than that label
		}
	}
	return s
}

// zero returns the phases that are 0.
func (s scraped) zero() string {
	var none []string
	for _, phase := range []string{"resolve", "connect", "tls", "processing", "transfer"} {
		if v, ok := s.values[`probe_http_duration_seconds{phase="`+phase+`"}`]; !ok {
			none = append(none, phase+" is missing")
		} else if v == "0" {
			none = append(none, phase)
		}
	}
	return strings.Join(none, " ")
}

// agrees compares all but how long things took.
func (s scraped) agrees(t *testing.T, theirs scraped, name, differ string) {
	t.Helper()
	for line := range theirs.about {
		if !s.about[line] && differ != "dns" {
			t.Errorf("%s: this of blackbox_exporter is missing: %s", name, line)
		}
	}
	for series, want := range theirs.values {
		got, ok := s.values[series]
		switch {
		case strings.Contains(series, "phase="):
			a, b := s.zero(), theirs.zero()
			if a != b && differ != "dns" {
				t.Errorf("%s: of us %q are 0, of blackbox_exporter %q", name, a, b)
			}
		case strings.Contains(series, "_seconds") && !strings.Contains(series, "timestamp"):
			if v, err := strconv.ParseFloat(got, 64); err != nil || v <= 0 && want != "0" {
				t.Errorf("%s: %s is %s, and theirs %s", name, series, got, want)
			}
		case slices.Contains(mayDiffer()[differ], series):
		case !ok || got != want:
			t.Errorf("%s: %s is %q, and of blackbox_exporter %q", name, series, got, want)
		}
	}
}

// mayDiffer is what the two tell differently, by what makes them.
func mayDiffer() map[string][]string {
	return map[string][]string{
		"body": {"probe_http_uncompressed_body_length"}, // it does not read the body of a redirect
		"loop": {"probe_http_uncompressed_body_length", "probe_http_redirects"},
	}
}

// TestPeerProbe has a Prometheus scrape /probe with the relabelling of its guide
// to multi-target exporters, from the files that people copy.
func TestPeerProbe(t *testing.T) {
	t.Parallel()
	path, promtool := program(t, "prometheus", "prometheus"), program(t, "promtool", "prometheus")
	w := world(t)
	w.Application.SetFailing("/wiki", true)
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "..", "examples", "blackbox", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	yml := read("prometheus.yml")
	check := exec.CommandContext(t.Context(), promtool, "check", "config", write(t, filepath.Join(t.TempDir(), "prometheus.yml"), yml))
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("promtool check config: %v\n%s", err, out)
	}
	gate := strings.TrimPrefix(w.GatewayURL(), "http://")
	ours := strings.NewReplacer("${AUTHELIA_CLIENT_SECRET}", lab.ClientSecret, "server: {listen: 127.0.0.1:9640}\n", "", "https://auth.example.com/api/oidc/token", w.TokenURL(),
		"[https://application.example.com/, https://wiki.example.com/]", "["+w.GatewayURL()+"]", `"https://*.example.com"`, `"`+w.GatewayURL()+`"`).Replace(read("watchword.yaml"))
	a := start(t, ours)
	yml = strings.NewReplacer("127.0.0.1:9640", a.addr, "https://application.example.com/", "http://"+gate+"/", "https://wiki.example.com/\n", "http://"+gate+"/wiki\n          - http://127.0.0.1:1/\n",
		"scrape_interval: 30s", "scrape_interval: 1s", "scrape_timeout: 10s", "scrape_timeout: 1s").Replace(yml)
	prom := prometheusBy(t, path, yml)
	app, wiki := fmt.Sprintf(`{job="http_authelia",instance="http://%s/"}`, gate), fmt.Sprintf(`{job="http_authelia",instance="http://%s/wiki"}`, gate)
	for query, want := range map[string]float64{
		`probe_success` + app: 1, `probe_success` + wiki: 0, `probe_http_status_code` + app: 200, `probe_http_status_code` + wiki: 500,
		`up` + app: 1, `up` + wiki: 1, `up{instance="http://127.0.0.1:1/"}`: 0, // not allowed: 403
		`count(probe_http_duration_seconds` + app + `)`:    5,
		`sum(watchword_token_requests_total{result="ok"})`: 1,
		`count(watchword_probe_fault)`:                     1,
		`watchword_probe_fault{job="http_authelia",class="target",reason="status",instance="http://` + gate + `/wiki"}`: 1,
	} {
		prom.answersQuery(query, want)
	}
	w.Application.SetFailing("/wiki", false)
	prom.answersQuery(`probe_success`+wiki, 1)
	until(t, 10*time.Second, func() string {
		if n := w.Provider.TokenRequests(); n != 1 {
			return fmt.Sprintf("all scrapes made %d token requests, want 1", n)
		}
		return ""
	})
}
