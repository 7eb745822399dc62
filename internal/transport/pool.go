package transport

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/idna"
)

const (
	idleConnections = 16 // per host, of a transport that keeps connections
	idleTime        = 90 * time.Second
	headerLimit     = 1 << 20 // bytes of an answer's header
)

// Pool holds the transports in use, one per distinct set of options.
type Pool struct {
	via        Dial
	mu         sync.Mutex
	transports map[fingerprint]*http.Transport
}

// fingerprint tells sets of options apart and gives nothing of them away.
type fingerprint [sha256.Size]byte

// Dial connects to an address, IP and port, within ctx.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// NewPool returns an empty Pool that connects over this machine's network.
func NewPool() *Pool { return NewPoolVia(nil) }

// NewPoolVia returns an empty Pool that connects by the given func: to a world
// that is not this machine's network. Nil: over that network.
func NewPoolVia(via Dial) *Pool {
	return &Pool{via: via, transports: make(map[fingerprint]*http.Transport)}
}

// Get returns the transport for o; equal options share one. It decodes no
// bodies, uses no proxy of the environment and sets no time limits but for
// dials: contexts bound everything, see Bind. Get reads no file and sends
// nothing; the error names an option that can never work.
func (p *Pool) Get(o Options) (*http.Transport, error) {
	o, err := normal(o)
	if err != nil {
		return nil, err
	}
	key, err := o.fingerprint()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.transports[key]
	if !ok {
		t = newTransport(o, p.via)
		p.transports[key] = t
	}
	return t, nil
}

// fingerprint sums up o. A proxy goes into it as what the configuration says of
// where its URL is.
func (o Options) fingerprint() (fingerprint, error) {
	b, err := json.Marshal(struct {
		Options
		Source string
	}{o, o.Proxy.Source()})
	if err != nil {
		return fingerprint{}, fmt.Errorf("fingerprint transport options: %w", err)
	}
	return sha256.Sum256(b), nil
}

// Close closes the idle connections of all transports and ends the dials that
// nobody waits for any more. The transports stay usable.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.transports {
		t.CloseIdleConnections()
	}
}

// normal returns o in the one spelling that equal options share.
func normal(o Options) (Options, error) {
	if err := checkFamily(o.IPFamily); err != nil {
		return o, fmt.Errorf("ip_family: %w", err)
	}
	if o.IPFamily == "" {
		o.IPFamily = familyAny
	}
	if err := checkVersion(o.HTTPVersion); err != nil {
		return o, fmt.Errorf("http_version: %w", err)
	}
	if o.HTTPVersion == "" {
		o.HTTPVersion = versionAny
	}
	if o.Proxy.IsZero() {
		o.NoProxy = nil
	}
	resolve := make(map[string]string, len(o.Resolve))
	for host, address := range o.Resolve {
		if err := checkResolve(host, address, o.IPFamily); err != nil {
			return o, fmt.Errorf("resolve %q: %w", host, err)
		}
		ip, err := parseIP(address)
		if err != nil {
			return o, fmt.Errorf("resolve %q: %w", host, err)
		}
		resolve[asDialled(host)] = ip.String()
	}
	o.Resolve = resolve
	return o, nil
}

// asDialled is the one spelling of a host that dials have.
func asDialled(host string) string {
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return canonicalHost(host)
}

func newTransport(o Options, via Dial) *http.Transport {
	way := newRoute(o)
	d := &dialer{family: o.IPFamily, resolve: o.Resolve, certs: certs{options: o.TLS, version: o.HTTPVersion, oldest: o.OldestTLS}, via: via, way: way}
	if !o.Reuse {
		d.net.KeepAliveConfig = net.KeepAliveConfig{Enable: false}
		d.net.KeepAlive = -1
	}
	return &http.Transport{
		Proxy:                  way.forwarding(),
		Protocols:              protocols(o.HTTPVersion),
		DialContext:            d.dialPlain,
		DialTLSContext:         d.dialTLS,
		DisableCompression:     true,
		DisableKeepAlives:      !o.Reuse,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: headerLimit,
	}
}
