package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/secret"
)

// Tunnel is the network of the ConnectStart of a trace that says that a proxy was
// asked for the way to the target; what comes before, such as TLS with the proxy,
// is "tcp" still. All of it belongs to the phase connect.
const Tunnel = "tunnel"

const proxyHeaderLimit = 64 << 10 // bytes of a proxy's answer

// through connects to an address through a proxy.
func (d *dialer) through(ctx context.Context, p *proxy, address string) (net.Conn, error) {
	target, err := d.toldTo(ctx, p, address)
	if err != nil {
		return nil, err
	}
	conn, err := d.direct(ctx, p.address)
	if err != nil {
		return nil, p.unreachable(err)
	}
	return d.agree(ctx, p, conn, func(conn net.Conn, asked func()) (net.Conn, error) {
		if p.forwards() {
			asked()
			return p.connect(conn, target)
		}
		return conn, p.socks(conn, target, asked)
	})
}

// toForward connects to a proxy that is handed whole requests.
func (d *dialer) toForward(ctx context.Context) (net.Conn, error) {
	p, err := readProxy(d.way.url)
	if err != nil {
		return nil, err
	}
	if p == nil || !p.forwards() { // since the request was begun
		return nil, &UnreadableProxyError{errors.New("it became another kind of proxy in the middle of a request")}
	}
	conn, err := d.direct(ctx, p.address)
	if err != nil {
		return nil, p.unreachable(err)
	}
	if p.scheme == proxyHTTP {
		return conn, nil
	}
	return d.agree(ctx, p, conn, func(conn net.Conn, _ func()) (net.Conn, error) { return conn, nil })
}

// toldTo returns what a proxy is asked to connect to: the address that resolve
// names, for socks5 the one that is found here, else the name.
func (d *dialer) toldTo(ctx context.Context, p *proxy, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if fixed, ok := d.resolve[canonicalHost(host)]; ok {
		return net.JoinHostPort(fixed, port), nil
	}
	if p.scheme != proxySOCKS {
		return address, nil
	}
	ips, err := d.lookup(ctx, host)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(ips[0].String(), port), nil
}

// agree agrees on a connection with a proxy, within ctx, and closes it where that
// fails.
func (d *dialer) agree(ctx context.Context, p *proxy, raw net.Conn, ask agreement) (_ net.Conn, err error) {
	remote, wasAsked := raw.RemoteAddr().String(), false
	asked := func() { wasAsked = true }
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.ConnectStart != nil && trace.ConnectDone != nil {
		asked = func() { wasAsked = true; trace.ConnectStart(Tunnel, remote) }
		trace.ConnectStart("tcp", remote)
		defer func() { trace.ConnectDone("tcp", remote, err) }()
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	conn := raw
	if p.scheme == proxyHTTPS {
		conn, err = d.secured(ctx, p, raw)
	}
	if err == nil {
		conn, err = ask(conn, asked)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		return nil, p.failed(ctx, wasAsked, err)
	}
	return conn, nil
}

// agreement agrees with a proxy on the way to a target; it calls asked when it
// asks for that.
type agreement func(conn net.Conn, asked func()) (net.Conn, error)

// secured makes the handshake with a proxy that is spoken to by TLS.
func (d *dialer) secured(ctx context.Context, p *proxy, raw net.Conn) (net.Conn, error) {
	conf, err := d.certs.proxyConfig(p.host())
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, conf)
	if err := conn.HandshakeContext(untraced{ctx}); err != nil {
		_, _, text := Classify(err)
		return nil, p.broken("cannot be spoken to by TLS: "+text, "https:// before the name of a proxy means TLS with the proxy itself: where it speaks plain HTTP, as most do, write http://; else look at its certificate (ca_file under tls counts for it too)", err)
	}
	return conn, nil
}

// failed is what became of an agreement that did not come about.
func (p *proxy) failed(ctx context.Context, asked bool, err error) error {
	e, ok := errors.AsType[*ProxyError](err)
	switch {
	case ok && ctx.Err() == nil:
		return e
	case ctx.Err() != nil && asked:
		return p.silent(ctx.Err())
	case ctx.Err() != nil:
		return p.broken("took the connection and said nothing", "is what listens at "+p.address+" a proxy of the kind that proxy_url says?", ctx.Err())
	}
	_, _, text := Classify(err)
	return p.broken("broke off: "+text, "is "+p.String()+" a proxy of this kind? its log may say more", err)
}

// silent is a proxy that took the connection and did not say in time whether it
// gets to the target. Mostly that is because the target does not answer it.
func (p *proxy) silent(err error) *ProxyError {
	return &ProxyError{Proxy: p.String(), Address: p.address, Beyond: true, Err: err,
		Said: "did not say in time whether it gets to the target",
		Hint: "a proxy that waits for a target that drops packets is silent too: is the target up, and does the proxy reach it?"}
}

// connect asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).
func (p *proxy) connect(conn net.Conn, target string) (net.Conn, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target)
	if p.user != nil {
		password, _ := p.user.Password()
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(p.user.Username()+":"+password)))
	}
	b.WriteString("\r\n")
	if _, err := conn.Write(b.Bytes()); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: proxyHeaderLimit}
	r := bufio.NewReader(limited)
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect, URL: &url.URL{Host: target}})
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, p.answered(resp, target, p.ownWords(resp.Header))
	}
	if n := r.Buffered(); n > 0 { // the target spoke first
		early, err := r.Peek(n)
		return &spoken{conn, io.MultiReader(bytes.NewReader(early), conn)}, err
	}
	return conn, nil
}

// spoken is a connection of which something was read already.
type spoken struct {
	net.Conn
	r io.Reader
}

func (s *spoken) Read(b []byte) (int, error) { return s.r.Read(b) }

// answered is what it means that a proxy did not do what it was asked for.
func (p *proxy) answered(resp *http.Response, target, own string) error {
	said := statusText(resp.StatusCode)
	if own != "" {
		said += " (" + own + ")"
	}
	switch code := resp.StatusCode; {
	case code == http.StatusProxyAuthRequired, code == http.StatusUnauthorized:
		return p.refused(said)
	case code == http.StatusForbidden:
		return p.beyond("does not let us to "+target+": "+said, true)
	case code == http.StatusTooManyRequests:
		return p.broken("asks us to come less often: "+said, "look at the limits of the proxy", nil)
	case code >= http.StatusInternalServerError && code != http.StatusNotImplemented, code == http.StatusNotFound, code == http.StatusGone:
		return p.beyond("did not get to "+target+": "+said, false)
	}
	return p.broken("answered CONNECT with "+said, "is "+p.String()+" a proxy at all? a web server answers so to CONNECT", nil)
}

func statusText(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}

// ownWords is how a proxy says that an answer is its own: Proxy-Status (RFC
// 9209), Squid's header, or the name of one that puts its own there.
func (p *proxy) ownWords(h http.Header) string {
	words := regexp.MustCompile(`^ERR_[A-Z_]+`).FindString(h.Get("X-Squid-Error"))
	if m := regexp.MustCompile(`;\s*error=([a-z_]+)`).FindStringSubmatch(h.Get("Proxy-Status")); m != nil {
		words = m[1]
	}
	if words == "" {
		words = regexp.MustCompile(`^(?i:tinyproxy|privoxy)`).FindString(h.Get("Server"))
	}
	return secret.Line(secret.Scrub(words, p.secrets()...), 60)
}
