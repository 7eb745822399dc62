package probes

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// Authz is a monitor of type authz: it asks what a gate decides, as the proxy
// that stands before a resource does. It is safe for concurrent use.
type Authz struct {
	door     *HTTP // to the endpoint
	resource *url.URL
	shown    string // resource, fit to be shown
	method   string // that is asked about
	o        AuthzOptions
}

// NewAuthz builds the probe of monitor m. All that can be checked is checked by
// CheckAuthz; its first error is returned. w is nil for a monitor without a
// credential, which asks as a stranger's. NewAuthz does no I/O.
func NewAuthz(m *check.Monitor, o HTTPOptions, a AuthzOptions, w *Way, c Common) (*Authz, error) {
	for _, p := range checkAuthz(o, a) {
		if !p.Warning {
			return nil, errors.New(p.Path + ": " + p.Message)
		}
	}
	resource, err := url.Parse(a.Resource)
	if err != nil {
		return nil, errors.New("resource: it cannot be parsed")
	}
	if resource = asSent(resource); resource.Path == "" {
		resource.Path = "/"
	}
	p := &Authz{resource: resource, shown: secret.URL(resource.String()), method: o.Method, o: a}
	if p.door, err = NewHTTP(m, p.asking(o), w, c); err != nil {
		return nil, err
	}
	p.door.tellsFrom = true
	return p, nil
}

// asking returns the options of the request to the endpoint, with the headers
// that a proxy sets.
func (p *Authz) asking(o HTTPOptions) HTTPOptions {
	d := DefaultHTTPOptions()
	d.URL, d.MaxRedirects, d.MaxBody, d.Connection = o.URL, 0, o.MaxBody, o.Connection
	d.IPFamily, d.Resolve, d.TLS, d.Expect, d.UpsideDown = o.IPFamily, o.Resolve, o.TLS, o.Expect.ofDecision(), o.UpsideDown
	d.ProxyURL, d.NoProxy, d.HTTPVersion = o.ProxyURL, o.NoProxy, o.HTTPVersion
	own := map[string]string{}
	switch p.o.Implementation {
	case implForwardAuth:
		own["X-Forwarded-Method"], own["X-Forwarded-Proto"] = p.method, p.resource.Scheme
		own["X-Forwarded-Host"], own["X-Forwarded-Uri"] = p.resource.Host, p.resource.RequestURI()
	case implExtAuthz:
		// Envoy sends the request itself, without its body, with the path put
		// after that of the endpoint.
		d.Method, d.URL = p.method, beneath(o.URL, p.resource)
		own["Host"], own["X-Forwarded-Proto"] = p.resource.Host, p.resource.Scheme
	default:
		own["X-Original-Method"], own["X-Original-Url"] = p.method, p.resource.String()
	}
	d.Headers = maps.Clone(o.Headers)
	if d.Headers == nil {
		d.Headers = map[string]secret.Text{}
	}
	for name, value := range own {
		d.Headers[name] = secret.Literal(value)
	}
	return d
}

// beneath returns the URL of the endpoint with the resource's path and query
// after its own path.
func beneath(endpoint string, resource *url.URL) string {
	u, err := url.Parse(endpoint)
	if err != nil { // Origin has parsed it
		return endpoint
	}
	under, err := url.Parse(strings.TrimRight(u.EscapedPath(), "/") + resource.EscapedPath())
	if err != nil {
		return endpoint
	}
	u.Path, u.RawPath, u.RawQuery = under.Path, under.RawPath, resource.RawQuery
	return u.String()
}

// SetsItself says whether the implementation sets the header of this name.
func (a AuthzOptions) SetsItself(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "X-Original-Url", "X-Original-Method":
		return a.Implementation == implAuthRequest
	case "X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri":
		return a.Implementation == implForwardAuth
	case "X-Forwarded-Proto":
		return a.Implementation != implAuthRequest
	case "Host":
		return a.Implementation == implExtAuthz
	}
	return false
}

// Probe asks once, and once more where another token is due, within ctx, which
// bounds the whole run. It returns exactly one result.
func (p *Authz) Probe(ctx context.Context) check.Result { return p.run(ctx, false) }

// Explain is Probe with Detail always set.
func (p *Authz) Explain(ctx context.Context) check.Result { return p.run(ctx, true) }

func (p *Authz) run(ctx context.Context, explain bool) check.Result {
	r := newRun(p.door)
	r.scene.url, r.scene.origin = p.resource, originOf(p.resource)
	r.scene.secrets = func() []string {
		all := p.door.secretsOf()
		for _, vs := range p.resource.Query() {
			all = append(all, longEnough(vs)...)
		}
		return all
	}
	r.reads = &authzReader{scene: &r.scene, authz: p}
	return r.finish(ctx, explain, func(ctx context.Context) *check.Fault {
		f := r.twice(ctx)
		r.note("asked as " + p.o.Implementation + " does, about " + p.method + " " + p.shown)
		return p.attribute(ctx, r, f)
	})
}

// attribute says whose it is that an endpoint cannot be reached. It is the gate,
// unless the provider is not there either: where both are one program, that is
// one outage of the provider. Out of time, who lives at one origin is taken for
// one.
func (p *Authz) attribute(ctx context.Context, r *run, f *check.Fault) *check.Fault {
	if f == nil || r.way == nil {
		return f
	}
	fails := r.status >= 500 && (f.Reason == check.Status || f.Reason == check.GatewayError)
	if f.Class != check.Network && !fails {
		return f
	}
	if !fails && p.orphaned(ctx, r.way) {
		if f.Reason == check.Timeout && r.step >= waiting {
			return r.deadProvider(check.TokenTimeout, f)
		}
		return r.deadProvider(check.TokenUnreachable, f)
	}
	gate := *f
	gate.Cause = check.Cause{Kind: check.CauseGate, Key: r.way.Gate}
	return &gate
}

// orphaned says whether the provider is not there either.
func (p *Authz) orphaned(ctx context.Context, w *Way) bool {
	switch {
	case w.Provider == "" || w.Alive == nil:
		return false
	case ctx.Err() != nil || expired(ctx):
		return p.door.provider == p.door.origin
	}
	return !w.Alive(ctx)
}
