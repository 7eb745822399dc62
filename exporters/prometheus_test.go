package exporters

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

func full(t testing.TB) (*Prometheus, *table) {
	t.Helper()
	b := &table{}
	p := NewPrometheus(PrometheusOptions{
		Board: b, Version: "1.2.3", Revision: "abc",
		Incidents: func() []check.IncidentRecord {
			return []check.IncidentRecord{{ID: "1", Fault: check.FaultText{Class: check.IDP}}, {ID: "2", Fault: check.FaultText{Class: check.IDP}}}
		},
		TokenExpiry: func(yield func(string, time.Time)) {
			yield("authelia", time.Unix(1764003600, 0))
			yield("removed", time.Unix(1, 0))
			yield("idle", time.Time{})
		},
		Pending: func() map[string]int { return map[string]int{"ops": 3, "removed": 1} },
		Store:   func() StoreStats { return StoreStats{Writable: true, Errors: 4, Dropped: 5, Unwritten: 6, Size: 7} },
	})
	p.SetNames([]string{"authelia", "idle"}, []string{"ops", "chat"})
	b.set(
		passed("wiki", check.Label{Name: "team", Value: "web"}),
		failed("git", check.Gateway, check.TokenRejected),
		fresh("new", check.Label{Name: "env", Value: `a "quoted" \ back` + "\nline é 🏔"}),
	)
	return p, b
}

