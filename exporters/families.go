package exporters

import (
	"maps"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// sample is what a scrape takes of one monitor from the board: all families
// tell of the same moment, and the board is walked once.
type sample struct {
	monitor   *check.Monitor
	status    int
	ran       bool // the fields below hold values
	passed    bool
	code      int
	start     time.Time
	took      time.Duration
	phases    check.Phases
	expires   time.Time // of the certificate, zero for none
	class     check.Class
	reason    check.Reason // "" while it does not fail
	succeeded uint64
	failed    uint64

	chain      *check.Chain // that was seen last
	day, month float64      // uptime, NaN for unknown
}

// family is one family of metrics with a monitor's id as label. Its name is
// the name of its samples.
type family struct {
	name, help string
	counter    bool
	kuma       bool // it carries Uptime Kuma's labels
	write      func(l *lines, name string, s *sample, labels []infoLabel)
}

// simple is a family of one value per monitor; value says whether there is one.
func simple(name, help string, value func(*sample) (float64, bool)) family {
	return family{name: name, help: help, write: func(l *lines, name string, s *sample, _ []infoLabel) {
		v, ok := value(s)
		if !ok {
			return
		}
		l.series(name)
		l.label("monitor", s.monitor.ID)
		l.value(v)
	}}
}

func monitorFamilies() []family {
	return []family{
		{name: "watchword_monitor_info", help: "Always 1; the labels say what the monitor is.", write: writeInfo},
		simple("watchword_monitor_status", "State of the monitor: 1 up, 0 down or exposed, 2 pending, 3 maintenance.",
			func(s *sample) (float64, bool) { return float64(s.status), true }),
		simple("watchword_probe_success", "Whether the last run passed.",
			func(s *sample) (float64, bool) { return number(s.passed), s.ran }),
		simple("watchword_probe_duration_seconds", "How long the last run took.",
			func(s *sample) (float64, bool) { return s.took.Seconds(), s.ran }),
		{name: "watchword_probe_phase_duration_seconds", help: "Where the time of the last run went, summed over its hops.", write: writePhases()},
		simple("watchword_probe_http_status_code", "HTTP status of the last answer of the last run, 0 if no answer came.",
			func(s *sample) (float64, bool) { return float64(s.code), s.ran }),
		simple("watchword_probe_certificate_expiry_timestamp_seconds", "When the first certificate of the chain that was last seen expires.",
			func(s *sample) (float64, bool) { return float64(s.expires.Unix()), !s.expires.IsZero() }),
		simple("watchword_probe_last_run_timestamp_seconds", "When the last run began.",
			func(s *sample) (float64, bool) { return unix(s.start), s.ran }),
		{name: "watchword_probe_runs_total", help: "Runs since the agent began to watch the monitor.", counter: true, write: writeRuns},
		{name: "watchword_monitor_fault", help: "1 while the monitor fails; the labels say what failed.", write: writeFault},
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func writePhases() func(*lines, string, *sample, []infoLabel) {
	phases := check.PhaseNames()
	return func(l *lines, name string, s *sample, _ []infoLabel) {
		if !s.ran {
			return
		}
		for i, d := range s.phases.Values() {
			l.series(name)
			l.label("monitor", s.monitor.ID)
			l.label("phase", phases[i])
			l.value(d.Seconds())
		}
	}
}

func writeRuns(l *lines, name string, s *sample, _ []infoLabel) {
	for _, r := range [...]struct {
		result string
		n      uint64
	}{{"success", s.succeeded}, {"failure", s.failed}} {
		l.series(name)
		l.label("monitor", s.monitor.ID)
		l.label("result", r.result)
		l.value(float64(r.n))
	}
}

func writeFault(l *lines, name string, s *sample, _ []infoLabel) {
	if s.reason == "" {
		return
	}
	l.series(name)
	l.label("monitor", s.monitor.ID)
	l.label("class", string(s.class))
	l.label("reason", string(s.reason))
	l.value(1)
}

// writeInfo writes every label of every monitor, so that the family has one
// set of labels whatever the monitors are labelled with.
func writeInfo(l *lines, name string, s *sample, labels []infoLabel) {
	m := s.monitor
	l.series(name)
	l.label("monitor", m.ID)
	l.label("name", m.Name)
	l.label("type", m.Type)
	l.label("group", m.Group)
	l.label("url", m.URL)
	l.label("credential", m.Credential)
	for _, label := range labels {
		l.label(label.as, labelValue(m.Labels, label.name))
	}
	l.value(1)
}

func labelValue(labels []check.Label, name string) string {
	for i := range labels {
		if labels[i].Name == name {
			return labels[i].Value
		}
	}
	return ""
}

// infoLabel is a label of the configuration and the name that it is exposed by.
type infoLabel struct{ name, as string }

// infoLabels are all labels that any of the monitors has, sorted. One that has
// the name of one of the family's own is exposed as label_NAME. What is no label name would
// make the whole scrape unreadable and is left out; config refuses it.
func infoLabels(names map[string]bool, own ...string) []infoLabel {
	taken := map[string]bool{}
	for _, name := range own {
		taken[name] = true
	}
	labels := make([]infoLabel, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !isLabelName(name) {
			continue
		}
		as := name
		for taken[as] || as != name && names[as] {
			as = "label_" + as
		}
		taken[as] = true
		labels = append(labels, infoLabel{name, as})
	}
	return labels
}

// isLabelName says whether s is a label name that the text format allows.
func isLabelName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
