package peers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const prometheusYML = `global: {scrape_interval: 200ms, evaluation_interval: 200ms, scrape_timeout: 150ms}
scrape_configs:
- job_name: watchword
  static_configs: [{targets: ['@TARGET@']}]
`

// TestPeerPrometheus has a Prometheus scrape the agent and asks it what it saw.
func TestPeerPrometheus(t *testing.T) {
	t.Parallel()
	path, promtool := program(t, "prometheus", "prometheus"), program(t, "promtool", "prometheus")
	w := world(t)
	w.Application.SetFailing("/m/bad", true)
	a := start(t, fill(`credentials:
  authelia: {token_url: "@TOKEN@", client_id: watchword, client_secret: lab-secret, scopes: [authelia.bearer.authz]}
notifiers:
  chat: {type: webhook, url: "@APP@/hook"}
alerting: {group_wait: 0s}
defaults: {interval: 1s, retries: 0, expect: {keyword: Dashboard}}
monitors:
  - {name: Good, url: "@GATE@/m/good", credential: authelia, labels: {team: 'we"b\s'}, group: Core}
  - {name: Bad, url: "@APP@/m/bad"}
  - {name: Odd, url: "@APP@/odd", expect: {keyword: not there}}
`, "TOKEN", w.TokenURL(), "GATE", w.GatewayURL(), "APP", w.ApplicationURL()))
	prom := prometheus(t, path, a.addr)
	a.shows(map[string]string{"good": "up", "bad": "target/status", "odd": "content/keyword_missing"})
	promtoolClean(t, promtool, a)
	for query, want := range map[string]float64{
		`up`: 1,
		`watchword_monitor_status{monitor="good"}`:                                                     1,
		`watchword_monitor_status{monitor="bad"}`:                                                      0,
		`watchword_probe_success{monitor="bad"}`:                                                       0,
		`watchword_monitor_fault{monitor="bad",class="target",reason="status"}`:                        1,
		`watchword_monitor_fault{monitor="odd",class="content",reason="keyword_missing"}`:              1,
		`count(watchword_monitor_fault) - count(watchword_monitor_fault{monitor=~"b.*|o.*"})`:          0,
		`count(watchword_probe_phase_duration_seconds{monitor="good"})`:                                6,
		`watchword_probe_http_status_code{monitor="bad"}`:                                              500,
		`count(watchword_monitor_info{monitor="good",type="http",group="Core",credential="authelia"})`: 1,
		`sum(watchword_incidents_open)`:                                                                2,
		`sum(watchword_token_requests_total{result="ok"})`:                                             1,
		`scrape_samples_scraped > bool 50`:                                                             1,
	} {
		prom.answersQuery(query, want)
	}
	prom.increases(`watchword_probe_runs_total{monitor="good",result="success"}`)
	w.Application.SetFailing("/m/bad", false)
	prom.answersQuery(`watchword_monitor_status{monitor="bad"}`, 1)
	prom.answersQuery(`count(watchword_monitor_fault)`, 1) // the series is gone, and soon stale
}

// promtoolClean has promtool look at the metrics as they are now.
func promtoolClean(t *testing.T, promtool string, a *watch) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(a.get("/metrics"))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// prom is a running Prometheus.
type prom struct {
	t   *testing.T
	url string
}

func prometheus(t *testing.T, path, target string) *prom {
	t.Helper()
	return prometheusBy(t, path, fill(prometheusYML, "TARGET", target))
}

// prometheusBy runs one with a configuration.
func prometheusBy(t *testing.T, path, yml string) *prom {
	t.Helper()
	dir, port := t.TempDir(), ports(t, 1)[0]
	file := write(t, filepath.Join(dir, "prometheus.yml"), yml)
	p := &prom{t, fmt.Sprintf("http://127.0.0.1:%d", port)}
	run(t, dir, nil, path, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port), "--storage.tsdb.retention.time=1h", "--log.level=warn").answers(p.url+"/-/ready", http.StatusOK)
	return p
}

// ask returns the only value of a query, or why there is none.
func (p *prom) ask(query string) (float64, string) {
	p.t.Helper()
	code, body, err := fetch(p.t.Context(), p.url+"/api/v1/query?query="+url.QueryEscape(query))
	if err != nil || code != http.StatusOK {
		p.t.Fatalf("query %s: %d %v %s", query, code, err, body)
	}
	var said struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		p.t.Fatal(err)
	}
	if n := len(said.Data.Result); n != 1 {
		return 0, fmt.Sprintf("%s has %d results", query, n)
	}
	text, _ := said.Data.Result[0].Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Sprintf("%s is %q", query, text)
	}
	return v, ""
}

// increases waits until a value has grown by 2.
func (p *prom) increases(query string) {
	p.t.Helper()
	first := -1.0
	until(p.t, 20*time.Second, func() string {
		now, wrong := p.ask(query)
		switch {
		case wrong != "":
			return wrong
		case first < 0:
			first = now
		}
		if now < first+2 {
			return fmt.Sprintf("%s went from %v to %v only", query, first, now)
		}
		return ""
	})
}

// answersQuery waits for a value. Prometheus takes its first sample after 5 s.
func (p *prom) answersQuery(query string, want float64) {
	p.t.Helper()
	until(p.t, 20*time.Second, func() string {
		got, wrong := p.ask(query)
		if wrong == "" && got != want {
			wrong = fmt.Sprintf("%s is %v, want %v", query, got, want)
		}
		return wrong
	})
}
