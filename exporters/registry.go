package exporters

import (
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/watchword/watchword/internal/check"
)

type fault struct {
	class  check.Class
	reason check.Reason
}

type exportResult struct{ exporter, result string }

type credentialCounters struct {
	results map[string]prometheus.Counter
	took    prometheus.Observer
}

type notifierCounters struct {
	outcomes, attempts map[string]prometheus.Counter
}

// instruments are the metrics that exist once per agent and that events drive.
type instruments struct {
	faults                   map[fault]prometheus.Counter
	tokens                   *prometheus.CounterVec
	tokenTook                *prometheus.HistogramVec
	notifications, attempts  *prometheus.CounterVec
	lag, commit              prometheus.Histogram
	skipped                  prometheus.Counter
	unknownModule            prometheus.Counter
	reloadOK, reloadAt       prometheus.Gauge
	exports                  map[exportResult]prometheus.Counter
	results, outcomes, tries []string
}

func newInstruments(r *prometheus.Registry, version, revision string) instruments {
	in := instruments{
		tokens:        counters("watchword_token_requests_total", "Requests to token endpoints, by what came of them.", "credential", "result"),
		notifications: counters("watchword_notifications_total", "Messages that are done with, by what came of them.", "notifier", "result"),
		attempts:      counters("watchword_notification_attempts_total", "Attempts to send a message, by what came of them.", "notifier", "result"),
		tokenTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "watchword_token_request_duration_seconds", Help: "How long requests to token endpoints took.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"credential"}),
		lag: histogram("watchword_schedule_lag_seconds", "How late runs began.",
			.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60),
		commit: histogram("watchword_store_commit_duration_seconds", "How long it took to write a change of state to disk.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30),
		skipped:       prometheus.NewCounter(prometheus.CounterOpts{Name: "watchword_schedule_skipped_total", Help: "Runs that were due and were left out, because the one before had not ended or the agent had slept."}),
		unknownModule: prometheus.NewCounter(prometheus.CounterOpts{Name: "blackbox_module_unknown_total", Help: "Count of unknown modules requested by probes"}),
		reloadOK:      gauge("watchword_config_last_reload_successful", "Whether the last attempt to load the configuration succeeded."),
		reloadAt:      gauge("watchword_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded."),
		results:       tokenResults(),
		outcomes:      []string{"delivered", "refused", "superseded", "dropped"},
		tries:         []string{"ok", "retry", "refused"},
	}
	faults := counters("watchword_faults_total", "Runs that failed, by what failed.", "class", "reason")
	in.faults = map[fault]prometheus.Counter{}
	check.EachReason(func(c check.Class, reason check.Reason) {
		in.faults[fault{c, reason}] = faults.WithLabelValues(string(c), string(reason))
	})
	exports := counters("watchword_export_attempts_total", "Attempts to tell another program of a monitor, by what came of them.", "exporter", "result")
	in.exports = map[exportResult]prometheus.Counter{}
	for _, result := range in.tries {
		in.exports[exportResult{"kuma_push", result}] = exports.WithLabelValues("kuma_push", result)
	}
	r.MustRegister(faults, exports, in.tokens, in.notifications, in.attempts, in.tokenTook, in.lag, in.commit, in.skipped, in.unknownModule,
		in.reloadOK, in.reloadAt, buildInfo(version, revision),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return in
}

// tokenResults are all values that the label result of a token request takes.
func tokenResults() []string {
	results := []string{"ok"}
	check.EachReason(func(c check.Class, reason check.Reason) {
		if c == check.IDP || c == check.Credential {
			results = append(results, string(reason))
		}
	})
	return results
}

func (in *instruments) addCredential(name string) credentialCounters {
	name = valid(name)
	return credentialCounters{results: curry(in.tokens, name, in.results), took: in.tokenTook.WithLabelValues(name)}
}

func (in *instruments) dropCredential(name string) {
	name = valid(name)
	in.tokens.DeletePartialMatch(prometheus.Labels{"credential": name})
	in.tokenTook.DeleteLabelValues(name)
}

func (in *instruments) addNotifier(name string) notifierCounters {
	name = valid(name)
	return notifierCounters{outcomes: curry(in.notifications, name, in.outcomes), attempts: curry(in.attempts, name, in.tries)}
}

func (in *instruments) dropNotifier(name string) {
	name = valid(name)
	in.notifications.DeletePartialMatch(prometheus.Labels{"notifier": name})
	in.attempts.DeletePartialMatch(prometheus.Labels{"notifier": name})
}

// curry makes the counters of one name exist for every result there is.
func curry(vec *prometheus.CounterVec, name string, results []string) map[string]prometheus.Counter {
	out := make(map[string]prometheus.Counter, len(results))
	for _, result := range results {
		out[result] = vec.WithLabelValues(name, result)
	}
	return out
}

func buildInfo(version, revision string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "watchword_build_info", Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": valid(version), "revision": valid(revision), "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

// valid makes a label value of any string: client_golang panics on invalid UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
