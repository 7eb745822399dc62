// Package exporters is how machines hear of what Watchword sees: it turns the
// live table and what the agent counts into metrics. It takes no decision and
// keeps no history.
package exporters

import (
	"bytes"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// Monitors is the live table: it calls f for every monitor in the order of the
// configuration, until f returns false. The View is only valid during the call.
type Monitors interface {
	Each(f func(*board.View) bool)
}

// StoreStats is what the metrics tell about the database.
type StoreStats struct {
	Writable  bool
	Errors    uint64 // writes that failed
	Dropped   uint64 // rows of history given up, because memory for them is bounded
	Unwritten int    // changes of state held in memory until they can be written
	Size      int64  // bytes on disk, 0 without a file
}

// PrometheusOptions says where the metrics come from. Each func is called once
// per scrape and may be nil: its family is then left out, but for incidents and
// pending notifications, which are 0.
type PrometheusOptions struct {
	Board     Monitors
	Version   string
	Revision  string // of the source, "" for unknown
	Incidents func() []check.IncidentRecord
	// TokenExpiry calls yield once for every credential that holds a token now.
	TokenExpiry func(yield func(credential string, expiry time.Time))
	Pending     func() map[string]int // messages that wait, by notifier
	Store       func() StoreStats
	Log         *slog.Logger // nil: slog.Default
}

// Prometheus serves /metrics. What exists once per monitor is read off the
// board and streamed; what exists once per agent is held in a registry. Its
// methods may be called from several goroutines.
type Prometheus struct {
	o        PrometheusOptions
	log      *slog.Logger
	registry *prometheus.Registry
	in       instruments
	families []family
	withKuma []family    // and Uptime Kuma's
	kuma     atomic.Bool // whether those are written

	mu          sync.RWMutex
	credentials map[string]credentialCounters
	notifiers   map[string]notifierCounters

	scratch sync.Pool // *scratch
	gzips   sync.Pool // *gzip.Writer
	buffers sync.Pool // *bytes.Buffer
}

// NewPrometheus returns the metrics of an agent whose configuration has just
// been loaded. SetNames tells it about credentials and notifiers.
func NewPrometheus(o PrometheusOptions) *Prometheus {
	p := &Prometheus{
		o: o, log: o.Log, registry: prometheus.NewRegistry(), families: monitorFamilies(),
		credentials: map[string]credentialCounters{}, notifiers: map[string]notifierCounters{},
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	p.withKuma = append(monitorFamilies(), kumaFamilies()...)
	p.scratch.New = func() any { return &scratch{} }
	p.gzips.New = newGzip
	p.buffers.New = func() any { return new(bytes.Buffer) }
	p.in = newInstruments(p.registry, o.Version, o.Revision)
	p.registry.MustRegister(newStateCollector(p))
	p.Reloaded(true, time.Now())
	return p
}

// TokenRequest counts a request to a token endpoint. Result is "ok" or the
// reason of the fault. What is told of a credential that SetNames did not name
// is not counted.
func (p *Prometheus) TokenRequest(credential, result string, took time.Duration) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c, ok := p.credentials[credential]
	if !ok {
		return
	}
	if n, ok := c.results[result]; ok {
		n.Inc()
	}
	c.took.Observe(took.Seconds())
}

// Fault counts a run that failed.
func (p *Prometheus) Fault(class check.Class, reason check.Reason) {
	if n, ok := p.in.faults[fault{class, reason}]; ok {
		n.Inc()
	}
}

// Notification counts a message that is done with: delivered, refused,
// superseded or dropped.
func (p *Prometheus) Notification(notifier, outcome string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if n, ok := p.notifiers[notifier].outcomes[outcome]; ok {
		n.Inc()
	}
}

// NotificationAttempt counts one attempt to send: ok, retry or refused.
func (p *Prometheus) NotificationAttempt(notifier, result string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if n, ok := p.notifiers[notifier].attempts[result]; ok {
		n.Inc()
	}
}

// ExportAttempt counts one attempt to tell another program of a monitor: ok,
// retry or refused.
func (p *Prometheus) ExportAttempt(exporter, result string) {
	if n, ok := p.in.exports[exportResult{exporter, result}]; ok {
		n.Inc()
	}
}

// Lag observes how late a run began.
func (p *Prometheus) Lag(d time.Duration) { p.in.lag.Observe(d.Seconds()) }

// Skipped counts a run that was due and left out.
func (p *Prometheus) Skipped() { p.in.skipped.Inc() }

// ModuleUnknown counts a request to /probe for a module that there is not.
func (p *Prometheus) ModuleUnknown() { p.in.unknownModule.Inc() }

// StoreCommit observes how long a commit of the database took.
func (p *Prometheus) StoreCommit(d time.Duration) { p.in.commit.Observe(d.Seconds()) }

// Reloaded tells whether the configuration was taken over, and when.
func (p *Prometheus) Reloaded(ok bool, at time.Time) {
	if !ok {
		p.in.reloadOK.Set(0)
		return
	}
	p.in.reloadOK.Set(1)
	p.in.reloadAt.Set(unix(at))
}

// SetNames tells which credentials fetch tokens and which notifiers there are:
// their counters exist from then on, and those of others vanish.
func (p *Prometheus) SetNames(credentials, notifiers []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep(p.credentials, credentials, p.in.addCredential, p.in.dropCredential)
	keep(p.notifiers, notifiers, p.in.addNotifier, p.in.dropNotifier)
}

// SetCompat tells which other programs' metrics there are as well: the values of
// metrics.compat.
func (p *Prometheus) SetCompat(names []string) { p.kuma.Store(slices.Contains(names, UptimeKuma)) }

// keep makes names the keys of have.
func keep[T any](have map[string]T, names []string, add func(string) T, drop func(string)) {
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
		if _, ok := have[name]; !ok {
			have[name] = add(name)
		}
	}
	for name := range have {
		if !wanted[name] {
			drop(name)
			delete(have, name)
		}
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
