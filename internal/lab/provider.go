package lab

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The provider's paths, as Authelia names them.
const (
	TokenPath         = "/api/oidc/token"
	IntrospectionPath = "/api/oidc/introspection"
	RevocationPath    = "/api/oidc/revocation"
	JWKSPath          = "/jwks.json"
	DiscoveryPath     = "/.well-known/openid-configuration"
	metadataPath      = "/.well-known/oauth-authorization-server"
)

// ProviderOptions configure a [Provider].
type ProviderOptions struct {
	// Issuer is the provider's own URL without trailing slash; "" follows the
	// Host of each request, as Authelia does.
	Issuer  string
	Clients []Client
	// NoFailureLimit leaves out Authelia's limit of 30 failures a minute.
	NoFailureLimit bool
}

// Provider is an OAuth 2.0 authorization server for client credentials that
// answers as Authelia was observed to. The embedded [Switch] makes all of it
// misbehave, Token the token endpoint alone, Discovery its documents.
type Provider struct {
	Switch
	Token     Switch
	Discovery Switch

	issuer  string
	header  http.Header
	mux     *http.ServeMux
	keys    *keyring
	grants  *grants
	limit   *limiter
	log     *tokenLog
	quirks  atomic.Pointer[Quirks]
	jtis    jtis
	asked   atomic.Int64 // for discovery documents
	tells   atomic.Pointer[func(path string, document map[string]any)]
	offset  atomic.Int64
	forgets atomic.Bool
	mu      sync.RWMutex
	clients map[string]Client
}

// Quirks are ways in which a token endpoint answers oddly. The zero value has
// none.
type Quirks struct {
	// ExpiresIn replaces the value of expires_in by this JSON text (`"3600"`,
	// `3599.5`, `-1`, `null`); [Omit] leaves the member out.
	ExpiresIn string
	// TokenType replaces "bearer"; [Omit] leaves the member out.
	TokenType string
	// Scope replaces the scope granted; [Omit] leaves the member out.
	Scope string
	// EchoSecret repeats what the client sent, secret included, in every
	// error answer.
	EchoSecret bool
	// Debug adds what Authelia's enable_client_debug_messages adds.
	Debug bool
	// HTML answers 200 with a sign-in page, Malformed with half a JSON object.
	HTML, Malformed bool
}

// Omit is the value of a [Quirks] field that leaves a member out.
const Omit = "omit"

// NewProvider returns a provider that is healthy. Its keys for JWTs are made
// when first needed.
func NewProvider(o ProviderOptions) *Provider {
	p := &Provider{
		issuer: strings.TrimRight(o.Issuer, "/"), header: securityHeader(),
		keys: newKeyring(), grants: newGrants(), limit: newLimiter(!o.NoFailureLimit), log: newTokenLog(),
		clients: map[string]Client{},
	}
	p.header["Content-Security-Policy"] = []string{"default-src 'none'"}
	for _, c := range o.Clients {
		p.SetClient(c)
	}
	p.quirks.Store(&Quirks{})
	p.mux = p.routes()
	return p
}

func (p *Provider) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc(TokenPath, p.serveToken)
	mux.HandleFunc(TokenPath+"/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", p.issuerOf(r)+TokenPath)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	mux.HandleFunc(IntrospectionPath, p.serveIntrospection)
	mux.HandleFunc(RevocationPath, p.serveRevocation)
	mux.HandleFunc(JWKSPath, p.serveJWKS)
	mux.HandleFunc(DiscoveryPath, p.serveDiscovery)
	mux.HandleFunc(metadataPath, p.serveDiscovery)
	mux.HandleFunc("/api/health", func(w http.ResponseWriter, _ *http.Request) {
		writeBody(w, http.StatusOK, "application/json; charset=utf-8", `{"status":"OK"}`)
	})
	mux.HandleFunc("/{$}", p.servePortal)
	return mux
}

// ServeHTTP answers discovery, keys, tokens, introspection, revocation and the
// sign-in page.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.offset.Load() != 0 {
		w.Header().Set("Date", p.Now().UTC().Format(http.TimeFormat))
	}
	isToken := r.URL.Path == TokenPath && r.Method == http.MethodPost
	if isToken {
		p.log.arrived()
	}
	result := p.intercept(w, r)
	switch {
	case result != "":
	case r.URL.Path == TokenPath:
		result = p.Token.intercept(w, r)
	case strings.HasPrefix(r.URL.Path, DiscoveryPath) || strings.HasPrefix(r.URL.Path, metadataPath):
		p.asked.Add(1)
		result = p.Discovery.intercept(w, r)
	}
	if result != "" {
		if isToken {
			p.log.add(claimedClient(r), result)
		}
		return
	}
	p.mux.ServeHTTP(w, r)
}

