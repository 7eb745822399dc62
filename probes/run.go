package probes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

// reader reads answers: the scene does for who wants to get in.
type reader interface {
	// readHead applies the rules that need no body; done says that they decided.
	readHead(a *answer) (v verdict, done bool)
	readBody(a *answer) verdict
}

// run is one run of a probe: authorize, send, read, judge.
type run struct {
	p       *HTTP
	way     *Way // nil: none
	scene   scene
	reads   reader
	res     check.Result
	tries   []check.Try
	head    http.Header // of requests to the own origin, authorized
	host    string
	gen     uint64 // of the token in head
	jars    jars
	buf     *buffer
	at      *url.URL // of the last request
	began   time.Time
	through transport.Hop // the proxy of the last request
	proxied bool          // there is one
	status  int           // of its answer, 0 for none
	step    step          // how far it came
	dated   dated         // the last answer that came
	pace    *pace         // nil without max_duration
	notes   []string
}

// newRun returns a run that begins now.
func newRun(p *HTTP) *run {
	r := &run{p: p, way: p.way, at: p.url, scene: scene{url: p.url, origin: p.origin, provider: p.provider, expect: &p.expect,
		hops: p.maxRedirects, limit: p.maxBody, way: p.way, secrets: p.secretsOf}}
	r.reads = &r.scene
	r.res.Monitor, r.res.Start = p.monitor, time.Now()
	return r
}

func (p *HTTP) run(ctx context.Context, explain bool) check.Result {
	r := newRun(p)
	return r.finish(ctx, explain, r.twice)
}

// finish does what is to be done and makes a result of it.
func (r *run) finish(ctx context.Context, explain bool, do func(context.Context) *check.Fault) check.Result {
	r.res.Fault = r.turned(r.compared(r.paced(r.guarded(ctx, do))))
	r.res.Took = time.Since(r.res.Start)
	known := r.p.noted.Swap(len(r.notes) > 0)
	if explain || r.res.Fault != nil || len(r.tries) > 1 || len(r.notes) > 0 {
		r.res.Detail = &check.Detail{Tries: r.tries, Notes: r.notes, Known: known}
		if r.way != nil && r.way.Token != nil {
			r.res.Detail.Token = r.way.Token()
		}
	}
	return r.res
}

// guarded turns a panic into a fault: whatever happens, there is a result.
func (r *run) guarded(ctx context.Context, do func(context.Context) *check.Fault) (f *check.Fault) {
	defer func() {
		if v := recover(); v != nil {
			f = r.blame(&finding{check.Internal, "Watchword itself failed while it ran this check",
				"this is a fault of Watchword's own: please report it"})
			f.Err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	r.buf = r.p.common.Buffers.get()
	f = r.minded(do(ctx))
	r.p.common.Buffers.put(r.buf) // not after a panic: its state is unknown
	return f
}

// twice tries once, and once more where the gate refused a token that may have
// been replaced.
func (r *run) twice(ctx context.Context) *check.Fault {
	v, f := r.try(ctx)
	if f == nil && r.judged(v) {
		r.note("the gate refused the token; one more try with another one")
		r.jars = nil
		v, f = r.try(ctx)
		if f == nil {
			r.judged(v)
		}
	}
	if f != nil || v.fault == nil {
		return f
	}
	return r.attribute(ctx, v)
}

// judged tells the way in what became of its token.
func (r *run) judged(v verdict) (again bool) {
	if r.way == nil || v.token == noOpinion {
		return false
	}
	return r.way.Auth.Judged(r.gen, v.token == refused)
}

// try goes from the credential to the last answer. It returns a reading, or the
// fault that kept it from one.
func (r *run) try(ctx context.Context) (verdict, *check.Fault) {
	if f := r.authorize(ctx); f != nil {
		return verdict{}, f
	}
	h := r.p.first()
	r.setOut()
	for hops, before := 0, (*answer)(nil); ; hops++ {
		a, v, f := r.exchange(ctx, h)
		if f != nil && h.passed != "" { // whether the way to sign in works is not what is watched
			return verdict{fault: r.scene.signInAhead(before, h.passed)}, nil
		}
		if f != nil || v.next == nil {
			return v, f
		}
		next, ok := r.p.after(h, a.status, &v)
		if !ok || hops == r.p.maxRedirects {
			return verdict{fault: r.scene.stop(a, next, hops)}, nil
		}
		r.note("followed the redirect")
		h, before = next, a
	}
}

// authorize writes the header of the requests to the monitor's own origin.
func (r *run) authorize(ctx context.Context) *check.Fault {
	p := r.p
	head, host, err := p.ownHeader()
	if err != nil {
		return r.blame(unreadable(err))
	}
	r.head, r.host, r.scene.sent = head, host, head
	if p.way == nil {
		return nil
	}
	req := &http.Request{Method: p.method, URL: p.url, Host: p.url.Host, Header: head}
	start := time.Now()
	r.gen, err = p.way.Auth.Authorize(ctx, req)
	r.res.Phases.Token += time.Since(start)
	if err == nil {
		return nil
	}
	return r.noToken(ctx, start, err)
}
