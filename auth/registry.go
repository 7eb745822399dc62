package auth

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/transport"
)

// RegistryOptions is what all sources share. The zero value works.
type RegistryOptions struct {
	UserAgent string             // of token requests; "" is Watchword
	Log       *slog.Logger       // nil: nothing is logged
	Observe   func(TokenRequest) // called after every token request; must not block
	Clocks    *machine.Clocks    // is told what answers say of the time; may be nil
}

// TokenRequest is one request that was sent to a token endpoint.
type TokenRequest struct {
	Credential string
	Result     string // ok or the reason of the fault
	Took       time.Duration
}

// Registry is what the sources of one agent have in common: the back-off of
// each token endpoint, whether a provider is alive, and their transports.
type Registry struct {
	o    RegistryOptions
	wire func(transport.Options) (http.RoundTripper, error)
	ctx  context.Context // ends with Close
	stop context.CancelFunc

	mu        sync.Mutex
	endpoints map[string]*endpoint
	issuers   map[providerKey]*discovery
	providers map[providerKey]*provider
	sources   map[*Source]struct{}
	clocks    map[string]bool // hosts whose clocks were logged as differing
}

// NewRegistry returns a Registry whose requests go through pool.
func NewRegistry(pool *transport.Pool, o RegistryOptions) *Registry {
	if o.UserAgent == "" {
		o.UserAgent = "Watchword"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(TokenRequest) {}
	}
	r := &Registry{
		o:         o,
		wire:      func(to transport.Options) (http.RoundTripper, error) { return pool.Get(to) },
		endpoints: make(map[string]*endpoint),
		issuers:   make(map[providerKey]*discovery),
		providers: make(map[providerKey]*provider),
		sources:   make(map[*Source]struct{}),
		clocks:    make(map[string]bool),
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Close ends all token requests in flight and waits for them. Tokens that are
// held stay usable; nothing is fetched any more.
func (r *Registry) Close() {
	r.stop()
	r.mu.Lock()
	sources := slices.Collect(maps.Keys(r.sources))
	providers, issuers := slices.Collect(maps.Values(r.providers)), slices.Collect(maps.Values(r.issuers))
	r.mu.Unlock()
	for _, s := range sources {
		s.Close()
	}
	for _, p := range providers {
		p.wait()
	}
	for _, d := range issuers {
		d.wait()
	}
}

// New returns the source of the credential called name. It reads no file and
// sends nothing. The error is the first of Check's problems.
func (r *Registry) New(name string, o Options) (*Source, error) {
	for _, p := range checkOptions(o) {
		if !p.Warning {
			return nil, fmt.Errorf("credential %q: %s: %s", name, p.Path, p.Message)
		}
	}
	s := &Source{name: name, o: o, registry: r}
	if o.Type == TypeClientCredentials || o.Type == "" {
		s.o.Type = TypeClientCredentials
		if err := s.connect(); err != nil {
			return nil, fmt.Errorf("credential %q: %w", name, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources[s] = struct{}{}
	return s, nil
}

// endpointOf returns the back-off of what stands at a place, however its URL is
// spelt.
func (r *Registry) endpointOf(tokenURL string) *endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.endpoints[tokenURL]
	if !ok {
		e = &endpoint{}
		r.endpoints[tokenURL] = e
	}
	return e
}

func (r *Registry) providerOf(key providerKey, rt http.RoundTripper) *provider {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.providers[key]
	if !ok {
		p = &provider{ctx: r.ctx, url: key.url, mutual: key.mutual, wire: rt, userAgent: r.o.UserAgent}
		r.providers[key] = p
	}
	return p
}

func (r *Registry) forget(s *Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sources, s)
}
