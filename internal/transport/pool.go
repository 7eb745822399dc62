package transport

import (
	"context"
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
	transports map[string]*http.Transport
}

// Dial connects to an address, IP and port, within ctx.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// NewPool returns an empty Pool that connects over this machine's network.
func NewPool() *Pool { return NewPoolVia(nil) }

// NewPoolVia returns an empty Pool that connects by the given func: to a world
// that is not this machine's network. Nil: over that network.
func NewPoolVia(via Dial) *Pool {
	return &Pool{via: via, transports: make(map[string]*http.Transport)}
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
	key, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("fingerprint transport options: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.transports[string(key)]
	if !ok {
		t = newTransport(o, p.via)
		p.transports[string(key)] = t
	}
	return t, nil
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
	resolve := make(map[string]string, len(o.Resolve))
	for host, address := range o.Resolve {
		if err := checkResolve(host, address, o.IPFamily); err != nil {
			return o, fmt.Errorf("resolve %q: %w", host, err)
		}
		ip, err := parseIP(address)
		if err != nil {
			return o, fmt.Errorf("resolve %q: %w", host, err)
		}
		if ascii, err := idna.Lookup.ToASCII(host); err == nil { // as a dial has it
			host = ascii
		}
		resolve[canonicalHost(host)] = ip.String()
	}
	o.Resolve = resolve
	return o, nil
}

func newTransport(o Options, via Dial) *http.Transport {
	d := &dialer{family: o.IPFamily, resolve: o.Resolve, certs: certs{options: o.TLS, oldest: o.OldestTLS}, via: via}
	if !o.Reuse {
		d.net.KeepAliveConfig = net.KeepAliveConfig{Enable: false}
		d.net.KeepAlive = -1
	}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            d.dialPlain,
		DialTLSContext:         d.dialTLS,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		DisableKeepAlives:      !o.Reuse,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: headerLimit,
	}
}
