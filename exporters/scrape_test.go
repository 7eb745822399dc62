package exporters

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// No family is told twice or in pieces, whoever wrote it.
func TestFamiliesDoNotInterleave(t *testing.T) {
	p, _ := full(t)
	for _, accept := range []string{textAccept, openMetricsAccept} {
		body, _ := scrape(t, p, accept)
		seen, current := map[string]bool{}, ""
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
				current, _, _ = strings.Cut(rest, " ")
				if seen[current] {
					t.Errorf("%s: family %s comes twice", accept, current)
				}
				seen[current] = true
				continue
			}
			if line != "# EOF" && !strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# TYPE "), "# UNIT "), current) {
				t.Errorf("%s: line outside its family %s: %s", accept, current, line)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	p, _ := full(t)
	for accept, want := range map[string]string{
		"":                "text/plain; version=0.0.4; charset=utf-8",
		"*/*":             "text/plain; version=0.0.4; charset=utf-8",
		"text/html":       "text/plain; version=0.0.4; charset=utf-8",
		openMetricsAccept: "application/openmetrics-text; version=1.0.0; charset=utf-8",
		"application/openmetrics-text;version=0.0.1":                                                                  "application/openmetrics-text; version=0.0.1; charset=utf-8",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.3": "text/plain; version=0.0.4; charset=utf-8",
	} {
		body, h := scrape(t, p, accept)
		if got := h.Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("Accept %q: got type %q, want %q", accept, got, want)
		}
		if got := strings.HasSuffix(body, "\n# EOF\n"); got != strings.Contains(want, "openmetrics") {
			t.Errorf("Accept %q: ends with # EOF: %v", accept, got)
		}
		if strings.Count(body, "# EOF") > 1 {
			t.Errorf("Accept %q: # EOF comes twice", accept)
		}
	}
}

func TestGzipOnlyWhenAccepted(t *testing.T) {
	p, _ := full(t)
	for encoding, want := range map[string]bool{
		"": false, "identity": false, "gzip": true, "deflate, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false,
		"*": true, "*;q=0, gzip": true, "*, gzip;q=0": false, "GZIP": true, "gzip;Q=0": false, "zstd": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", encoding, got, want)
		}
		if !want {
			continue
		}
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil || !bytes.Contains(b, []byte(`watchword_probe_success{monitor="wiki"} 1`)) {
			t.Errorf("Accept-Encoding %q: unpacked %d bytes, error %v", encoding, len(b), err)
		}
	}
}

func TestPromtoolIsContent(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatalf("%v: install the Debian package prometheus", err)
	}
	p, _ := full(t)
	body, _ := scrape(t, p, textAccept)
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
