package exporters

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

const (
	textAccept        = "text/plain"
	openMetricsAccept = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table is a board that holds what it is told to.
type table struct {
	mu    sync.Mutex
	views []board.View
}

func (t *table) Each(f func(*board.View) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.views {
		if !f(&t.views[i]) {
			return
		}
	}
}

func (t *table) set(views ...board.View) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.views = views
}

func fresh(id string, labels ...check.Label) board.View {
	return board.View{
		State:   check.Pending,
		Monitor: &check.Monitor{ID: id, Name: strings.ToUpper(id), Type: "http", Group: "Core", URL: "https://" + id + ".example.com/", Labels: labels},
	}
}

func passed(id string, labels ...check.Label) board.View {
	v := fresh(id, labels...)
	v.State, v.RunsOK, v.RunsFailed = check.Up, 1234567, 3
	v.Last = board.Last{
		Has: true, Start: time.Unix(1764000000, 123e6), Took: 1234567 * time.Microsecond, StatusCode: 200,
		Phases:     check.Phases{Token: 5 * time.Millisecond, Resolve: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, Processing: time.Second},
		CertExpiry: time.Unix(1790000000, 0),
	}
	return v
}

func failed(id string, c check.Class, r check.Reason) board.View {
	v := fresh(id)
	v.State, v.RunsFailed = check.Down, 7
	v.Last = board.Last{Has: true, Start: time.Unix(1764000060, 0), Took: 10 * time.Second, Fault: &check.FaultText{Class: c, Reason: r, Message: "m", Hint: "h"}}
	return v
}

// scrape asks over the wire, as a Prometheus would.
func scrape(t *testing.T, p *Prometheus, accept string) (string, http.Header) {
	t.Helper()
	srv := httptest.NewServer(p)
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("scrape: status %d, error %v", resp.StatusCode, err)
	}
	return string(b), resp.Header
}

func parse(t testing.TB, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("expfmt does not read what we wrote: %v", err)
	}
	return families
}

// values are the samples of a family by their labels, as `a="1",b="2"`.
func values(f *dto.MetricFamily) map[string]float64 {
	out := map[string]float64{}
	for _, m := range f.GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			labels = append(labels, l.GetName()+"="+l.GetValue())
		}
		out[strings.Join(labels, ",")] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
	}
	return out
}

func text(t testing.TB, p *Prometheus, openMetrics bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.writeMonitors(&b, openMetrics); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
