package auth

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

const (
	aliveFor      = 10 * time.Second // an answer to "are you alive?" holds this long
	aliveTimeout  = 5 * time.Second
	alivePatience = 2 * time.Second // who waited this long and got nothing calls it dead
)

// providerKey tells apart whom to ask and how to trust it. It is the discovery
// document of the issuer that is asked, or the token endpoint, without credential
// and query: other programs may live at its origin.
type providerKey struct {
	url    string
	tls    transport.TLS
	mutual bool // whether a client certificate is expected there
	way    [sha256.Size]byte
}

// provider answers whether an identity provider is alive: asked by many, it
// asks once in ten seconds.
type provider struct {
	ctx       context.Context // ends with the registry
	url       string
	mutual    bool
	wire      http.RoundTripper
	userAgent string

	mu     sync.Mutex
	asked  time.Time
	isUp   bool
	flight chan struct{} // closed when the question under way is answered
	wg     sync.WaitGroup
}

// up says whether the provider gave any answer below 500, or wanted to know who
// asks. Where ctx ends before
// that is known, a provider that was silent for two seconds counts as dead.
func (p *provider) up(ctx context.Context) bool {
	p.mu.Lock()
	if p.flight == nil {
		if !p.asked.IsZero() && time.Since(p.asked) < aliveFor || p.ctx.Err() != nil {
			defer p.mu.Unlock()
			return p.isUp || p.asked.IsZero()
		}
		p.asked, p.flight = time.Now(), make(chan struct{})
		p.wg.Add(1)
		go p.ask(p.flight)
	}
	asked, flight := p.asked, p.flight
	p.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		return time.Since(asked) < alivePatience
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isUp
}

func (p *provider) ask(done chan struct{}) {
	defer p.wg.Done()
	isUp := p.get()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isUp = isUp
	p.flight = nil
	close(done)
}

// get says whether one unauthenticated request had an answer below 500. Redirects
// are answers, and so is a handshake that ends for want of a client certificate.
func (p *provider) get() bool {
	ctx, cancel := context.WithTimeout(p.ctx, aliveTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(transport.Bind(ctx), http.MethodGet, p.url, http.NoBody)
	if err != nil {
		return false
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", p.userAgent)
	resp, err := p.wire.RoundTrip(req)
	if err != nil {
		return p.wantsCertificate(err)
	}
	resp.Body.Close()
	return resp.StatusCode < http.StatusInternalServerError
}

// wantsCertificate says whether somebody ended the handshake for want of a
// client certificate. TLS 1.2 has no alert of its own for that (RFC 5246, section
// 7.4.6), so that a general one counts where a certificate is expected.
func (p *provider) wantsCertificate(err error) bool {
	class, reason, text := transport.Classify(err)
	if class != check.TLS || reason != check.Handshake {
		return false
	}
	return isAboutUs(text) || p.mutual && strings.HasSuffix(text, "the server ended the handshake: handshake failure")
}

// wait waits for the question under way; the registry's context has ended, so
// that there will be no other.
func (p *provider) wait() {
	p.mu.Lock()
	p.mu.Unlock() //nolint:staticcheck // who held it has started what is waited for
	p.wg.Wait()
}
