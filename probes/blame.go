package probes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	messageRunes = 480
	hintRunes    = 800
)

// blame makes a fault of a finding: its class, its cause, one line each.
func (r *run) blame(f *finding) *check.Fault {
	class := check.ClassOf(f.reason)
	return &check.Fault{Class: class, Reason: f.reason, Cause: r.cause(class, f.reason),
		Message: secret.Line(f.message, messageRunes), Hint: secret.Line(f.hint, hintRunes)}
}

// cause says what broke, so that monitors which fail for one cause are one
// incident.
func (r *run) cause(class check.Class, reason check.Reason) check.Cause {
	w := r.way
	switch class {
	case check.Network:
		return check.Cause{Kind: check.CauseAddress, Key: r.res.Remote}
	case check.TLS:
		return check.Cause{Kind: check.CauseAddress, Key: addressOf(r.at)}
	case check.Agent:
		return check.Cause{Kind: check.CauseAgent, Key: "agent"}
	}
	if reason == check.GatewayError {
		return check.Cause{Kind: check.CauseAddress, Key: addressOf(r.at)}
	}
	if w != nil {
		switch class {
		case check.IDP:
			return check.Cause{Kind: check.CauseProvider, Key: w.Provider}
		case check.Credential:
			return check.Cause{Kind: check.CauseCredential, Key: w.Credential}
		case check.Gateway:
			return check.Cause{Kind: check.CauseGate, Key: w.Gate}
		}
	}
	return check.Cause{Kind: check.CauseMonitor, Key: r.p.monitor.ID}
}

// attribute asks who is to blame: where the provider of a gate is dead, a gate
// that cannot check tokens is not at fault, and nor is the service.
func (r *run) attribute(ctx context.Context, v verdict) *check.Fault {
	return r.suspect(ctx, r.blame(v.fault))
}

// suspect puts a fault that was found with r.way down to its provider or gate.
func (r *run) suspect(ctx context.Context, f *check.Fault) *check.Fault {
	w := r.way
	if w == nil || w.Alive == nil || w.Provider == "" || !r.doubtful(f) {
		return f
	}
	if w.Alive(ctx) || ctx.Err() != nil || expired(ctx) { // out of time, nothing was learned
		if f.Reason == check.GatewayError {
			f.Cause = check.Cause{Kind: check.CauseGate, Key: w.Gate}
		}
		return f
	}
	return r.deadProvider(check.TokenUnreachable, f)
}

// deadProvider is the fault of a gate that has nobody to ask.
func (r *run) deadProvider(reason check.Reason, f *check.Fault) *check.Fault {
	message := fmt.Sprintf("the identity provider %s does not answer; the resource: %s", r.way.Provider, f.Message)
	return &check.Fault{Class: check.IDP, Reason: reason,
		Cause: check.Cause{Kind: check.CauseProvider, Key: r.way.Provider}, Message: secret.Line(message, messageRunes),
		Hint: fmt.Sprintf("start with the provider: the gate %q cannot check tokens without it", r.way.Gate)}
}

// compared names the monitor that tells gate from application, where the fault
// may be of either.
func (r *run) compared(f *check.Fault) *check.Fault {
	if f == nil || r.way == nil || r.way.Twin == "" {
		return f
	}
	switch {
	case f.Class == check.Gateway, f.Class == check.Policy, f.Reason == check.GatewayError, f.Reason == check.Status:
	default:
		return f
	}
	with := *f // what comes from elsewhere is not changed
	word := fmt.Sprintf("; compare with monitor %q, which asks the gate alone: if it is up, it is the application", r.way.Twin)
	if r.p.tellsFrom {
		word = fmt.Sprintf("; compare with monitor %q, which goes through the gate to the application", r.way.Twin)
	}
	with.Hint = secret.Line(f.Hint+word, hintRunes)
	return &with
}

// doubtful says whether a fault may be the provider's.
func (r *run) doubtful(f *check.Fault) bool {
	switch r.status {
	case 500, 502, 503, 504:
		return f.Class == check.Target || f.Class == check.Gateway
	}
	return f.Class == check.Gateway
}

// noToken is the fault of a run that asked for a token at began and got none.
// Most errors are faults already.
func (r *run) noToken(ctx context.Context, began time.Time, err error) *check.Fault {
	fault, told := errors.AsType[*check.Fault](err)
	over := ctx.Err() != nil || expired(ctx)
	var f *finding
	if over && (!told || fault.Reason == check.TokenTimeout) {
		f = starved(ctx, began)
	}
	switch {
	case f != nil: // then it is neither's
	case told:
		return fault
	case over:
		f = &finding{check.TokenTimeout, fmt.Sprintf("no token of credential %q before the deadline", r.way.Credential),
			"the identity provider is slow, or the timeout of the monitor too short for a token and an answer"}
	default:
		f = &finding{check.Internal, fmt.Sprintf("no token could be had for credential %q", r.way.Credential),
			"this is a fault of Watchword's own: please report it"}
	}
	fault = r.blame(f)
	fault.Err = err
	return fault
}
