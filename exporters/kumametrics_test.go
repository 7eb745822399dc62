package exporters

import (
	"bytes"
	"io"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// secured is a monitor that showed a certificate with so long to live.
func secured(id string, left time.Duration, verified bool) board.View {
	v := passed(id)
	v.Last.Chain = &check.Chain{NotAfter: time.Now().Add(left), Verified: verified}
	v.Last.CertExpiry = v.Last.Chain.NotAfter
	v.Uptime24h, v.Uptime30d = 1, .875
	return v
}

func kumaRows() []board.View {
	const day = 24 * time.Hour
	keyword := secured("wiki", 20*day+20*time.Hour, true)
	m := *keyword.Monitor
	m.KumaType = "keyword"
	m.Labels = []check.Label{{Name: "monitor_port", Value: "taken"}, {Name: "team", Value: "eu-west.1"}}
	keyword.Monitor = &m
	unverified := secured("lax", 5*day, false)
	unverified.Last.Fault = &check.FaultText{Class: check.Content, Reason: check.KeywordMissing}
	expired := failed("old", check.TLS, check.CertificateExpired)
	expired.Last.Chain = &check.Chain{NotAfter: time.Now().Add(-2 * day), Verified: true}
	refused := failed("git", check.Network, check.Connect)
	refused.Uptime24h, refused.Uptime30d = math.NaN(), math.NaN()
	return []board.View{keyword, unverified, expired, refused, fresh("new")}
}

func labelled(id, name, kind, url, team string) string {
	return "monitor_id=" + id + ",monitor_name=" + name + ",monitor_type=" + kind + ",monitor_url=" + url +
		",monitor_hostname=null,monitor_port=null,label_monitor_port=" + map[bool]string{true: "taken"}[team != ""] + ",team=" + team
}

func TestKumaMetrics(t *testing.T) {
	b := &table{}
	p := NewPrometheus(PrometheusOptions{Board: b})
	b.set(kumaRows()...)
	if got := text(t, p, false); strings.Contains(got, "\nmonitor_") || strings.Contains(got, " monitor_") {
		t.Fatal("Kuma's families are there without being asked for")
	}
	p.SetCompat([]string{UptimeKuma})
	families := parse(t, text(t, p, false))
	wiki := labelled("wiki", "WIKI", "keyword", "https://wiki.example.com/", "eu-west.1")
	lax, old := labelled("lax", "LAX", "http", "https://lax.example.com/", ""), labelled("old", "OLD", "http", "https://old.example.com/", "")
	git, fresh := labelled("git", "GIT", "http", "https://git.example.com/", ""), labelled("new", "NEW", "http", "https://new.example.com/", "")
	for name, want := range map[string]map[string]float64{
		"monitor_status":              {wiki: 1, lax: 1, old: 0, git: 0, fresh: 2},
		"monitor_response_time":       {wiki: 1235, lax: 1235, old: -1, git: -1},
		"monitor_cert_days_remaining": {wiki: 21, lax: 5, old: -2},
		"monitor_cert_is_valid":       {wiki: 1, old: 0},
		"monitor_uptime_ratio": {wiki + ",window=1d": 1, wiki + ",window=30d": .875, lax + ",window=1d": 1, lax + ",window=30d": .875,
			old + ",window=1d": 0, old + ",window=30d": 0, fresh + ",window=1d": 0, fresh + ",window=30d": 0},
	} {
		if got := values(families[name]); !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
	p.SetCompat(nil)
	if got := text(t, p, false); strings.Contains(got, "# TYPE monitor_status") {
		t.Error("Kuma's families stay")
	}
}

func TestKumaMetricsRoundTripThroughExpfmt(t *testing.T) {
	p, b := full(t)
	b.set(append(kumaRows(), fresh("odd", check.Label{Name: "env", Value: `a "quoted" \ back` + "\nline"}))...)
	p.SetCompat([]string{UptimeKuma})
	plain, open := text(t, p, false), text(t, p, true)
	families := parse(t, plain)
	var wantPlain, wantOpen bytes.Buffer
	for _, f := range p.withKuma {
		if _, err := expfmt.MetricFamilyToText(&wantPlain, families[f.name]); err != nil {
			t.Fatal(err)
		}
		if _, err := expfmt.MetricFamilyToOpenMetrics(&wantOpen, families[f.name]); err != nil {
			t.Fatal(err)
		}
	}
	if plain != wantPlain.String() {
		t.Errorf("text format: got\n%s\nwant\n%s", plain, &wantPlain)
	}
	if open != wantOpen.String() {
		t.Errorf("OpenMetrics: got\n%s\nwant\n%s", open, &wantOpen)
	}
}

// TestNoKumaSeriesVanishes is the trap of Uptime Kuma that a tag which is new
// makes all series of its monitor vanish until a restart; and the one that a
// paused monitor keeps a stale state.
func TestNoKumaSeriesVanishes(t *testing.T) {
	b := &table{}
	p := NewPrometheus(PrometheusOptions{Board: b})
	p.SetCompat([]string{UptimeKuma})
	b.set(passed("wiki"), passed("git"))
	count := func() (n, labels int) {
		f := parse(t, text(t, p, false))["monitor_status"]
		for _, m := range f.GetMetric() {
			if labels == 0 {
				labels = len(m.GetLabel())
			}
			if len(m.GetLabel()) != labels {
				t.Errorf("the series have %d and %d labels", labels, len(m.GetLabel()))
			}
		}
		return len(f.GetMetric()), labels
	}
	if n, labels := count(); n != 2 || labels != 6 {
		t.Errorf("got %d series of %d labels, want 2 of 6", n, labels)
	}
	b.set(passed("wiki", check.Label{Name: "newtag", Value: "x"}), passed("git"))
	if n, labels := count(); n != 2 || labels != 7 {
		t.Errorf("with a new label: got %d series of %d labels, want 2 of 7", n, labels)
	}
	paused := failed("wiki", check.Target, check.Status)
	paused.State = check.Paused
	b.set(paused, passed("git"))
	if got := text(t, p, false); strings.Contains(got, "wiki") {
		t.Errorf("a paused monitor is still there:\n%s", got)
	}
}

func TestKumaScrapeAllocatesLittle(t *testing.T) {
	p := NewPrometheus(PrometheusOptions{Board: &table{views: many(1000)}})
	p.SetCompat([]string{UptimeKuma})
	text(t, p, false)
	if got := testing.AllocsPerRun(20, func() { _ = p.writeMonitors(io.Discard, false) }); got > 60 {
		t.Errorf("got %v allocations a scrape of 1000 monitors, want a few", got)
	}
}
