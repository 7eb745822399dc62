package exporters

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/watchword/watchword/internal/check"
)

// stateCollector reads, once per scrape, what other rooms hold: nothing of it
// can go stale, and what they no longer hold vanishes.
type stateCollector struct {
	p                                               *Prometheus
	incidents, expiry, pending                      *prometheus.Desc
	writable, storeErrors, dropped, size, unwritten *prometheus.Desc
}

func newStateCollector(p *Prometheus) *stateCollector {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &stateCollector{
		p:           p,
		incidents:   d("watchword_incidents_open", "Incidents that are open, by the class of what failed.", "class"),
		expiry:      d("watchword_token_expiry_timestamp_seconds", "When the token that is held now expires.", "credential"),
		pending:     d("watchword_notifications_pending", "Messages that wait to be delivered.", "notifier"),
		writable:    d("watchword_store_writable", "Whether the last write to the database succeeded."),
		storeErrors: d("watchword_store_errors_total", "Writes to the database that failed."),
		dropped:     d("watchword_store_rows_dropped_total", "Rows of history that were given up because they could not be written in time."),
		size:        d("watchword_store_size_bytes", "Size of the database on disk."),
		unwritten:   d("watchword_store_unwritten_changes", "Changes of state that are held in memory because they could not be written yet."),
	}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.incidents, c.expiry, c.pending, c.writable, c.storeErrors, c.dropped, c.size, c.unwritten} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	c.collectIncidents(ch)
	c.collectNames(ch)
	c.collectStore(ch)
}

func (c *stateCollector) collectIncidents(ch chan<- prometheus.Metric) {
	open := map[check.Class]int{}
	if c.p.o.Incidents != nil {
		for _, r := range c.p.o.Incidents() {
			open[r.Fault.Class]++
		}
	}
	for _, class := range check.Classes() {
		ch <- metric(c.incidents, prometheus.GaugeValue, float64(open[class]), string(class))
	}
}

// collectNames reports by credential and notifier, for those only that are
// configured: a message may outlive its notifier.
func (c *stateCollector) collectNames(ch chan<- prometheus.Metric) {
	expiries, pending := map[string]time.Time{}, map[string]int{}
	if c.p.o.TokenExpiry != nil {
		c.p.o.TokenExpiry(func(name string, at time.Time) { expiries[name] = at })
	}
	if c.p.o.Pending != nil {
		pending = c.p.o.Pending()
	}
	c.p.mu.RLock()
	defer c.p.mu.RUnlock()
	for name := range c.p.credentials {
		if at := expiries[name]; !at.IsZero() {
			ch <- metric(c.expiry, prometheus.GaugeValue, unix(at), valid(name))
		}
	}
	for name := range c.p.notifiers {
		ch <- metric(c.pending, prometheus.GaugeValue, float64(pending[name]), valid(name))
	}
}

func (c *stateCollector) collectStore(ch chan<- prometheus.Metric) {
	if c.p.o.Store == nil {
		return
	}
	s := c.p.o.Store()
	writable := 0.0
	if s.Writable {
		writable = 1
	}
	ch <- metric(c.writable, prometheus.GaugeValue, writable)
	ch <- metric(c.storeErrors, prometheus.CounterValue, float64(s.Errors))
	ch <- metric(c.dropped, prometheus.CounterValue, float64(s.Dropped))
	ch <- metric(c.size, prometheus.GaugeValue, float64(s.Size))
	ch <- metric(c.unwritten, prometheus.GaugeValue, float64(s.Unwritten))
}

func metric(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(d, t, v, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(d, err)
	}
	return m
}
