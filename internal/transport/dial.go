package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	familyAny  = "any"
	familyIPv4 = "ipv4"
	familyIPv6 = "ipv6"

	dialLimit = 30 * time.Second // where no context bounds a dial
)

// Bind returns a context whose end also ends the dials and handshakes that a
// request with it starts. Without it net/http lets them go on after the request
// is over, because another request might want the connection; here they end
// after 30 s at the latest.
func Bind(ctx context.Context) context.Context { return context.WithValue(ctx, boundKey{}, ctx) }

type boundKey struct{}

// bounded returns the context of a dial: the values of ctx, the end of the
// context given to Bind.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	owner, ok := ctx.Value(boundKey{}).(context.Context)
	if !ok {
		return context.WithTimeout(ctx, dialLimit)
	}
	end, ok := owner.Deadline()
	if !ok {
		end = time.Now().Add(dialLimit)
	}
	dial, cancel := context.WithDeadline(ctx, end)
	stop := context.AfterFunc(owner, func() {
		if errors.Is(owner.Err(), context.Canceled) { // else the deadline says it better
			cancel()
		}
	})
	return dial, func() { stop(); cancel() }
}

// dialer connects as a set of options says.
type dialer struct {
	family  string
	resolve map[string]string
	certs   certs
	net     net.Dialer
	via     Dial          // in place of net, nil for none
	names   *net.Resolver // nil: the system's
	way     *route
}

// connect dials one address and has the trace of ctx told of it.
func (d *dialer) connect(ctx context.Context, address string) (net.Conn, error) {
	if d.via == nil {
		return d.net.DialContext(ctx, "tcp", address)
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.ConnectStart != nil {
		trace.ConnectStart("tcp", address)
	}
	conn, err := d.via(untraced{ctx}, "tcp", address)
	if trace != nil && trace.ConnectDone != nil {
		trace.ConnectDone("tcp", address, err)
	}
	return conn, err
}

// untraced is a context without values: what a Dial connects to in truth is
// nobody's business.
type untraced struct{ context.Context }

func (untraced) Value(any) any { return nil }

func (d *dialer) dialPlain(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	if address == forwardHost {
		return d.toForward(ctx)
	}
	return d.dial(ctx, address)
}

// dialTLS returns a connection whose handshake is still to be made: net/http
// makes it, and tells the trace of the request about it.
func (d *dialer) dialTLS(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conf, err := d.certs.config(host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx)
	raw, err := d.dial(ctx, address)
	if err != nil {
		cancel()
		return nil, err
	}
	conn := &guarded{Conn: raw}
	stop := context.AfterFunc(ctx, func() {
		conn.ended.Store(true)
		raw.Close()
	})
	conn.release = sync.OnceFunc(func() { stop(); cancel() })
	own := conf.GetClientCertificate
	conf.GetClientCertificate = func(i *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		conn.asked.Store(true)
		if own == nil {
			return new(tls.Certificate), nil // none, as crypto/tls itself does
		}
		return own(i)
	}
	conf.VerifyConnection = func(s tls.ConnectionState) error {
		conn.release()
		return agreed(d.certs.version, s)
	}
	return tls.Client(conn, conf), nil
}

// guarded is a connection that its dial may still close; release ends that.
type guarded struct {
	net.Conn
	release func()
	ended   atomic.Bool  // by the dial
	asked   atomic.Bool  // for a client certificate
	heard   atomic.Int64 // bytes since
}

// longestAlert is more than a TLS alert takes, and less than anything that a
// server says which takes a client certificate.
const longestAlert = 64

// notTaken is a connection that the server ended right after it asked for a
// client certificate. In TLS 1.3 the client learns of that after its handshake,
// and often by a write that fails before the alert is read.
type notTaken struct{ error }

func (e *notTaken) Unwrap() error { return e.error }

func (c *guarded) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil && c.asked.Load() && c.heard.Load() <= longestAlert {
		err = &notTaken{err}
	}
	return n, err
}

// Read says that the time was over where the closed connection is but the
// consequence of that.
func (c *guarded) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.asked.Load() {
		c.heard.Add(int64(n))
	}
	if err != nil && c.ended.Load() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (c *guarded) Close() error {
	c.release()
	return c.Conn.Close()
}

// dial connects to an address, through the proxy where there is one for it.
func (d *dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	p, err := d.way.to(host, port)
	switch {
	case err != nil:
		return nil, err
	case p != nil:
		return d.through(ctx, p, address)
	}
	return d.direct(ctx, address)
}

// direct connects to one address. A probe is a test and not a client, so there is
// no race between addresses; but where the first one refuses at once, the first
// of the other family is tried, because "localhost" and half-configured IPv6
// would else fail for a reason that no browser knows.
func (d *dialer) direct(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ips, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	conn, err := d.connect(ctx, net.JoinHostPort(ips[0].String(), port))
	if other, ok := otherFamily(ips); ok && err != nil && atOnce(err) {
		if second, err := d.connect(ctx, net.JoinHostPort(other.String(), port)); err == nil {
			return second, nil
		}
	}
	return conn, err
}

func otherFamily(ips []netip.Addr) (netip.Addr, bool) {
	for _, ip := range ips[1:] {
		if ip.Is4() != ips[0].Is4() {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

func atOnce(err error) bool {
	for _, e := range []error{syscall.ECONNREFUSED, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// lookup returns at least one address of host, the preferred one first (RFC 6724).
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if fixed, ok := d.resolve[canonicalHost(host)]; ok {
		host = fixed
	}
	if ip, err := parseIP(host); err == nil {
		if !inFamily(ip, d.family) {
			return nil, noAddress(host, d.family)
		}
		return []netip.Addr{ip}, nil
	}
	ctx, cancel := lookupTime(ctx)
	defer cancel()
	network := map[string]string{familyIPv4: "ip4", familyIPv6: "ip6", familyAny: "ip"}[d.family]
	names := d.names
	if names == nil {
		names = net.DefaultResolver
	}
	ips, err := names.LookupNetIP(ctx, network, host)
	if _, none := errors.AsType[*net.AddrError](err); none || err == nil && len(ips) == 0 {
		return nil, noAddress(host, d.family)
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, err
}

func inFamily(ip netip.Addr, family string) bool {
	return family == familyIPv4 && ip.Is4() || family == familyIPv6 && ip.Is6() || family == familyAny || family == ""
}

func noAddress(host, family string) error {
	what := "no address"
	if family == familyIPv4 || family == familyIPv6 {
		what = "no " + family + " address"
	}
	return &net.DNSError{Err: what, Name: host, IsNotFound: true}
}

func canonicalHost(h string) string { return strings.ToLower(strings.TrimSuffix(h, ".")) }
