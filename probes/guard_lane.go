package probes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// lane is requests to one place, one after the other.
type lane struct {
	*run
	side     side
	keys     GuardKeys
	attempts []attempt
	broken   error // why there are none
	reader   guardReader
	token    *check.TokenInfo // of the last credential that must be refused
	without  *Way             // there is no token for it in this run
	entered  bool             // one request got in, whatever the next one met
}

func newLane(p *HTTP, s side) *lane {
	l := &lane{run: newRun(p), side: s}
	l.reader = guardReader{scene: &l.scene, plain: s.plain}
	l.reads = &l.reader
	return l
}

// knock tries one attempt after the other. Where one gets in, the others are
// not needed; where nobody answers, they would tell nothing.
func (l *lane) knock(ctx context.Context) *check.Fault {
	if l.broken != nil {
		f := l.blame(&finding{check.Internal, "the tokens to try with could not be made", "this is a fault of Watchword's own: please report it"})
		f.Err = l.broken
		return f
	}
	var first *check.Fault
	for i := range l.attempts {
		a := &l.attempts[i]
		if a.key != nil && a.key == l.without {
			continue
		}
		f := l.attempt(ctx, a)
		if f == nil {
			continue
		}
		switch {
		case isOpen(f):
			first = f
		case first == nil:
			first = l.behind(ctx, f)
		}
		if isOpen(f) || l.inVain(f) {
			l.hurried(ctx, first, i)
			break
		}
	}
	return first
}

// behind asks of a gate that fails whether it is its provider that is dead: then
// the guard belongs to that incident, as those do who are let in.
func (l *lane) behind(ctx context.Context, f *check.Fault) *check.Fault {
	if l.keys.Gate == nil || f.Class != check.Target {
		return f
	}
	l.way = l.keys.Gate
	defer func() { l.way = nil }()
	return l.suspect(ctx, f)
}

// inVain says whether further attempts would tell nothing, or do harm.
func (l *lane) inVain(f *check.Fault) bool {
	switch f.Class {
	case check.Network, check.TLS, check.Agent:
		return true
	}
	return l.status == http.StatusTooManyRequests
}

// hurried says of a run that ran out of time how far it came.
func (l *lane) hurried(ctx context.Context, f *check.Fault, done int) {
	if f.Reason == check.Timeout && expired(ctx) && done > 0 {
		f.Hint = secret.Line(fmt.Sprintf("%s; %d of %d tries were made before: a longer timeout gives all of them time", f.Hint, done, len(l.attempts)), hintRunes)
	}
}

// goAround tries a way past the gate. What cannot be reached is shut: nobody
// has to answer there, so nobody is waited for as long as at the gate.
func (l *lane) goAround(ctx context.Context) *check.Fault {
	wait := sideWait
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	f := l.knock(ctx)
	if f == nil || isOpen(f) || l.entered || !l.outOfReach(f) { // who answered once is not out of reach
		return f
	}
	l.note("shut: nobody answers there")
	return nil
}

// outOfReach says whether a fault means that a stranger gets no answer at all. A
// slow answer is one; over plain http, what is no HTTP is none.
func (l *lane) outOfReach(f *check.Fault) bool {
	switch {
	case f.Reason == check.Proxy:
		return l.beyondProxy(f)
	case l.step == receiving:
		return false
	case f.Class == check.Network:
		return f.Reason != check.Timeout || l.step < waiting
	case f.Class == check.TLS:
		return true
	}
	return l.side.plain && f.Reason == check.Protocol
}

// beyondProxy says whether the proxy tried and got nowhere. One that is broken, or
// that has a rule against it, says nothing of the way that others may have.
func (l *lane) beyondProxy(f *check.Fault) bool {
	e, ok := errors.AsType[*transport.ProxyError](f.Err)
	return l.proxied && l.res.Remote != l.through.Address && (!ok || !e.Denied)
}

