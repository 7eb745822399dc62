package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/watchword/watchword/exporters"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

const (
	defaultModule = "http_2xx" // as blackbox_exporter has it
	scrapeTimeout = "X-Prometheus-Scrape-Timeout-Seconds"
	margin        = 500 * time.Millisecond // for the answer to reach Prometheus in time
)

// serveProbe answers GET /probe as blackbox_exporter does: 400 for what cannot be
// probed, and 200 with metrics whatever came of what was. Its answers are
// text/plain.
func (a *Agent) serveProbe(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name := cmp.Or(q.Get("module"), defaultModule)
	m := a.plan.Load().modules[name]
	if m == nil {
		a.metrics.ModuleUnknown()
		a.log.Debug("unknown module", "module", secret.Line(name, 100))
		http.Error(w, fmt.Sprintf("Unknown module %q", secret.Line(name, 100)), http.StatusBadRequest)
		return
	}
	target, status, err := m.aim(q)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	limit, err := m.limit(r.Header.Get(scrapeTimeout))
	if err != nil {
		http.Error(w, "Failed to parse timeout from Prometheus header: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	waited, ok := a.turn(ctx, limit)
	if !ok {
		noTurn(w)
		return
	}
	defer func() { <-a.probing }()
	a.scrape(ctx, w, r, visit{m, target, limit, waited})
}

// turn takes a place for a run of at most limit. It waits for one no longer than
// half of that: with less time than that, a target that is well may look slow.
func (a *Agent) turn(ctx context.Context, limit time.Duration) (waited, ok bool) {
	select {
	case a.probing <- struct{}{}:
		return false, true
	default:
	}
	patience := time.NewTimer(limit / 2)
	defer patience.Stop()
	select {
	case a.probing <- struct{}{}:
		return true, true
	case <-patience.C:
	case <-ctx.Done():
	}
	return true, false
}

func noTurn(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "too many probes are running at once: this one did not get its turn in time", http.StatusServiceUnavailable)
}

// visit is one request for a probe that can be made.
type visit struct {
	module *module
	target *url.URL
	limit  time.Duration
	waited bool // for its turn, so that less than limit was left
}

func (a *Agent) scrape(ctx context.Context, w http.ResponseWriter, r *http.Request, v visit) {
	p, after, err := v.module.lend(v.target)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	res, seen := p.Look(ctx)
	after()
	if errors.Is(r.Context().Err(), context.Canceled) { // the agent ends, or nobody listens: it is no fault of the target
		http.Error(w, "the probe was cut short", http.StatusServiceUnavailable)
		return
	}
	if v.waited && res.Fault != nil && ctx.Err() != nil { // it may have passed with the time that was lost
		noTurn(w)
		return
	}
	if f := res.Fault; f != nil {
		a.log.Debug("probe failed", "module", v.module.name, "target", res.Monitor.URL, "class", string(f.Class), "reason", string(f.Reason), "message", f.Message)
	}
	metrics := exporters.NewBlackbox(res, seen, len(v.module.cfg.HTTP.Expect.JSON) > 0, a.log)
	if r.URL.Query().Get("debug") != "true" {
		metrics.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(debugText(v, res, metrics.String()))) // who asked may have gone
}

// aim returns what is to be probed, or the answer to who may not have it probed.
func (m *module) aim(q url.Values) (target *url.URL, status int, err error) {
	switch {
	case q.Get("target") == "":
		return nil, http.StatusBadRequest, errors.New("Target parameter is missing") //nolint:revive,staticcheck // blackbox_exporter's words
	case q.Get("hostname") != "":
		return nil, http.StatusBadRequest, errors.New("hostname is not supported: set headers: {Host: …} and tls: {server_name: …} in a module")
	}
	if target, err = probes.Target(q.Get("target")); err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("the target cannot be probed: %w", err)
	}
	if m.targets != nil && !m.targets.Allow(target) {
		return nil, http.StatusForbidden, fmt.Errorf("module %q does not allow this target, read as %s: if it is meant to, add it to its allowed_targets, such as %s",
			m.name, secret.URL(target.String()), target.Scheme+"://"+target.Host+"/*")
	}
	return target, 0, nil
}

// limit is how long a run may take: what the module says, and less than
// Prometheus waits. The value of its header is in seconds, "" for none.
func (m *module) limit(header string) (time.Duration, error) {
	if header == "" {
		return m.cfg.Timeout, nil
	}
	seconds, err := strconv.ParseFloat(header, 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 {
		return 0, errors.New("a number of seconds is wanted")
	}
	if seconds == 0 || seconds > m.cfg.Timeout.Seconds()+margin.Seconds() {
		return m.cfg.Timeout, nil
	}
	patience := time.Duration(seconds * float64(time.Second))
	return min(m.cfg.Timeout, max(patience-margin, patience/2)), nil
}
