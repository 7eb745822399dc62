package peers

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// secured returns a server with a certificate for ten more days, and the file of
// the authority that issued it.
func secured(t *testing.T) (*httptest.Server, string) {
	t.Helper()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.Server(lab.CertOptions{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10*24*time.Hour + time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	file, err := ca.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = c.ServerConfig()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, file
}

// TestPeerPrometheusReadsKumasNames asks a Prometheus what panels and rules that
// were made for Uptime Kuma ask.
func TestPeerPrometheusReadsKumasNames(t *testing.T) {
	t.Parallel()
	path, promtool := program(t, "prometheus", "prometheus"), program(t, "promtool", "prometheus")
	w := world(t)
	w.Application.SetFailing("/m/bad", true)
	secure, ca := secured(t)
	a := start(t, fill(`alerting: {group_wait: 0s}
metrics: {compat: [uptime-kuma]}
defaults: {interval: 1s, retries: 0}
monitors:
  - {name: Good, url: "@APP@/m/good?key=in-the-query", labels: {team: web}, expect: {keyword: Dashboard}}
  - {name: Bad, url: "@APP@/m/bad"}
  - {name: Secure, url: "@TLS@/", tls: {ca_file: "@CA@"}}
  - {name: Untrusted, url: "@TLS@/"}
`, "APP", w.ApplicationURL(), "TLS", secure.URL, "CA", ca))
	prom := prometheus(t, path, a.addr)
	a.shows(map[string]string{"good": "up", "bad": "target/status", "secure": "up", "untrusted": "tls/certificate_untrusted"})
	for query, want := range map[string]float64{
		`count(monitor_status{monitor_type!~"group"})`:                           4,
		`count(monitor_status == 1)`:                                             2,
		`sum(monitor_status{monitor_type=~"http|keyword|json-query"} == bool 0)`: 2,
		`monitor_status{monitor_name="Good",monitor_type="keyword",monitor_hostname="null",monitor_port="null",team="web"}`:               1,
		`monitor_status{monitor_name=~"Bad",monitor_type="http"}`:                                                                         0,
		`monitor_response_time{monitor_name="Bad"}`:                                                                                       -1,
		`monitor_response_time{monitor_name="Good"} > bool 0`:                                                                             1,
		`count(avg_over_time(monitor_response_time{monitor_url=~".+"}[5m]))`:                                                              4,
		`count(count by (monitor_name, monitor_url) (monitor_status))`:                                                                    4,
		`count(monitor_uptime_ratio{window="1d"})`:                                                                                        4,
		`sum by (monitor_name) (monitor_uptime_ratio{monitor_name="Good",window="30d"}) > bool 0.9`:                                       1,
		`monitor_cert_days_remaining{monitor_name="Secure"}`:                                                                              10,
		`count(monitor_cert_days_remaining < 14)`:                                                                                         1,
		`monitor_cert_is_valid{monitor_name="Secure"}`:                                                                                    1,
		`count(monitor_cert_is_valid == 0)`:                                                                                               1,
		`count({__name__=~"monitor_.+", monitor_url=~".*key.*"}) or vector(0)`:                                                            0,
		`count(watchword_monitor_status * on (monitor) group_right label_replace(monitor_status, "monitor", "$1", "monitor_id", "(.*)"))`: 4,
	} {
		prom.answersQuery(query, want)
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(a.get("/metrics"))
	out, _ := cmd.CombinedOutput() // it does not like the days, which are Kuma's
	const days = `monitor_cert_days_remaining use base unit "seconds" instead of "days"`
	if said := strings.TrimSpace(string(out)); said != days {
		t.Errorf("promtool check metrics:\n%s", out)
	}
}
