package probes

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

// step is how far a request has come.
type step int

const (
	starting step = iota
	resolving
	connecting
	shaking
	waiting
	receiving
)

// trace times one request. net/http may call it after the request is over, from
// the goroutine of a dial, so it belongs to one request and is locked.
type trace struct {
	mu                                 sync.Mutex
	dns, dnsEnd, conn, connEnd         time.Time
	shake, shakeEnd, got, wrote, first time.Time
	addr                               string // that was dialled
	reused, ended                      bool
	asking                             bool // the proxy at addr, to get further
}

func (t *trace) attach(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { t.mark(&t.dns) },
		DNSDone:              func(i httptrace.DNSDoneInfo) { t.done(&t.dnsEnd, i.Err) },
		ConnectStart:         t.dial,
		ConnectDone:          t.dialled,
		TLSHandshakeStart:    func() { t.mark(&t.shake) },
		TLSHandshakeDone:     func(_ tls.ConnectionState, err error) { t.done(&t.shakeEnd, err) },
		GotConn:              t.connected,
		WroteRequest:         func(httptrace.WroteRequestInfo) { t.last(&t.wrote) },
		GotFirstResponseByte: func() { t.last(&t.first) },
	})
}

// mark keeps the first time, last the latest.
func (t *trace) mark(at *time.Time) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended && at.IsZero() {
		*at = now
	}
}

// done ends a phase that came to a good end; another is where the run ended.
func (t *trace) done(at *time.Time, err error) {
	if err == nil {
		t.mark(at)
	}
}

func (t *trace) last(at *time.Time) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		*at = now
	}
}

// dial notes that addr is dialled. While a name is looked up, the connections
// are those to name servers.
func (t *trace) dial(network, addr string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || !t.dns.IsZero() && t.dnsEnd.IsZero() {
		return
	}
	if t.conn.IsZero() {
		t.conn = now
	}
	t.addr, t.connEnd, t.asking = addr, time.Time{}, network == transport.Tunnel
}

func (t *trace) dialled(_, addr string, err error) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended && addr == t.addr && err == nil {
		t.connEnd = now
	}
}

func (t *trace) connected(i httptrace.GotConnInfo) {
	t.last(&t.got)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || !i.Reused {
		return
	}
	t.reused = true
	if a := i.Conn.RemoteAddr(); a != nil {
		t.addr = a.String()
	}
}

// end stops the trace and adds its phases to p; the phase that was going on
// gets the time up to now. It returns how far the request came.
func (t *trace) end(p *check.Phases) step {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if !t.reused { // the times of a dial that another request may use are not ours
		p.Resolve += between(t.dns, t.dnsEnd, now)
		p.Connect += between(t.conn, t.connEnd, now)
		p.TLS += between(t.shake, t.shakeEnd, now)
	}
	sent := t.wrote
	if sent.IsZero() {
		sent = t.got
	}
	p.Processing += between(sent, t.first, now)
	p.Transfer += between(t.first, now, now)
	return t.step()
}

// beyond says whether the proxy was reached and asked to get further.
func (t *trace) beyond() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asking || !t.got.IsZero()
}

// handed says whether a connection without a tunnel took the request: to a proxy
// that passes it on, if there is one.
func (t *trace) handed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.asking && !t.got.IsZero()
}

// remote is the address that was dialled, "" for none.
func (t *trace) remote() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.addr
}

func (t *trace) step() step {
	switch {
	case !t.first.IsZero():
		return receiving
	case !t.got.IsZero():
		return waiting
	case !t.shake.IsZero() && t.shakeEnd.IsZero():
		return shaking
	case !t.conn.IsZero() && t.connEnd.IsZero():
		return connecting
	case !t.dns.IsZero() && t.dnsEnd.IsZero():
		return resolving
	}
	return starting
}

func between(from, to, now time.Time) time.Duration {
	if from.IsZero() {
		return 0
	}
	if to.IsZero() {
		to = now
	}
	return max(to.Sub(from), 0)
}