// The families of monitors are written by hand: expfmt must read from them
// exactly what it would have written itself, in both formats.
func TestMonitorsRoundTripThroughExpfmt(t *testing.T) {
	p, _ := full(t)
	plain, open := text(t, p, false), text(t, p, true)
	families := parse(t, plain)
	var wantPlain, wantOpen bytes.Buffer
	for _, f := range p.families {
		mf := families[f.name]
		if mf == nil {
			t.Fatalf("family %s is missing", f.name)
		}
		if _, err := expfmt.MetricFamilyToText(&wantPlain, mf); err != nil {
			t.Fatal(err)
		}
		if _, err := expfmt.MetricFamilyToOpenMetrics(&wantOpen, mf); err != nil {
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

func TestValuesOfMonitors(t *testing.T) {
	p, _ := full(t)
	families := parse(t, text(t, p, false))
	for name, want := range map[string]map[string]float64{
		"watchword_monitor_info": {
			"monitor=wiki,name=WIKI,type=http,group=Core,url=https://wiki.example.com/,credential=,env=,team=web":                                          1,
			"monitor=git,name=GIT,type=http,group=Core,url=https://git.example.com/,credential=,env=,team=":                                                1,
			"monitor=new,name=NEW,type=http,group=Core,url=https://new.example.com/,credential=,env=" + `a "quoted" \ back` + "\n" + "line é 🏔" + ",team=": 1,
		},
		"watchword_monitor_status":                             {"monitor=wiki": 1, "monitor=git": 0, "monitor=new": 2},
		"watchword_probe_success":                              {"monitor=wiki": 1, "monitor=git": 0},
		"watchword_probe_duration_seconds":                     {"monitor=wiki": 1.234567, "monitor=git": 10},
		"watchword_probe_http_status_code":                     {"monitor=wiki": 200, "monitor=git": 0},
		"watchword_probe_certificate_expiry_timestamp_seconds": {"monitor=wiki": 1790000000},
		"watchword_probe_last_run_timestamp_seconds":           {"monitor=wiki": 1764000000.123, "monitor=git": 1764000060},
		"watchword_monitor_fault":                              {"monitor=git,class=gateway,reason=token_rejected": 1},
		"watchword_probe_runs_total": {
			"monitor=wiki,result=success": 1234567, "monitor=wiki,result=failure": 3,
			"monitor=git,result=success": 0, "monitor=git,result=failure": 7,
			"monitor=new,result=success": 0, "monitor=new,result=failure": 0,
		},
		"watchword_probe_phase_duration_seconds": {
			"monitor=wiki,phase=token": .005, "monitor=wiki,phase=resolve": .001, "monitor=wiki,phase=connect": .002,
			"monitor=wiki,phase=tls": .003, "monitor=wiki,phase=processing": 1, "monitor=wiki,phase=transfer": 0,
			"monitor=git,phase=token": 0, "monitor=git,phase=resolve": 0, "monitor=git,phase=connect": 0,
			"monitor=git,phase=tls": 0, "monitor=git,phase=processing": 0, "monitor=git,phase=transfer": 0,
		},
	} {
		if got := values(families[name]); !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
}

func TestStatusNumbers(t *testing.T) {
	p, b := full(t)
	want := map[string]float64{}
	var views []board.View
	for state, n := range map[check.State]float64{check.Up: 1, check.Down: 0, check.Exposed: 0, check.Pending: 2, check.Maintenance: 3} {
		v := passed(string(state))
		v.State = state
		views = append(views, v)
		want["monitor="+string(state)] = n
	}
	b.set(views...)
	if got := values(parse(t, text(t, p, false))["watchword_monitor_status"]); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRemovedAndPausedVanish(t *testing.T) {
	p, b := full(t)
	paused := passed("wiki")
	paused.State = check.Paused
	b.set(paused, fresh("git"))
	for _, om := range []bool{false, true} {
		got := text(t, p, om)
		if strings.Contains(got, `"wiki"`) || strings.Contains(got, `"new"`) || strings.Contains(got, "team") {
			t.Errorf("series of a removed or paused monitor are still there:\n%s", got)
		}
		if !strings.Contains(got, `watchword_monitor_status{monitor="git"} 2`) {
			t.Errorf("the monitor that is left is missing:\n%s", got)
		}
	}
}

func TestFaultGoesWithTheFault(t *testing.T) {
	p, b := full(t)
	b.set(passed("git"))
	if got := text(t, p, false); strings.Contains(got, "watchword_monitor_fault{") {
		t.Errorf("a monitor that passes has a fault:\n%s", got)
	}
}

func TestLabelsThatCollide(t *testing.T) {
	p, b := full(t)
	b.set(fresh("a", check.Label{Name: "group", Value: "x"}, check.Label{Name: "label_group", Value: "y"}, check.Label{Name: "not a name", Value: "z"}, check.Label{Name: "", Value: "z"}))
	got := values(parse(t, text(t, p, false))["watchword_monitor_info"])
	want := map[string]float64{"monitor=a,name=A,type=http,group=Core,url=https://a.example.com/,credential=,label_label_group=x,label_group=y": 1}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

type quitter struct{ n int }

func (w *quitter) Write(b []byte) (int, error) {
	if w.n -= len(b); w.n < 0 {
		return 0, errors.New("gone")
	}
	return len(b), nil
}

func TestWriterThatGoesAway(t *testing.T) {
	p, b := full(t)
	b.set(many(2000)...)
	if err := p.writeMonitors(&quitter{100 << 10}, false); err == nil {
		t.Error("got no error from a writer that went away")
	}
	if got := text(t, p, false); !strings.Contains(got, `monitor="m1999"`) {
		t.Error("the scrape after it is not whole")
	}
}

func TestAppendFloat(t *testing.T) {
	for v, want := range map[float64][2]string{
		0: {"0", "0.0"}, math.Copysign(0, -1): {"0", "0.0"}, 1: {"1", "1.0"}, -1: {"-1", "-1.0"}, 200: {"200", "200.0"},
		999999: {"999999", "999999.0"}, 1e6: {"1e+06", "1e+06"}, 1.5: {"1.5", "1.5"}, 1e21: {"1e+21", "1e+21"},
		math.Inf(1): {"+Inf", "+Inf"}, math.Inf(-1): {"-Inf", "-Inf"}, .000001: {"1e-06", "1e-06"},
	} {
		for i, om := range []bool{false, true} {
			if got := string(appendFloat(nil, v, om)); got != want[i] {
				t.Errorf("%v, OpenMetrics %v: got %s, want %s", v, om, got, want[i])
			}
		}
	}
	if got := string(appendFloat(nil, math.NaN(), true)); got != "NaN" {
		t.Errorf("NaN: got %s", got)
	}
}

func FuzzLabelValues(f *testing.F) {
	for _, s := range []string{"", "plain", `a"b\c` + "\n\r\t", "é🏔", "\xff\xfe", "\xed\xa0\x80", "\uFFFD", "\x00", "# EOF\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := passed("id", check.Label{Name: "team", Value: s})
		m := *v.Monitor
		m.Name = s
		v.Monitor = &m
		p := NewPrometheus(PrometheusOptions{Board: &table{views: []board.View{v}}})
		want := string([]rune(s)) // each byte that is not UTF-8 becomes U+FFFD
		labels := parse(t, text(t, p, false))["watchword_monitor_info"].GetMetric()[0].GetLabel()
		for _, l := range labels {
			if (l.GetName() == "name" || l.GetName() == "team") && l.GetValue() != want {
				t.Errorf("label %s: got %q, want %q", l.GetName(), l.GetValue(), want)
			}
		}
	})
}

func many(n int) []board.View {
	views := make([]board.View, n)
	for i := range views {
		id := "m" + strconv.Itoa(i)
		views[i] = passed(id, check.Label{Name: "team", Value: "web"})
		if i%20 == 0 {
			views[i] = failed(id, check.Network, check.Connect)
		}
	}
	return views
}

func TestScrapeAllocatesLittle(t *testing.T) {
	p := NewPrometheus(PrometheusOptions{Board: &table{views: many(1000)}})
	text(t, p, false)
	got := testing.AllocsPerRun(20, func() { _ = p.writeMonitors(io.Discard, false) })
	if got > 50 {
		t.Errorf("got %v allocations a scrape of 1000 monitors, want a few", got)
	}
}

func TestFamiliesAreNotInTheRegistry(t *testing.T) {
	p, _ := full(t)
	gathered, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range gathered {
		if slices.ContainsFunc(p.families, func(x family) bool { return x.name == f.GetName() }) {
			t.Errorf("%s is written twice", f.GetName())
		}
	}
}

// BenchmarkScrapeCompat is a scrape without and with Uptime Kuma's names.
func BenchmarkScrapeCompat(b *testing.B) {
	for _, compat := range []string{"none", UptimeKuma} {
		b.Run(compat, func(b *testing.B) {
			p := NewPrometheus(PrometheusOptions{Board: &table{views: many(2000)}})
			if compat == UptimeKuma {
				p.SetCompat([]string{compat})
			}
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept-Encoding", "identity")
			b.ReportAllocs()
			for b.Loop() {
				p.ServeHTTP(discard{http.Header{}}, r)
			}
		})
	}
}

func BenchmarkScrape(b *testing.B) {
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			p := NewPrometheus(PrometheusOptions{Board: &table{views: many(10_000)}})
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept-Encoding", encoding)
			b.ReportAllocs()
			for b.Loop() {
				w := discard{http.Header{}}
				p.ServeHTTP(w, r)
			}
		})
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
