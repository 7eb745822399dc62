package agent

import (
	"slices"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/probes"
)

// gates is what the monitors together tell of gates and providers.
type gates struct {
	issuers map[string][]string // what the providers at an origin call themselves
	behind  map[string]string   // the credential whose provider the gate at an origin asks; "" where they differ
}

func (p *plan) gatesOf(monitors []config.Monitor) gates {
	g := gates{issuers: map[string][]string{}, behind: map[string]string{}}
	for _, name := range sorted(p.sources) {
		g.addIssuer(p.sources[name].Issuer())
	}
	guards := slices.ContainsFunc(monitors, func(m config.Monitor) bool { return m.Type == probes.TypeGuard })
	for _, m := range monitors {
		switch {
		case !guards || !m.Enabled: // nobody asks
		case m.Type == probes.TypeIssuer:
			g.addIssuer(m.HTTP.URL)
		case m.Type == probes.TypeHTTP:
			p.addGate(&g, m)
		}
	}
	return g
}

func (g *gates) addIssuer(issuer string) {
	origin, err := probes.Origin(issuer)
	if err == nil && issuer != "" && !slices.Contains(g.issuers[origin], issuer) {
		g.issuers[origin] = append(g.issuers[origin], issuer)
	}
}

// addGate notes the credential of an http monitor as that of the gate at its
// origin. The first counts; where others have another provider, nobody knows which
// the gate asks.
func (p *plan) addGate(g *gates, m config.Monitor) {
	s := p.sources[m.Credential]
	origin, err := probes.Origin(m.HTTP.URL)
	if err != nil || s == nil || s.Provider() == "" {
		return
	}
	was, known := g.behind[origin]
	switch {
	case !known:
		g.behind[origin] = m.Credential
	case was != "" && p.sources[was].Provider() != s.Provider():
		g.behind[origin] = ""
	}
}

// at returns the credential of the gate that a guard looks at, "" for none.
func (g gates) at(m config.Monitor) string {
	origin, err := probes.Origin(m.HTTP.URL)
	if err != nil {
		return ""
	}
	return g.behind[origin]
}

// issuer returns the provider that tokens are forged in the name of: that of the
// credentials that the guard names, else the only one there is; "" for none.
func (p *plan) issuer(m config.Monitor) string {
	names := m.Credentials()
	if len(names) == 0 {
		names = sorted(p.sources)
	}
	var all []string
	for _, name := range names {
		if s := p.sources[name]; s != nil && s.Provider() != "" {
			if issuer := p.issuerOf(s); !slices.Contains(all, issuer) {
				all = append(all, issuer)
			}
		}
	}
	if len(all) != 1 {
		return ""
	}
	return all[0]
}

// issuerOf returns what the provider of a credential calls itself: what the
// credential says, else the only issuer that the configuration knows at that
// origin, else the origin.
func (p *plan) issuerOf(s *source) string {
	if s.Issuer() != "" {
		return s.Issuer()
	}
	origin, err := probes.Origin(s.Provider())
	if all := p.gates.issuers[origin]; err == nil && len(all) == 1 {
		return all[0]
	}
	return s.Provider()
}
