package probes

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

const drain = 2 << 10 // of a body that nobody needs, so that its connection can be kept

// exchange sends one request and reads its answer.
func (r *run) exchange(ctx context.Context, h hop) (*answer, verdict, *check.Fault) {
	start, t := time.Now(), new(trace)
	r.at, r.status, r.began = h.url, 0, start
	r.tries = append(r.tries, check.Try{Method: h.method, URL: r.urlOf(h)})
	last := &r.tries[len(r.tries)-1]
	r.looks.asked()
	resp, err := r.send(t.attach(ctx), h)
	if err != nil {
		f := r.failed(ctx, t, err)
		last.Took, last.Remote = time.Since(start), r.dialled()
		return nil, verdict{}, f
	}
	defer resp.Body.Close()
	if err := r.p.route.Own(resp); err != nil {
		f := r.failed(ctx, t, err)
		r.status, r.res.StatusCode = resp.StatusCode, resp.StatusCode
		last.Status, last.Took, last.Remote = resp.StatusCode, time.Since(start), r.dialled()
		return nil, verdict{}, f
	}
	r.hear(resp.Header, start, t)
	r.looks.answered(resp)
	r.status, r.res.StatusCode = resp.StatusCode, resp.StatusCode
	if len(r.tries) == 1 {
		r.res.Certs = r.p.chainOf(resp.TLS)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, url: h.url, redirected: h.redirected, passed: h.passed,
		plain: resp.TLS == nil, major: uint8(resp.ProtoMajor), minor: uint8(resp.ProtoMinor)}
	v := r.read(ctx, a, resp, t)
	if v.next != nil {
		r.jars.keep(h.url, resp.Header)
	}
	r.arrived(t)
	last.Status, last.Took, last.Remote = a.status, time.Since(start), r.dialled()
	if redirects(a.status) {
		last.Location = r.scene.target(a)
	}
	return a, v, nil
}

// send sends the request of a hop. Custom headers and the credential are in the
// header for the monitor's own origin and in no other.
func (r *run) send(ctx context.Context, h hop) (*http.Response, error) {
	rt, head, host := r.p.common.RT, r.head, r.host
	switch {
	case !h.own:
		rt, head, host = r.p.common.Foreign, r.p.defaults(), ""
	case h.redirected: // the first request still has it
		head = maps.Clone(head)
	}
	req, err := r.p.request(ctx, h, head)
	if err != nil {
		return nil, err
	}
	if host != "" {
		req.Host = host
	}
	req.Close = r.p.reuse && h.own && r.p.kept.over()
	r.jars.put(req)
	if r.p.tellsFrom && head.Get("X-Forwarded-For") == "" {
		req = from(req)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, r.p.route.Broke(req, err)
	}
	return resp, nil
}

// from says in a header of the request from which address it comes, as a proxy
// says of its clients. That is known as soon as there is a connection, which is
// before the header is written.
func from(req *http.Request) *http.Request {
	req.Header = maps.Clone(req.Header)
	return req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if host, _, err := net.SplitHostPort(i.Conn.LocalAddr().String()); err == nil {
			req.Header["X-Forwarded-For"] = []string{host}
		}
	}}))
}

// read reads an answer, its body only where the header does not decide.
func (r *run) read(ctx context.Context, a *answer, resp *http.Response, t *trace) verdict {
	v, done := r.reads.readHead(a)
	if done {
		if r.p.reuse { // else its end is not worth waiting for
			_, _ = io.CopyN(io.Discard, resp.Body, drain)
		}
		return v
	}
	if a.status == http.StatusSwitchingProtocols {
		r.ask(ctx, a)
		return r.reads.readBody(a) // what follows is no body, and has no end
	}
	more, err := r.buf.read(resp, r.p.maxBody)
	r.looks.read(len(r.buf.b))
	a.cut = more
	a.body = decodeText(r.buf.b, a.header.Get("Content-Type"))
	if d, ok := errors.AsType[*decodeError](err); ok {
		a.broken = &finding{check.Protocol, secret.Line(d.Error(), quoteRunes), d.hint()}
	} else if err != nil {
		a.broken = r.scene.network(ctx, r.fact(receiving, t), err)
	}
	r.ask(ctx, a)
	return r.reads.readBody(a)
}

// failed is the fault of a request that got no answer.
func (r *run) failed(ctx context.Context, t *trace, err error) *check.Fault {
	at := r.arrived(t)
	if e, ok := errors.AsType[*headerError](err); ok {
		return r.blame(unreadable(e))
	}
	if e, ok := errors.AsType[*transport.UnreadableProxyError](err); ok {
		return r.blame(unreadable(e))
	}
	found := r.scene.network(ctx, r.fact(at, t), err)
	if r.proxied && found.reason == check.Proxy {
		r.atProxy(t, err)
	}
	f := r.blame(found)
	f.Err = err
	return f
}

// atProxy makes the proxy the other side where it is the one that is broken: who
// goes through it fails for one cause. What it does not get to is a cause of its
// own.
func (r *run) atProxy(t *trace, err error) {
	beyond := t.beyond()
	if e, ok := errors.AsType[*transport.ProxyError](err); ok {
		beyond = e.Beyond
	}
	if !beyond {
		r.res.Remote = r.through.Address
	}
}

// arrived ends the trace of a request and takes over what it found. Through a
// proxy the other side is known by name alone.
func (r *run) arrived(t *trace) step {
	before := r.res.Phases
	r.step = t.end(&r.res.Phases)
	r.res.Remote = t.remote()
	if r.through, r.proxied = r.p.route.Through(r.at); r.proxied {
		r.res.Remote = ""
	}
	if r.res.Remote == "" {
		r.res.Remote = addressOf(r.at) // it did not resolve, or not here
	}
	r.looks.ended(before, r.res.Phases, r.step, r.res.Remote)
	return r.step
}

// dialled is whom a request went to, for people.
func (r *run) dialled() string {
	if r.proxied {
		return "through " + r.through.Name
	}
	return r.res.Remote
}

func (r *run) fact(at step, t *trace) wireFact {
	f := wireFact{at: at, name: addressOf(r.at), remote: t.remote(), start: r.res.Start, began: r.began, token: r.res.Phases.Token}
	if f.remote == "" || r.proxied {
		f.remote = f.name
	}
	if r.proxied {
		f.proxy, f.asked, f.handed = &r.through, t.beyond(), t.handed()
	}
	return f
}

func (r *run) urlOf(h hop) string {
	if !h.redirected {
		return r.p.shown
	}
	return r.scene.shown(h.url)
}

// note says why another request follows.
func (r *run) note(why string) {
	if n := len(r.tries); n > 0 {
		r.tries[n-1].Note = why
	}
}
