package agent

import (
	"fmt"

	"github.com/watchword/watchword/exporters"
	"github.com/watchword/watchword/internal/config"
)

// newMirror returns what tells Uptime Kumas how monitors stand.
func (a *Agent) newMirror() *exporters.KumaPush {
	return exporters.NewKumaPush(exporters.KumaPusherOptions{
		Board: a.board.Get, UserAgent: a.rooms.userAgent, Log: a.log,
		Attempted: func(result string) { a.metrics.ExportAttempt("kuma_push", result) },
	})
}

// buildMirrors makes a target of every monitor that is told to an Uptime Kuma.
// One whose own part of the options did not change has the key of before.
func (p *plan) buildMirrors(r *rooms, key []byte) error {
	for _, o := range p.cfg.Exporters.KumaPush {
		rt, err := r.pool.Get(o.Transport())
		if err != nil {
			return fmt.Errorf("exporters.kuma_push: %w", err)
		}
		tokens := o.Tokens
		o.Tokens = nil
		for id, token := range tokens {
			if p.byID[id] == nil { // it is not enabled
				continue
			}
			print := config.Fingerprint([]any{o, id, token}, key)
			p.mirrored = append(p.mirrored, exporters.KumaTarget{Monitor: id, Token: token, Options: o, RT: rt, Key: print})
		}
	}
	return nil
}