// attempt makes one attempt, and again at once where it got in: one answer may
// be chance.
func (l *lane) attempt(ctx context.Context, a *attempt) *check.Fault {
	l.reader.by(a, l.p.shown)
	v, f := l.once(ctx, a)
	if f == nil && l.gotIn(v) {
		l.entered = true
		v, f = l.again(ctx, a)
	}
	switch {
	case f != nil:
		l.noteAttempt(a, "it does not say whether the gate is shut")
		return f
	case v.fault == nil:
		l.noteAttempt(a, "shut: "+l.reader.why)
		return nil
	case l.gotIn(v):
		l.noteAttempt(a, "it got in")
	default:
		l.noteAttempt(a, "it does not say whether the gate is shut")
	}
	return l.blame(v.fault)
}

func (l *lane) gotIn(v verdict) bool {
	return v.fault != nil && check.ClassOf(v.fault.reason) == check.ExposedTo
}

// again makes an attempt that got in once more. After a HEAD, which has no body
// to know a sign-in page by, a GET shows what it got in to: only where that is
// refused, or gets in too, did the HEAD.
func (l *lane) again(ctx context.Context, a *attempt) (verdict, *check.Fault) {
	if a.how.method == http.MethodHead && (l.p.method != http.MethodHead || l.reader.led) {
		l.noteAttempt(a, "it got in; a GET shows to what")
		get := *a
		get.how.method = http.MethodGet
		v, f := l.once(ctx, &get)
		if f != nil || l.reader.page || v.fault != nil && !l.gotIn(v) {
			return v, f
		}
	}
	l.noteAttempt(a, "it got in; once more to be sure")
	return l.once(ctx, a)
}

func (l *lane) noteAttempt(a *attempt, what string) { l.note(a.what + ", " + a.how.name + ": " + what) }

// once sends the request of an attempt, follows it on its own origin, and reads
// where it ends. Nothing is kept from one to the next, cookies least of all.
func (l *lane) once(ctx context.Context, a *attempt) (verdict, *check.Fault) {
	l.jars, l.reader.why, l.reader.page, l.reader.led = nil, "", false, false
	if f := l.dress(ctx, a); f != nil {
		return verdict{}, f
	}
	h := l.p.first()
	h.method = a.how.method
	for hops := 0; ; hops++ {
		ans, v, f := l.exchange(ctx, h)
		if f != nil || v.next == nil {
			return v, f
		}
		next, _ := l.p.after(h, ans.status, &v)
		if hops == guardRedirects {
			return l.reader.circle(next), nil
		}
		l.note("followed the redirect")
		h = next
	}
}

// dress writes the header of an attempt.
func (l *lane) dress(ctx context.Context, a *attempt) *check.Fault {
	head, host, err := l.p.ownHeader()
	if err != nil {
		return l.blame(unreadable(err))
	}
	delete(head, "Accept")
	if a.how.accept != "" {
		head["Accept"] = []string{a.how.accept}
	}
	if a.token != "" {
		head["Authorization"] = []string{"Bearer " + a.token}
	}
	if a.claim != nil {
		for name, value := range a.claim.headers {
			if head[name] == nil { // the monitor's own say what the user wants to know
				head[name] = []string{value}
			}
		}
	}
	l.head, l.host, l.scene.sent = head, host, head
	l.scene.secrets = func() []string { return append(a.secrets(), l.p.secretsOf()...) }
	if a.key == nil {
		return nil
	}
	return l.borrow(ctx, a)
}

// borrow puts a credential that must be refused on the request. That there is no
// token for it says nothing of the gate. What becomes of the token here is told
// to nobody: it is right that it is refused, and others go on with it.
func (l *lane) borrow(ctx context.Context, a *attempt) *check.Fault {
	start := time.Now()
	_, err := a.key.Auth.Authorize(ctx, &http.Request{Method: a.how.method, URL: l.p.url, Host: l.p.url.Host, Header: l.head})
	l.res.Phases.Token += time.Since(start)
	if a.key.Token != nil {
		l.token = a.key.Token()
	}
	if err == nil {
		return nil
	}
	l.without = a.key
	l.tries = append(l.tries, check.Try{Method: a.how.method, URL: l.p.shown, Note: "not sent: there is no token"})
	l.way = a.key
	defer func() { l.way = nil }()
	return l.noToken(ctx, start, err)
}
