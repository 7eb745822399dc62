package exporters

import (
	"math"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Uptime Kuma's own families, for dashboards and rules that were made for it:
// its names, numbers and labels. Where its labels are a trap ours are right: a
// URL has no query, and every monitor has every label, so that no series
// vanishes when one gets a new one.

func kumaLabels() []string {
	return []string{"monitor_id", "monitor_name", "monitor_type", "monitor_url", "monitor_hostname", "monitor_port", "window"}
}

func kumaFamilies() []family {
	return []family{
		kumaFamily("monitor_status", "Uptime Kuma's name for the state: 1 up, 0 down, 2 pending, 3 maintenance.",
			func(s *sample) (float64, bool) { return float64(s.status), true }),
		kumaFamily("monitor_response_time", "Uptime Kuma's name for the time of the last run in milliseconds, -1 if no answer was good enough to be read.", kumaResponse),
		kumaFamily("monitor_cert_days_remaining", "Uptime Kuma's name for the days until the certificate expires, rounded.", kumaDays),
		kumaFamily("monitor_cert_is_valid", "Uptime Kuma's name for whether the certificate is trusted and in its time.", kumaValid),
		{name: "monitor_uptime_ratio", help: "Uptime Kuma's name for the share of the window that the monitor was up.", kuma: true, write: writeKumaUptime},
	}
}

func kumaFamily(name, help string, value func(*sample) (float64, bool)) family {
	return family{name: name, help: help, kuma: true, write: func(l *lines, name string, s *sample, labels []infoLabel) {
		if v, ok := value(s); ok {
			l.series(name)
			l.kuma(s.monitor, labels)
			l.value(v)
		}
	}}
}

// kuma writes the labels of a monitor as Uptime Kuma has them. Host and port are
// for monitors that ask for no URL, and "null" for all others.
func (l *lines) kuma(m *check.Monitor, labels []infoLabel) {
	kind := m.KumaType
	if kind == "" {
		kind = m.Type
	}
	l.label("monitor_id", m.ID)
	l.label("monitor_name", m.Name)
	l.label("monitor_type", kind)
	l.label("monitor_url", m.URL)
	l.label("monitor_hostname", "null")
	l.label("monitor_port", "null")
	for _, label := range labels {
		l.label(label.as, labelValue(m.Labels, label.name))
	}
}

// kumaResponse is -1 for a run that failed before its answer was looked into, as
// Kuma has it.
func kumaResponse(s *sample) (float64, bool) {
	if !s.passed && s.class != check.Content {
		return -1, s.ran
	}
	return float64(s.took.Round(time.Millisecond).Milliseconds()), s.ran
}

func kumaDays(s *sample) (float64, bool) {
	const day = 24 * time.Hour
	if s.chain == nil {
		return 0, false
	}
	return math.Round(float64(time.Until(s.chain.NotAfter)) / float64(day)), true
}

// kumaValid has no value for a chain that nobody verified.
func kumaValid(s *sample) (float64, bool) {
	if s.class == check.TLS && s.reason != check.Handshake {
		return 0, true
	}
	if s.chain == nil || !s.chain.Verified {
		return 0, false
	}
	return number(time.Now().Before(s.chain.NotAfter)), true
}

func writeKumaUptime(l *lines, name string, s *sample, labels []infoLabel) {
	for _, w := range [...]struct {
		window string
		share  float64
	}{{"1d", s.day}, {"30d", s.month}} {
		if math.IsNaN(w.share) {
			continue
		}
		l.series(name)
		l.kuma(s.monitor, labels)
		l.label("window", w.window)
		l.value(w.share)
	}
}
