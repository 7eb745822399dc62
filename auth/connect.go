package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/transport"
)

// connect gives s what it needs to fetch tokens.
func (s *Source) connect() error {
	place := s.o.TokenURL
	if s.o.Issuer != "" {
		place = s.o.Issuer
	}
	u, err := url.Parse(place)
	if err != nil {
		return fmt.Errorf("%s: %w", s.placeKey(), err)
	}
	s.host, s.provider = u.Host, providerOrigin(u)
	s.route = transport.NewRoute(s.o.transport(s.o.TLS))
	if s.wire, err = s.registry.wire(s.o.transport(s.o.TLS)); err != nil {
		return err
	}
	open := s.o.TLS
	open.CertFile, open.KeyFile = "", "" // what is open to all, and whether somebody is alive, is asked as nobody
	public, err := s.registry.wire(s.o.transport(open))
	if err != nil {
		return err
	}
	asked := plainURL(u)
	if s.o.Issuer != "" {
		s.found = s.registry.issuerOf(providerKey{url: s.o.Issuer, tls: open, way: s.o.way()}, public, s.route)
		asked = wellKnown(s.o.Issuer)[0]
	}
	s.alive = s.registry.providerOf(providerKey{asked, open, slices.Contains(byCertificate(), s.o.AuthMethod), s.o.way()}, public)
	s.tokens = newCache(s.registry.ctx, s, s.o.Timeout, s)
	return nil
}

// transport returns the options of the transport to the provider.
func (o Options) transport(t transport.TLS) transport.Options {
	return transport.Options{TLS: t, Proxy: o.ProxyURL, NoProxy: o.NoProxy}
}

// way sums up by which proxy the provider is asked. It gives nothing of it away.
func (o Options) way() [sha256.Size]byte {
	if o.ProxyURL.IsZero() {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256([]byte(strings.Join(append([]string{o.ProxyURL.Source()}, o.NoProxy...), "\n")))
}

// placeKey is the key of the configuration that says where the provider is.
func (s *Source) placeKey() string {
	if s.o.Issuer != "" {
		return "issuer"
	}
	return "token_url"
}

// plainURL is a URL in the one spelling that all have in common, without query.
func plainURL(u *url.URL) string { return providerOrigin(u) + u.EscapedPath() }

// target is where a token request goes, and what the provider tells of itself,
// nil without issuer.
func (s *Source) target(ctx context.Context) (string, *metadata, *finding) {
	if s.found == nil {
		return s.o.TokenURL, nil, nil
	}
	m, f := s.found.get(ctx)
	if f != nil {
		return "", nil, f
	}
	if f := m.checkAlias(s.o.AuthMethod); f != nil {
		return "", nil, f
	}
	return m.endpointFor(s.o.AuthMethod), m, nil
}

// backoff is whose back-off counts: that of the token endpoint, or of the
// discovery document as long as there is none.
func (s *Source) backoff() *endpoint {
	if raw := s.tokenURL(); raw != "" {
		return s.registry.endpointAt(raw)
	}
	return s.found.backoff
}

// locate finds the token endpoint.
func (s *Source) locate(ctx context.Context) (*endpoint, *finding) {
	asked := time.Now()
	raw, _, f := s.target(ctx)
	if f != nil {
		s.tell(f, time.Since(asked))
		return nil, f
	}
	return s.registry.endpointAt(raw), nil
}

func (r *Registry) endpointAt(raw string) *endpoint {
	if u, err := url.Parse(raw); err == nil {
		raw = plainURL(u)
	}
	return r.endpointOf(raw)
}

func (r *Registry) issuerOf(key providerKey, rt http.RoundTripper, way transport.Route) *discovery {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.issuers[key]
	if !ok {
		d = &discovery{ctx: r.ctx, issuer: key.url, wire: rt, route: way, userAgent: r.o.UserAgent, backoff: &endpoint{}}
		r.issuers[key] = d
	}
	return d
}

// locator knows the endpoint that token requests go to.
type locator interface {
	// backoff returns whose back-off counts at the moment.
	backoff() *endpoint
	// locate returns the endpoint of the next request; to find it may take a
	// request of its own.
	locate(ctx context.Context) (*endpoint, *finding)
}

func (c *cache) locate() (*endpoint, *finding) {
	ctx, cancel := context.WithTimeout(c.ctx, c.timeout)
	defer cancel()
	return c.where.locate(ctx)
}
