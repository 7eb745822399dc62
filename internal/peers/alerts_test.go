package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// silence is a provider that is down for two monitors, one of which leaves its
// maintenance after ten minutes.
const silence = `rule_files: [RULES]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'watchword_monitor_fault{instance="i",job="j",monitor="a",class="idp",reason="token_unreachable"}', values: '1x20'}
      - {series: 'watchword_monitor_fault{instance="i",job="j",monitor="b",class="idp",reason="token_unreachable"}', values: '1x20'}
      - {series: 'watchword_monitor_status{instance="i",job="j",monitor="a"}', values: '3x10 0x10'}
      - {series: 'watchword_monitor_status{instance="i",job="j",monitor="b"}', values: '3x20'}
    alert_rule_test:
      - {eval_time: 9m, alertname: ProviderOrCredentialFails, exp_alerts: []}
      - eval_time: 15m
        alertname: ProviderOrCredentialFails
        exp_alerts:
          - exp_labels: {instance: i, job: j, class: idp, reason: token_unreachable, severity: critical}
            exp_annotations: {summary: "1 monitors cannot get in: idp/token_unreachable"}
`

// TestAlertRulesAreSilentInMaintenance: the rules that we hand out do not tell
// what the agent does not.
func TestAlertRulesAreSilentInMaintenance(t *testing.T) {
	rules, err := filepath.Abs("../../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "test.yml")
	if err := os.WriteFile(file, []byte(strings.Replace(silence, "RULES", rules, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program(t, "promtool", "prometheus"), "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}
