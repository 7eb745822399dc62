package probes

import (
	"fmt"
	"net/http"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/secret"
)

// dated is when an answer came and what its header said; the Date in it is read
// only where a fault may be one of clocks.
type dated struct {
	header    http.Header
	sent, got time.Time
}

// hear takes an answer for a witness of the time.
func (r *run) hear(h http.Header, sent time.Time, t *trace) {
	r.dated = dated{h, sent, time.Now()}
	r.p.common.Clocks.Hear(t.remote(), h, sent)
}

// minded adds to a fault what the clocks have to do with it: a certificate looks
// out of date to a machine whose clock is wrong, and a token to a gate whose
// clock is not the provider's.
func (r *run) minded(f *check.Fault) *check.Fault {
	if f == nil {
		return nil
	}
	hint := ""
	switch {
	case f.Reason == check.CertificateExpired || f.Reason == check.CertificateNotYetValid:
		if why, ours := r.p.common.Clocks.Ours(); ours {
			hint = why
		}
	case f.Class == check.Gateway || f.Reason == check.Forbidden:
		if apart := r.clocksApart(); apart.Abs() > machine.Apart {
			hint = fmt.Sprintf("the identity provider's clock is %s that of %s: a new token is not valid there yet, or already expired: set both by NTP; else: %s",
				machine.Against(apart), addressOf(r.at), f.Hint)
		}
	}
	if hint == "" {
		return f
	}
	with := *f // what comes from elsewhere is not changed
	with.Hint = secret.Line(hint, hintRunes)
	return &with
}

// clocksApart returns how far the provider's clock is ahead of the one behind
// the last answer, 0 where that cannot be told. Our own clock does not matter.
func (r *run) clocksApart() time.Duration {
	w := r.p.way
	if w == nil || w.Clock == nil || r.dated.header == nil {
		return 0
	}
	provider, known := w.Clock()
	here, told := machine.Offset(r.dated.header, r.dated.sent, r.dated.got)
	if !known || !told {
		return 0
	}
	return provider - here
}
