package config

import (
	"slices"
	"strings"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/schedule"
	"github.com/watchword/watchword/internal/server"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/notifiers"
	"github.com/watchword/watchword/probes"
)

func checkCredential(name string, o auth.Options) []check.Problem { return auth.Check(name, o) }

func checkAccess(a server.Access) []check.Problem { return server.CheckAccess(a) }

func checkNotifier(o notifiers.Options) []check.Problem { return notifiers.Check(o) }

// checkOptions has probes check a monitor. Monitors that share their TLS options
// share the reading of the files, too.
func (m *monitors) checkOptions(k *monitorKeys) []check.Problem {
	o := k.HTTP
	ps, ok := m.tls[o.TLS]
	if !ok {
		ps = transport.Check(transport.Options{TLS: o.TLS})
		m.tls[o.TLS] = ps
	}
	o.TLS = transport.TLS{}
	switch k.Type {
	case probes.TypeAuthz:
		return slices.Concat(probes.CheckAuthz(o, k.Authz), ps)
	case probes.TypeGuard:
		return slices.Concat(probes.CheckGuard(o, k.Guard), ps)
	case probes.TypeIssuer:
		return slices.Concat(probes.CheckIssuer(o), ps)
	}
	return slices.Concat(probes.CheckHTTP(o), ps)
}

// checkCron returns what is wrong with a cron expression, "" for nothing.
func checkCron(spec, zone string) string {
	if _, err := schedule.ParseCron(spec, zone); err != nil {
		return "cron: " + strings.TrimPrefix(err.Error(), "cron ")
	}
	return ""
}
