package agent

import (
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/probes"
)

// newProbe builds what a monitor of any type does.
func (p *plan) newProbe(m *monitor, r *rooms) (prober, error) {
	if m.cfg.Type == probes.TypeGuard {
		return p.newGuard(m, r)
	}
	o := m.cfg.HTTP
	common, err := r.common(o.Transport(), o.ForeignTransport())
	if err != nil {
		return nil, err
	}
	w := wayIn(p.sources[m.cfg.Credential], m.origin)
	if w != nil {
		w.Twin = p.twins[m.cfg.ID]
	}
	switch m.cfg.Type {
	case probes.TypeAuthz:
		return probes.NewAuthz(m.check, o, m.cfg.Authz, w, common)
	case probes.TypeIssuer:
		return probes.NewIssuer(m.check, o, m.cfg.Issuer, w, common)
	}
	return probes.NewHTTP(m.check, o, w, common)
}

func (p *plan) newGuard(m *monitor, r *rooms) (prober, error) {
	o := m.cfg.HTTP
	common, err := r.common(o.Transport(), o.StrangerTransport())
	if err != nil {
		return nil, err
	}
	k := probes.GuardKeys{Named: map[string]*probes.Way{}, Issuer: p.issuer(m.cfg), Gate: gateOf(p.sources[p.gates.at(m.cfg)])}
	for _, name := range m.cfg.Credentials() {
		k.Named[name] = wayIn(p.sources[name], m.origin)
	}
	return probes.NewGuard(m.check, o, m.cfg.Guard, k, common)
}

// prints sums up what a monitor depends on beside its own keys.
func (p *plan) prints(m config.Monitor) []any {
	var all []any
	for _, name := range m.Credentials() {
		if s := p.sources[name]; s != nil {
			all = append(all, s.print[:])
		}
	}
	if m.Type == probes.TypeGuard {
		all = append(all, p.issuer(m))
		if s := p.sources[p.gates.at(m)]; s != nil {
			all = append(all, s.Name(), s.print[:])
		}
	}
	return append(all, p.twins[m.ID])
}

// wayIn tells a probe how it gets in; nil without a credential.
func wayIn(s *source, origin string) *probes.Way {
	if s == nil {
		return nil
	}
	h := s.Handle(origin)
	w := &probes.Way{
		Auth: h, Kind: s.Kind(), Credential: s.Name(), Gate: s.Gate(), Provider: s.Provider(),
		Authelia: h.IsAuthelia, Token: h.Token, Secrets: s.SentSecrets, Clock: s.Clock,
	}
	if s.Provider() != "" {
		w.Alive, w.Fresh, w.TokenURL, w.Waits = s.Alive, s.Fresh, s.TokenURL, s.waits
	}
	return w
}

// waits says whether the credential's token endpoint is left alone for now, and
// by which fault of its provider. That another credential met it is no fault here:
// then the back-off alone is known.
func (s *source) waits() (bool, *check.Fault) {
	st := s.Status()
	switch f := st.LastFault; {
	case !st.NextTry.After(time.Now()):
		return false, nil
	case f == nil:
		return true, nil
	case f.Class != check.IDP: // the client is refused, and may still be looked for
		return false, nil
	default:
		return true, &check.Fault{Class: f.Class, Reason: f.Reason, Message: f.Message, Hint: f.Hint,
			Cause: check.Cause{Kind: check.CauseProvider, Key: s.Provider()}}
	}
}

// gateOf tells a guard what stands behind its gate, and nothing that gets in;
// nil where that is not known.
func gateOf(s *source) *probes.Way {
	if s == nil {
		return nil
	}
	return &probes.Way{Credential: s.Name(), Gate: s.Gate(), Provider: s.Provider(), Alive: s.Alive}
}
