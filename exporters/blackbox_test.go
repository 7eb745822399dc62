package exporters

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/watchword/watchword/internal/check"
)

// TestBlackboxPhases: what counts is what counts for blackbox_exporter.
func TestBlackboxPhases(t *testing.T) {
	all := check.Phases{Token: time.Hour, Resolve: time.Second, Connect: 2 * time.Second, TLS: 3 * time.Second, Processing: 4 * time.Second, Transfer: 5 * time.Second}
	for _, tc := range []struct {
		name string
		hops []check.Hop
		want string // resolve, connect, tls, processing, transfer
	}{
		{"nothing was sent", nil, "0 0 0 0 0"},
		{"no connection", []check.Hop{{Phases: all}}, "1 0 0 0 0"},
		{"no answer", []check.Hop{{Phases: all, Connected: true}}, "1 2 3 0 0"},
		{"an answer", []check.Hop{{Phases: all, Connected: true, Answered: true}}, "1 2 3 4 5"},
		{"a redirect", []check.Hop{{Phases: all, Connected: true, Answered: true}, {Phases: all, Connected: true, Answered: true}}, "2 4 6 8 5"},
		{"a redirect to nowhere", []check.Hop{{Phases: all, Connected: true, Answered: true}, {Phases: all}}, "2 2 3 4 0"},
	} {
		text := NewBlackbox(check.Result{Phases: all}, check.Seen{Hops: tc.hops}, false, slog.New(slog.DiscardHandler)).String()
		var got []string
		for _, phase := range []string{"resolve", "connect", "tls", "processing", "transfer"} {
			_, rest, _ := strings.Cut(text, `probe_http_duration_seconds{phase="`+phase+`"} `)
			v, _, _ := strings.Cut(rest, "\n")
			got = append(got, v)
		}
		if strings.Join(got, " ") != tc.want || strings.Count(text, "phase=") != 5 {
			t.Errorf("%s: %v, want %s in\n%s", tc.name, got, tc.want, text)
		}
	}
}

// TestBlackboxFormats: both formats can be read, and say the same.
func TestBlackboxFormats(t *testing.T) {
	f := &check.Fault{Class: check.Content, Reason: check.KeywordMissing}
	b := NewBlackbox(check.Result{Fault: f, Took: 1500 * time.Millisecond}, check.Seen{
		Hops: []check.Hop{{Remote: "[::ffff:127.0.0.1]:80"}}, Redirects: 2,
		Last: &check.Answer{Status: 200, Version: "HTTP/2.0", Length: -1, Body: 7, Modified: time.Unix(1445412480, 0)},
	}, true, slog.New(slog.DiscardHandler))
	want := []string{
		"probe_success 0", "probe_duration_seconds 1.5", "probe_ip_protocol 4", "probe_ip_addr_hash 3.668918509e+09", "probe_http_redirects 2", "probe_http_status_code 200", "probe_http_version 2",
		"probe_http_content_length -1", "probe_http_uncompressed_body_length 7", "probe_failed_due_to_regex 1", "probe_failed_due_to_cel 0", "probe_http_last_modified_timestamp_seconds 1.44541248e+09",
		`watchword_probe_fault{class="content",reason="keyword_missing"} 1`, "# HELP probe_http_duration_seconds Duration of http request by phase, summed over all redirects",
	}
	for _, line := range want {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("%q is missing in\n%s", line, b)
		}
	}
	for accept, kind := range map[string]string{textAccept: "text/plain", openMetricsAccept: "application/openmetrics-text"} {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe", nil)
		r.Header.Set("Accept", accept)
		b.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, kind) {
			t.Errorf("%s is answered as %s", accept, got)
		}
		if kind == "text/plain" {
			p := expfmt.NewTextParser(model.LegacyValidation)
			if _, err := p.TextToMetricFamilies(w.Body); err != nil {
				t.Error(err)
			}
		} else if !strings.HasSuffix(w.Body.String(), "# EOF\n") {
			t.Errorf("OpenMetrics without an end: %s", w.Body)
		}
	}
}
