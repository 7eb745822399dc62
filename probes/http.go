// Package probes is what a check does: it sends a request with the authority it
// was given, reads the answer, and says who is to blame where it is not the one
// expected. A probe returns exactly one result, whatever happens, and tells
// nobody else.
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
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/transport"
)

// The types of credentials, as auth names them.
const (
	kindClientCredentials = "client_credentials"
	kindBasic             = "basic"
	kindBearer            = "bearer"
	kindHeader            = "header"
)

// Authorizer gives a request its authority, and learns what became of it.
type Authorizer interface {
	// Authorize puts the credential on req, waiting within ctx for a token
	// where there is none. gen tells one token from the next. The error is a
	// *check.Fault with its cause.
	Authorize(ctx context.Context, req *http.Request) (gen uint64, err error)
	// Judged tells whether the gate refused token gen or took it; again says
	// that one more try with another token is due.
	Judged(gen uint64, refused bool) (again bool)
}

// Way is the way in: what is known of the credential of a monitor.
type Way struct {
	Auth       Authorizer
	Kind       string                     // type of the credential
	Credential string                     // its name
	Gate       string                     // what refuses together
	Provider   string                     // origin of the token endpoint, with or without the default port; "" for none
	Alive      func(context.Context) bool // whether the provider answers; nil: nobody to ask
	Authelia   func() bool                // whether the token sent is one of Authelia's; may be nil
	Token      func() *check.TokenInfo    // may be nil
	// Clock says how far the provider's clock is ahead of ours; may be nil.
	Clock   func() (ahead time.Duration, known bool)
	Secrets func() []string // what is scrubbed from quotes; may be nil
	// TokenURL is the token endpoint, fit to be shown, "" as long as it is not known; may be nil.
	TokenURL func() string
	// Waits says whether the token endpoint must not be asked for now, and why, as
	// far as that is known; may be nil.
	Waits func() (wait bool, why *check.Fault)
	// Fresh has a token fetched that nobody uses; may be nil. The error is a
	// *check.Fault.
	Fresh func(context.Context) (*check.TokenInfo, error)
	// Twin is the name of the monitor that asks for the same resource the other
	// way: through the gate, or the gate alone. "" for none.
	Twin string
}

// Common is what probes share.
type Common struct {
	// RT sends the requests. It must not follow redirects, decode bodies or
	// bound times: *http.Transport with DisableCompression.
	RT http.RoundTripper
	// Foreign sends what leaves the monitor's origin: redirects of monitors
	// without a credential. It must present no client certificate. Nil: RT
	// where the options name none; else such redirects are not followed.
	Foreign   http.RoundTripper
	Leads     func(*url.URL) bool // whether a redirect off the origin may lead there; nil: anywhere
	UserAgent string
	Buffers   *Buffers        // nil: buffers of its own
	Clocks    *machine.Clocks // is told what answers say of the time; may be nil
}

// filled returns c with what holds where it is silent.
func (c Common) filled(o HTTPOptions) Common {
	if c.Foreign == nil && o.TLS.CertFile == "" && o.TLS.ServerName == "" {
		c.Foreign = c.RT
	}
	if c.Buffers == nil {
		c.Buffers = new(Buffers)
	}
	return c
}

// HTTP is a monitor of type http. It is safe for concurrent use.
type HTTP struct {
	monitor *check.Monitor
	way     *Way
	common  Common

	url          *url.URL // without userinfo and fragment
	shown        string   // url, fit to be shown
	origin       string
	provider     string // origin of the identity provider, spelt as origin is
	address      string // host:port of url
	user         *url.Userinfo
	method       string
	host         string // from a Host header, "" for the URL's
	headers      []header
	prepared     http.Header // the whole header where no value has to be read at use
	body         body
	cacheBust    bool
	route        transport.Route // for who is to blame
	expect       expectations
	maxRedirects int
	maxBody      int64
	reuse        bool                        // connections are kept
	kept         kept                        // for how long
	upsideDown   bool                        // it is to fail
	noted        atomic.Bool                 // the last run passed with a note
	tellsFrom    bool                        // a header says from where we come, as a proxy says of others
	chain        atomic.Pointer[check.Chain] // of the last run
}

// NewHTTP builds the probe of monitor m. All that can be checked is checked by
// CheckHTTP; its first error is returned. w is nil for a monitor without a
// credential. NewHTTP does no I/O.
func NewHTTP(m *check.Monitor, o HTTPOptions, w *Way, c Common) (*HTTP, error) {
	expect, wrong := newExpectations(o.Expect)
	for _, p := range append(append(checkSending(o), wrong...), checkHead(o)...) {
		if !p.Warning {
			return nil, errors.New(p.Path + ": " + p.Message)
		}
	}
	if c.RT == nil {
		return nil, errors.New("no transport")
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("url: it cannot be parsed")
	}
	p := &HTTP{monitor: m, shown: m.URL, way: w, common: c.filled(o), user: u.User, method: o.Method, body: newBody(o), cacheBust: o.CacheBust, route: transport.NewRoute(o.Transport()),
		maxRedirects: o.MaxRedirects, maxBody: o.MaxBody, reuse: o.Connection == connectionReuse, expect: expect, upsideDown: o.UpsideDown}
	if u = asSent(u); u.Path == "" {
		u.Path = "/"
	}
	p.url, p.origin, p.address = u, originOf(u), addressOf(u)
	if w != nil && w.Provider != "" {
		if p.provider, err = Origin(w.Provider); err != nil {
			return nil, fmt.Errorf("identity provider: %w", err)
		}
	}
	p.setHeaders(o.Headers)
	return p, nil
}

// Probe runs the check once, within ctx, which bounds the whole run. It returns
// exactly one result.
func (p *HTTP) Probe(ctx context.Context) check.Result { return p.run(ctx, false) }

// Explain is Probe with Detail always set.
func (p *HTTP) Explain(ctx context.Context) check.Result { return p.run(ctx, true) }

// Transport returns the options of the transport that a monitor with these
// options needs.
func (o HTTPOptions) Transport() transport.Options {
	return transport.Options{TLS: o.TLS, Resolve: o.Resolve, IPFamily: o.IPFamily, Reuse: o.Connection == connectionReuse,
		Proxy: o.ProxyURL, NoProxy: o.NoProxy, HTTPVersion: o.HTTPVersion, OldestTLS: o.Expect.TLSVersion}
}

// StrangerTransport returns the options of the transport for what a guard sends
// past its monitor's origin. There is nothing of ours in it, and whoever comes
// to do harm looks at no certificate either, so none is verified. It takes the way
// that the monitor takes: where that is a proxy, another might lead nowhere, and
// nowhere looks shut.
func (o HTTPOptions) StrangerTransport() transport.Options {
	return transport.Options{TLS: transport.TLS{InsecureSkipVerify: true}, Resolve: o.Resolve, IPFamily: o.IPFamily, Proxy: o.ProxyURL, NoProxy: o.NoProxy}
}

// ForeignTransport returns the options of the transport for redirects that
// leave the monitor's origin: the same trust, and nothing that is ours.
func (o HTTPOptions) ForeignTransport() transport.Options {
	t := o.Transport()
	t.TLS.CertFile, t.TLS.KeyFile, t.TLS.ServerName, t.HTTPVersion = "", "", "", ""
	return t
}
