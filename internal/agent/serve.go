package agent

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/exporters"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/incident"
	"github.com/watchword/watchword/internal/server"
)

func (a *Agent) newTracker(p *plan) *incident.Tracker { return incident.New(a.incidentOptions(p)) }

func (a *Agent) incidentOptions(p *plan) incident.Options {
	o := incident.Options{
		GroupWait: p.cfg.Alerting.GroupWait, Location: p.location, Zone: p.cfg.Timezone, NewID: a.ids.incident, DeliveryID: a.ids.delivery,
		Transition: a.logTransition, Expiring: a.logExpiring, Held: a.logHeld,
	}
	if base := p.cfg.Server.ExternalURL; base != "" {
		o.Link = func(string) string { return base }
	}
	return o
}

// logTransition tells of recoveries; failures are logged with their reason.
func (a *Agent) logTransition(id string, from, to check.State) {
	if to == check.Up && from != check.Pending {
		a.log.Info("monitor recovered", "monitor", id, "was", string(from))
	}
}

// logHeld says why nothing is sent of a monitor that is down.
func (a *Agent) logHeld(id string, by []string) {
	a.log.Info("not announced: what it depends on fails as well", "monitor", id, "held_by", by)
}

// logExpiring tells of a certificate once at each threshold, whoever is told.
func (a *Agent) logExpiring(ids []string, f check.FaultText) {
	const most = 20
	a.log.Warn("certificate expires soon", "monitors", ids[:min(len(ids), most)], "count", len(ids), "message", f.Message, "hint", f.Hint)
}

func (a *Agent) newMetrics() *exporters.Prometheus {
	return exporters.NewPrometheus(exporters.PrometheusOptions{
		Board: a.board, Version: a.opts.Version, Revision: a.opts.Revision, Log: a.log,
		Incidents: func() []check.IncidentRecord { return a.tracker.Open() },
		TokenExpiry: func(yield func(string, time.Time)) {
			for name, s := range a.plan.Load().sources {
				if st := s.Status(); st.Held {
					yield(name, st.Expires)
				}
			}
		},
		Pending: func() map[string]int { return a.outbox.Pending() },
		Store: func() exporters.StoreStats {
			s := a.store.Stats()
			return exporters.StoreStats{Writable: s.Writable, Errors: s.Errors, Dropped: s.RowsDropped, Unwritten: s.Unwritten, Size: s.Bytes}
		},
	})
}

func (a *Agent) serverOptions(cfg *config.Config, rules *server.Rules) server.Options {
	_, _, conns := limits()
	return server.Options{
		Listen: cfg.Server.Listen, ExternalURL: cfg.Server.ExternalURL, Version: a.opts.Version, Location: cfg.Agent.Location,
		Zone: cfg.Timezone, Each: a.board.Each, Get: a.board.Get, Incidents: a.incidents, Held: func() map[string]check.Hold { return a.tracker.Held() }, Reload: a.Reload,
		Metrics: a.metrics, Probe: http.HandlerFunc(a.serveProbe), Ready: a.Ready, Storage: a.storage, Log: a.log,
		Rules: rules, MostConns: conns, Actions: a.actions(),
	}
}

// shownIncidents bounds an answer of the API.
const shownIncidents = 500

// incidents returns the open ones as the tracker has them, and past ones from
// the disk.
func (a *Agent) incidents(ctx context.Context, state string) ([]check.IncidentRecord, error) {
	open := a.tracker.Open()
	slices.Reverse(open)
	if state == "open" {
		return open, nil
	}
	past, err := a.store.Incidents(ctx, "all", shownIncidents)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, r := range open {
		known[r.ID] = true
	}
	all := open
	for _, r := range past {
		if !known[r.ID] {
			all = append(all, r)
		}
	}
	return all, nil
}

func (a *Agent) storage() server.Storage {
	s := a.store.Stats()
	return server.Storage{Writable: s.Writable || s.MemoryOnly, Message: s.LastError}
}

// tokenNames returns the credentials that fetch tokens.
func tokenNames(p *plan) []string {
	var names []string
	for name, s := range p.sources {
		if s.Kind() == auth.TypeClientCredentials {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

func channelNames(p *plan) []string {
	var names []string
	for name := range p.channels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
