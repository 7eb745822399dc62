package agent

import (
	"net/url"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/probes"
)

// question is what a monitor asks for, and as whom.
type question struct{ url, credential string }

// asks returns the question of a monitor with a credential; ok is false for those
// that have no twin.
func asks(m config.Monitor) (q question, ok bool) {
	raw := m.HTTP.URL
	if m.Type == probes.TypeAuthz {
		raw = m.Authz.Resource
	}
	if u, err := url.Parse(raw); err == nil && u.Path == "" {
		u.Path = "/"
		raw = u.String()
	}
	return question{raw, m.Credential}, m.Enabled && m.Credential != "" && (m.Type == probes.TypeHTTP || m.Type == probes.TypeAuthz)
}

// twinsOf finds the monitors that ask for one resource with one credential, http
// through the gate and authz the gate alone: the name of the other by the id of
// each. Of several the first counts.
func twinsOf(monitors []config.Monitor) map[string]string {
	names := map[string]map[question]string{probes.TypeHTTP: {}, probes.TypeAuthz: {}}
	for _, m := range monitors {
		if q, ok := asks(m); ok && names[m.Type][q] == "" {
			names[m.Type][q] = m.Name
		}
	}
	other := map[string]string{probes.TypeHTTP: probes.TypeAuthz, probes.TypeAuthz: probes.TypeHTTP}
	twins := map[string]string{}
	if len(names[probes.TypeAuthz]) == 0 { // most have none
		return twins
	}
	for _, m := range monitors {
		if q, ok := asks(m); ok && names[other[m.Type]][q] != "" {
			twins[m.ID] = names[other[m.Type]][q]
		}
	}
	return twins
}
