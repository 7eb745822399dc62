package probes

import (
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// pace is when the last try set out, its token in hand, and what had passed until
// then.
type pace struct {
	since  time.Time
	before check.Phases
}

// setOut begins a try, where its pace counts.
func (r *run) setOut() {
	if d := r.p.expect.more; d != nil && d.within > 0 {
		r.pace = &pace{time.Now(), r.res.Phases}
	}
}

// paced holds a run that passed to max_duration. What counts is the last try from
// the moment that its token was there: how long a provider takes, and that a
// token had to be replaced, is not what the service is to blame for.
func (r *run) paced(f *check.Fault) *check.Fault {
	d := r.p.expect.more
	if f != nil || r.pace == nil {
		return f
	}
	took := time.Since(r.pace.since)
	if took <= d.within {
		return nil
	}
	slow := r.slow(took, d.within)
	if !d.warn {
		return r.blame(slow)
	}
	r.notes = append(r.notes, secret.Line(slow.message+"; "+slow.hint, messageRunes))
	return nil
}

// slow names the phase that took longest.
func (r *run) slow(took, within time.Duration) *finding {
	names, spent, before := check.PhaseNames(), r.res.Phases.Values(), r.pace.before.Values()
	most := 0
	for i := range spent {
		if spent[i] -= before[i]; spent[i] > spent[most] {
			most = i
		}
	}
	message := fmt.Sprintf("it took %s, and max_duration is %s", exactly(took), exactly(within))
	if spent[most] > 0 {
		message += fmt.Sprintf(": %s of it %s", exactly(spent[most]), doing(names[most]))
	}
	if n := len(r.tries); n > 1 {
		message += fmt.Sprintf(" (%d requests)", n)
	}
	return &finding{check.TooSlow, message, r.slowHint(names[most])}
}

// exactly writes a duration so that one just above a limit is not written as that.
func exactly(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%g ms", float64(d.Round(100*time.Microsecond).Microseconds())/1000)
	}
	return fmt.Sprintf("%g s", float64(d.Round(time.Millisecond).Milliseconds())/1000)
}

func doing(phase string) string {
	switch phase {
	case "resolve":
		return "to resolve the name"
	case "connect":
		return "to connect"
	case "tls":
		return "for the TLS handshake"
	case "processing":
		return "waiting for the answer to begin"
	}
	return "to receive the answer"
}

func (r *run) slowHint(phase string) string {
	switch phase {
	case "resolve":
		return "look at the name servers that this machine asks; connection: reuse asks less often"
	case "connect":
		return "look at the network on the way to " + r.res.Remote + ", and at its load"
	case "tls":
		return "look at the load of what ends TLS at " + r.res.Remote
	case "processing":
		return "the service, or the gate before it, takes its time: look at its load, its database, what it waits for"
	}
	return "look at the size of the answer, and at the network on the way from " + r.res.Remote
}
