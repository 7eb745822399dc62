package probes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// Issuer is a monitor of type issuer: it watches an identity provider by what
// gates and clients need of it. It is safe for concurrent use.
type Issuer struct {
	door     *HTTP // to the issuer itself
	issuer   string
	way      *Way // nil without a credential
	provider string
	fresh    bool
	form     atomic.Int64                      // of the well-known address that answered last
	limits   atomic.Pointer[limit]             // the last answer that told us to wait
	seen     atomic.Pointer[map[string]string] // the keys of the last run: what they are, by thumbprint
}

// NewIssuer builds the probe of monitor m. All that can be checked is checked by
// CheckIssuer; its first error is returned. w is nil for a monitor without a
// credential. NewIssuer does no I/O.
func NewIssuer(m *check.Monitor, o HTTPOptions, i IssuerOptions, w *Way, c Common) (*Issuer, error) {
	for _, p := range checkIssuer(o) {
		if !p.Warning {
			return nil, errors.New(p.Path + ": " + p.Message)
		}
	}
	if i.FreshToken && (w == nil || w.Fresh == nil) {
		return nil, errors.New("fresh_token: there is no credential to fetch one with")
	}
	d := documents(o)
	d.Headers = map[string]secret.Text{"Accept": secret.Literal("application/json")}
	door, err := NewHTTP(m, d, nil, c)
	if err != nil {
		return nil, err
	}
	if door.common.Foreign == nil {
		return nil, errors.New("no transport to other origins")
	}
	p := &Issuer{door: door, issuer: o.URL, way: w, fresh: i.FreshToken}
	p.provider = door.url.Scheme + "://" + door.url.Host
	if w != nil && w.Provider != "" {
		p.provider = w.Provider
	}
	return p, nil
}

// documents returns the options of the requests of a monitor of type issuer:
// what it does not take is as if nobody had said it.
func documents(o HTTPOptions) HTTPOptions {
	d := DefaultHTTPOptions()
	d.URL, d.Connection, d.IPFamily, d.Resolve, d.TLS = o.URL, o.Connection, o.IPFamily, o.Resolve, o.TLS
	d.ProxyURL, d.NoProxy, d.HTTPVersion = o.ProxyURL, o.NoProxy, o.HTTPVersion
	return d
}

// Probe looks at the provider once, within ctx, which bounds the whole run. It
// returns exactly one result.
func (p *Issuer) Probe(ctx context.Context) check.Result { return p.run(ctx, false) }

// Explain is Probe with Detail always set.
func (p *Issuer) Explain(ctx context.Context) check.Result { return p.run(ctx, true) }

func (p *Issuer) run(ctx context.Context, explain bool) check.Result {
	v := &visit{run: newRun(p.door), p: p}
	v.reads = v
	v.res.Fault = v.guarded(ctx, v.steps)
	v.res.Took = time.Since(v.res.Start)
	if v.res.Fault == nil { // that of the token endpoint, which takes no GET, would be taken for bad news
		v.res.StatusCode, v.res.Remote = v.first.status, v.first.remote
	}
	if explain || v.res.Fault != nil || len(v.notes) > 0 {
		v.res.Detail = &check.Detail{Tries: v.tries, Token: v.token, Notes: v.notes}
	}
	return v.res
}

// visit is one run of a monitor of type issuer.
type visit struct {
	*run
	p     *Issuer
	body  []byte // of the last answer
	first struct {
		status int
		remote string
	}
	token *check.TokenInfo
	notes []string
}

// steps goes from what all depend on to what only we do.
func (v *visit) steps(ctx context.Context) *check.Fault {
	head, _, err := v.run.p.ownHeader()
	if err != nil {
		return v.fault(unreadable(err))
	}
	v.head = head
	m, f := v.discover(ctx)
	if f != nil {
		return f
	}
	v.first.status, v.first.remote = v.res.StatusCode, v.res.Remote
	if f := v.keys(ctx, m); f != nil {
		return f
	}
	if f := v.endpoint(ctx, m); f != nil {
		return f
	}
	return v.tryToken(ctx)
}

// readHead and readBody keep an answer: what it means depends on what was asked.
func (v *visit) readHead(*answer) (verdict, bool) { return verdict{}, false }

func (v *visit) readBody(a *answer) verdict {
	v.body = a.body
	return verdict{}
}

// get asks for one document, without any credential. what names it for people.
func (v *visit) get(ctx context.Context, raw, what string) (*answer, *check.Fault) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, v.fault(v.badURL(raw, what))
	}
	u = asSent(u)
	if f := v.waits(u); f != nil {
		return nil, f
	}
	a, _, f := v.exchange(ctx, hop{method: http.MethodGet, url: u, own: originOf(u) == v.run.p.origin, bare: true, redirected: true})
	at := what + " " + v.scene.shown(u)
	switch {
	case f != nil:
		return nil, v.unreachable(f, at)
	case a.status >= 500:
		return nil, v.fault(v.failing(a, at))
	case a.status == http.StatusTooManyRequests:
		return nil, v.limit(a, at)
	case a.broken != nil:
		return nil, v.unreachable(v.blame(a.broken), at)
	}
	return a, nil
}

// fault makes a fault of a finding; it is the provider's, but for what is our own.
func (v *visit) fault(f *finding) *check.Fault { return v.own(v.blame(f)) }

func (v *visit) own(f *check.Fault) *check.Fault {
	if f.Class == check.IDP || f.Class == check.TLS {
		f.Cause = check.Cause{Kind: check.CauseProvider, Key: v.p.provider}
	}
	return f
}

// unreachable is the fault of a request that came to no good end. For the rest of
// the program a provider that is not there is one thing, however that is noticed.
func (v *visit) unreachable(f *check.Fault, at string) *check.Fault {
	reason := check.TokenUnreachable
	switch {
	case f.Class == check.TLS:
		return v.own(f)
	case f.Class == check.Target:
		reason = check.DiscoveryFailed
	case f.Class != check.Network:
		return f
	case f.Reason == check.Timeout && v.step >= waiting:
		reason = check.TokenTimeout
	}
	v.res.Remote = "" // nobody was reached there
	got := v.fault(&finding{reason, fmt.Sprintf("%s: %s", at, f.Message), f.Hint})
	got.Err = f.Err
	return got
}

// tryToken sees that there is a token for us: a new one, or that of all.
func (v *visit) tryToken(ctx context.Context) *check.Fault {
	w := v.p.way
	if w == nil {
		return nil
	}
	start := time.Now()
	var err error
	if v.p.fresh {
		v.token, err = w.Fresh(ctx)
	} else {
		_, err = w.Auth.Authorize(ctx, &http.Request{Method: http.MethodGet, URL: v.run.p.url, Host: v.run.p.url.Host, Header: v.run.p.defaults()})
		if w.Token != nil {
			v.token = w.Token()
		}
	}
	v.res.Phases.Token += time.Since(start)
	if err == nil {
		return nil
	}
	v.way = w
	defer func() { v.way = nil }()
	return v.noToken(ctx, start, err)
}
