package probes

import (
	"errors"
	"fmt"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// turned turns the result of an upside-down monitor round: what should fail is up
// where it does. Only faults of the target itself count for that. That it is
// somebody else, that the way in is broken, or that we could not ask, says
// nothing of what was to fail.
func (r *run) turned(f *check.Fault) *check.Fault {
	switch {
	case !r.p.upsideDown:
		return f
	case f == nil:
		return r.blame(r.shouldFail())
	case !turns(f):
		return f
	}
	r.notes = append(r.notes, secret.Line(fmt.Sprintf("fails, as it should (upside_down): %s/%s: %s", f.Class, f.Reason, f.Message), messageRunes))
	if f.Class == check.Network {
		r.res.Remote = "" // who is not to be reached is no witness that our own line is well
	}
	return nil
}

func turns(f *check.Fault) bool {
	switch f.Class {
	case check.Target, check.Content:
		return true
	case check.Network:
		return f.Reason != check.Proxy || notReached(f.Err)
	}
	return false
}

// notReached says whether a proxy that is well answered that it does not get to the
// target. Whatever else happens at a proxy is ours: behind it nobody was asked.
func notReached(err error) bool {
	e, ok := errors.AsType[*transport.ProxyError](err)
	return ok && e.Beyond && !e.Denied && e.Err == nil
}

// shouldFail is a run that passed.
func (r *run) shouldFail() *finding {
	f := &finding{check.Status, fmt.Sprintf("answered %s, and it should have failed (upside_down)", named(r.status)),
		"what was to be gone is there: look at " + r.p.shown + "; if it is to be there again, take upside_down out of the monitor"}
	switch x := &r.p.expect; {
	case len(x.keywords) > 0:
		f.reason = check.KeywordPresent
		f.message = fmt.Sprintf("answered %s with %q, and it should have failed (upside_down)", named(r.status), cutWord(x.keywords[0]))
	case x.wordy():
		f.reason = check.KeywordPresent
		f.message = fmt.Sprintf("answered %s with what matches %s, and it should have failed (upside_down)", named(r.status), shortRegex(x.more.regex[0]))
	}
	return f
}
