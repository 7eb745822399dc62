package exporters

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func TestAgentCountersExistFromTheStart(t *testing.T) {
	p := NewPrometheus(PrometheusOptions{Board: &table{}, Version: "dev"})
	p.SetNames([]string{"authelia"}, []string{"ops"})
	got, _ := scrape(t, p, textAccept)
	families := parse(t, got)
	faults := values(families["watchword_faults_total"])
	n := 0
	check.EachReason(func(c check.Class, r check.Reason) {
		n++
		if v, ok := faults[fmt.Sprintf("class=%s,reason=%s", c, r)]; !ok || v != 0 {
			t.Errorf("%s/%s: got %v %v, want 0", c, r, v, ok)
		}
	})
	if len(faults) != n {
		t.Errorf("got %d faults, want %d", len(faults), n)
	}
	for name, want := range map[string]int{
		"watchword_token_requests_total": 13, "watchword_notifications_total": 4, "watchword_notification_attempts_total": 3, "watchword_export_attempts_total": 3,
		"watchword_incidents_open": len(check.Classes()), "watchword_notifications_pending": 1, "watchword_schedule_skipped_total": 1,
		"watchword_token_request_duration_seconds": 1, "watchword_schedule_lag_seconds": 1, "watchword_store_commit_duration_seconds": 1,
		"watchword_config_last_reload_successful": 1, "watchword_build_info": 1, "go_goroutines": 1, "process_resident_memory_bytes": 1,
	} {
		if got := len(families[name].GetMetric()); got != want {
			t.Errorf("%s: got %d series, want %d", name, got, want)
		}
	}
	for _, absent := range []string{"watchword_token_expiry_timestamp_seconds", "watchword_store_writable"} {
		if families[absent] != nil {
			t.Errorf("%s is there without a value", absent)
		}
	}
}

func TestHooksCount(t *testing.T) {
	p, _ := full(t)
	p.TokenRequest("authelia", "ok", 20*time.Millisecond)
	p.TokenRequest("authelia", "client_rejected", time.Second)
	p.TokenRequest("unknown", "ok", time.Second)
	p.TokenRequest("authelia", "no such result", time.Second)
	p.Fault(check.TLS, check.Handshake)
	p.Fault(check.TLS, "no such reason")
	p.Notification("ops", "delivered")
	p.Notification("unknown", "delivered")
	p.NotificationAttempt("ops", "retry")
	p.NotificationAttempt("ops", "no such result")
	p.ExportAttempt("kuma_push", "retry")
	p.ExportAttempt("kuma_push", "no such result")
	p.ExportAttempt("unknown", "ok")
	p.Lag(3 * time.Millisecond)
	p.StoreCommit(time.Millisecond)
	p.Skipped()
	p.Reloaded(true, time.Unix(1764000000, 0))
	p.Reloaded(false, time.Unix(1764000099, 0))
	got, _ := scrape(t, p, textAccept)
	for _, line := range []string{
		`watchword_token_requests_total{credential="authelia",result="ok"} 1`,
		`watchword_token_requests_total{credential="authelia",result="client_rejected"} 1`,
		`watchword_token_request_duration_seconds_count{credential="authelia"} 3`,
		`watchword_token_expiry_timestamp_seconds{credential="authelia"} 1.7640036e+09`,
		`watchword_faults_total{class="tls",reason="handshake"} 1`,
		`watchword_notifications_total{notifier="ops",result="delivered"} 1`,
		`watchword_notification_attempts_total{notifier="ops",result="retry"} 1`,
		`watchword_export_attempts_total{exporter="kuma_push",result="retry"} 1`,
		`watchword_export_attempts_total{exporter="kuma_push",result="ok"} 0`,
		`watchword_notifications_pending{notifier="ops"} 3`,
		`watchword_notifications_pending{notifier="chat"} 0`,
		`watchword_incidents_open{class="idp"} 2`,
		`watchword_incidents_open{class="content"} 0`,
		`watchword_schedule_lag_seconds_count 1`,
		`watchword_schedule_skipped_total 1`,
		`watchword_store_commit_duration_seconds_count 1`,
		`watchword_store_writable 1`, `watchword_store_errors_total 4`, `watchword_store_rows_dropped_total 5`,
		`watchword_store_unwritten_changes 6`, `watchword_store_size_bytes 7`,
		`watchword_config_last_reload_successful 0`,
		`watchword_config_last_reload_success_timestamp_seconds 1.764e+09`,
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(got, `"unknown"`) || strings.Contains(got, "no such") || strings.Contains(got, `"removed"`) || strings.Contains(got, `expiry_timestamp_seconds{credential="idle"}`) {
		t.Error("something was counted that does not exist")
	}
}

func TestNamesComeAndGo(t *testing.T) {
	p, _ := full(t)
	p.TokenRequest("authelia", "ok", time.Second)
	p.Notification("ops", "delivered")
	p.SetNames([]string{"authelia", "bad\xffname"}, []string{"chat"})
	p.Notification("ops", "delivered") // a message that was under way when its notifier went
	got, _ := scrape(t, p, textAccept)
	if strings.Contains(got, `notifier="ops"`) || strings.Contains(got, `credential="idle"`) {
		t.Error("series of a removed name are still there")
	}
	if !strings.Contains(got, `watchword_token_requests_total{credential="authelia",result="ok"} 1`) {
		t.Error("a counter of a name that stayed began anew")
	}
	if !strings.Contains(got, "credential=\"bad\uFFFDname\"") {
		t.Error("the counters of a new name are missing")
	}
}

func TestScrapesAndEventsAtOnce(t *testing.T) {
	p, b := full(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			p.TokenRequest("authelia", "ok", time.Second)
			p.Notification("ops", "delivered")
			p.Fault(check.Network, check.DNS)
			p.SetNames([]string{"authelia", strconv.Itoa(i)}, []string{"ops"})
			b.set(many(i % 7)...)
		}
	}()
	for range 20 {
		for _, accept := range []string{textAccept, openMetricsAccept} {
			scrape(t, p, accept)
		}
	}
	<-done
	got, _ := scrape(t, p, textAccept)
	if !strings.Contains(got, `watchword_token_requests_total{credential="authelia",result="ok"} 200`) {
		t.Error("requests got lost")
	}
}