// SetClient adds a registration or replaces the one with the same id.
func (p *Provider) SetClient(c Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[c.ID] = c
}

// Client returns a registration.
func (p *Provider) Client(id string) (Client, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c, ok := p.clients[id]
	return c, ok
}

func (p *Provider) edit(id string, change func(*Client)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.clients[id]; ok {
		change(&c)
		p.clients[id] = c
	}
}

// RotateSecret gives the client another secret. Tokens stay valid.
func (p *Provider) RotateSecret(id, secret string) {
	p.edit(id, func(c *Client) { c.Secret = secret })
}

// WithdrawScope forbids the client a scope. Tokens stay valid.
func (p *Provider) WithdrawScope(id, scope string) {
	p.edit(id, func(c *Client) {
		c.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(s string) bool { return s == scope })
	})
}

// SetAudience replaces what the client may ask for. Tokens keep theirs.
func (p *Provider) SetAudience(id string, audience ...string) {
	p.edit(id, func(c *Client) { c.Audience = audience })
}

// SetLifetime changes the life of the client's next tokens.
func (p *Provider) SetLifetime(id string, d time.Duration) {
	p.edit(id, func(c *Client) { c.Lifetime = d })
}

// RevokeAll makes every token issued so far invalid and returns how many
// there were.
func (p *Provider) RevokeAll() int {
	return p.grants.dropIf(func(*Grant) bool { return true })
}

// Revoke makes all tokens of one client invalid and returns how many there
// were.
func (p *Provider) Revoke(client string) int {
	return p.grants.dropIf(func(g *Grant) bool { return g.Client == client })
}

// SetRateLimited answers every token request 429 with Retry-After for d; 0
// ends it.
func (p *Provider) SetRateLimited(d time.Duration) { p.limit.force(p.Now(), d) }

// SetFailureLimit switches Authelia's limit of failures on and off; off also
// forgets the failures so far.
func (p *Provider) SetFailureLimit(on bool) { p.limit.set(on) }

// SetQuirks replaces the quirks of the token endpoint.
func (p *Provider) SetQuirks(q Quirks) { p.quirks.Store(&q) }

// SetForgetful makes the provider forget each token as soon as it has issued
// it, as two instances do that share no storage.
func (p *Provider) SetForgetful(on bool) { p.forgets.Store(on) }

// SetClockOffset makes the provider's clock run ahead by d, or behind; its Date
// headers tell.
func (p *Provider) SetClockOffset(d time.Duration) { p.offset.Store(int64(d)) }

// mend takes back all switches; registrations and tokens stay.
func (p *Provider) mend() {
	p.Mend()
	p.Token.Mend()
	p.Discovery.Mend()
	p.SetDiscovery(nil)
	p.SetQuirks(Quirks{})
	p.SetClockOffset(0)
	p.SetForgetful(false)
	p.SetRateLimited(0)
	p.limit.forget()
}

// Now is the time on the provider's clock.
func (p *Provider) Now() time.Time { return time.Now().Add(time.Duration(p.offset.Load())) }

// Inspect tells what a token stands for, as a gate asks in process. It fails
// with [ErrDown] while the provider is Down, and with [ErrToken]. Other trouble
// of the provider's HTTP side does not touch it.
func (p *Provider) Inspect(token string) (*Grant, error) {
	if t := p.now.Load(); t != nil && t.Down {
		return nil, ErrDown
	}
	g := p.grants.get(token)
	if g == nil || p.Now().After(g.Expires) {
		return nil, ErrToken
	}
	return g, nil
}

// Mint issues a token for exactly this grant without any question; Issued and
// Expires get their values from the clock and the client when zero. The issuer
// of a JWT is the configured one.
func (p *Provider) Mint(g Grant, f Format) (string, error) { return p.mint(&g, f, p.issuer) }

func (p *Provider) mint(g *Grant, f Format, issuer string) (string, error) {
	now := p.Now()
	g.Issued = orTime(g.Issued, now)
	if g.Expires.IsZero() {
		c, _ := p.Client(g.Client)
		g.Expires = g.Issued.Add(c.lifetime())
	}
	g.places = parsePlaces(g.Audience)
	token := opaqueToken()
	if f != Opaque {
		var err error
		if token, err = p.keys.sign(f, claimsOf(g, issuer)); err != nil {
			return "", err
		}
	}
	if !p.forgets.Load() {
		p.grants.put(token, g, now)
	}
	return token, nil
}

// issuerOf is the issuer as the request sees it.
func (p *Provider) issuerOf(r *http.Request) string {
	if p.issuer != "" {
		return p.issuer
	}
	return schemeOf(r) + "://" + r.Host
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}
