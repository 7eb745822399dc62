package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// ProxyOptions says what a [Proxy] is like. The zero value is an open one.
type ProxyOptions struct {
	User, Password string            // "": nobody is asked
	TLS            *tls.Config       // with it the proxy itself is spoken to by TLS
	Hosts          map[string]string // names that only the proxy knows, to host:port
}

// Proxy is a forward proxy: HTTP (CONNECT, and requests in absolute form) and
// SOCKS 5 on one port. It keeps what it was asked for.
type Proxy struct {
	o  ProxyOptions
	ln net.Listener

	mu    sync.Mutex
	conns map[net.Conn]bool
	seen  []ProxyRequest
	mode  ProxyMode
	wg    sync.WaitGroup
}

// ProxyMode is how a [Proxy] misbehaves. The zero value is well.
type ProxyMode struct {
	Status int  // HTTP status of every answer, 0 for none
	Reply  byte // SOCKS reply to every request, 0 for none
	Hang   bool // requests are taken, and nothing is said
}

// ProxyRequest is what a [Proxy] was asked for.
type ProxyRequest struct {
	Kind   string // connect, forward, socks5
	Target string // host:port
	User   string // name:password, "" for none
	Header http.Header
}

// StartProxy starts a proxy on addr ("127.0.0.1:0" for any port). The context
// bounds the start alone.
func StartProxy(ctx context.Context, addr string, o ProxyOptions) (*Proxy, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	p := &Proxy{o: o, ln: ln, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr returns host and port.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// URL returns the URL for proxy_url, with user and password if there are any;
// scheme is http, https, socks5 or socks5h.
func (p *Proxy) URL(scheme string) string {
	u := url.URL{Scheme: scheme, Host: p.Addr()}
	if p.o.User != "" {
		u.User = url.UserPassword(p.o.User, p.o.Password)
	}
	return u.String()
}

// SetMode has the proxy misbehave from the next request on.
func (p *Proxy) SetMode(m ProxyMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
}

// Seen returns what the proxy was asked for so far.
func (p *Proxy) Seen() []ProxyRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]ProxyRequest(nil), p.seen...)
}

// Close ends the proxy and all that goes through it, and waits for it.
func (p *Proxy) Close() error {
	err := p.ln.Close()
	p.mu.Lock()
	for c := range p.conns {
		c.Close()
	}
	p.conns = nil
	p.mu.Unlock()
	p.wg.Wait()
	return err
}

// keep holds a connection until it is dropped; false: the proxy is closed.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		if p.keep(c) {
			p.wg.Go(func() {
				defer p.drop(c)
				p.serve(c)
			})
		}
	}
}

// serve takes one connection; the first byte tells SOCKS from HTTP.
func (p *Proxy) serve(c net.Conn) {
	if p.o.TLS != nil {
		c = tls.Server(c, p.o.TLS)
	}
	r := bufio.NewReader(c)
	first, err := r.Peek(1)
	switch {
	case err != nil:
	case first[0] == socksVersion:
		p.socks(c, r)
	default:
		p.http(c, r)
	}
}

// note keeps a request and returns how the proxy is to behave.
func (p *Proxy) note(r ProxyRequest) ProxyMode {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r)
	return p.mode
}

func (p *Proxy) http(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil || !p.handle(c, r, req) {
			return
		}
	}
}

// handle answers one request; false: the connection is over.
func (p *Proxy) handle(c net.Conn, r *bufio.Reader, req *http.Request) bool {
	seen := ProxyRequest{Kind: "forward", Target: req.URL.Host, Header: req.Header.Clone()}
	if req.Method == http.MethodConnect {
		seen.Kind, seen.Target = "connect", req.Host
	}
	if scheme, user, _ := strings.Cut(req.Header.Get("Proxy-Authorization"), " "); scheme == "Basic" {
		b, _ := base64.StdEncoding.DecodeString(user) //nolint:errcheck // what is none is no user
		seen.User = string(b)
	}
	mode := p.note(seen)
	switch {
	case mode.Hang:
		_, _ = io.Copy(io.Discard, r)
		return false
	case mode.Status != 0:
		return says(c, mode.Status)
	case p.o.User != "" && seen.User != p.o.User+":"+p.o.Password:
		return says(c, http.StatusProxyAuthRequired, "Proxy-Authenticate: Basic realm=\"lab\"")
	}
	if seen.Kind == "forward" {
		return p.forward(c, req)
	}
	out, err := p.dial(seen.Target)
	if err != nil {
		return says(c, http.StatusBadGateway)
	}
	defer p.drop(out)
	if _, err := io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err == nil {
		p.splice(c, r, out)
	}
	return false
}

func says(c net.Conn, status int, headers ...string) bool {
	h := strings.Join(append(headers, "Content-Length: 0", "Server: lab-proxy", "Connection: close"), "\r\n")
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %d %s\r\n%s\r\n\r\n", status, http.StatusText(status), h)
	return false
}

// forward sends a request in absolute form on, without what is for the proxy.
func (p *Proxy) forward(c net.Conn, req *http.Request) bool {
	if req.URL.Host == "" {
		return says(c, http.StatusBadRequest)
	}
	t := &http.Transport{DisableKeepAlives: true, DisableCompression: true, DialContext: func(_ context.Context, _, address string) (net.Conn, error) { return p.dial(address) }}
	req.RequestURI = ""
	for _, name := range []string{"Proxy-Authorization", "Proxy-Connection", "Connection"} {
		req.Header.Del(name)
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return says(c, http.StatusBadGateway, "Proxy-Status: lab; error=connection_refused")
	}
	defer resp.Body.Close()
	resp.Close = true
	_ = resp.Write(c) //nolint:errcheck // who asked is gone
	return false
}

// dial connects to a target, by the names that the proxy knows.
func (p *Proxy) dial(target string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(target); err == nil && p.o.Hosts[host] != "" {
		target = p.o.Hosts[host]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil {
		return nil, err
	}
	if !p.keep(out) {
		return nil, errors.New("the proxy is closed")
	}
	return out, nil
}

// splice copies both ways until one side ends.
func (p *Proxy) splice(c net.Conn, r io.Reader, out net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(c, out)
		c.Close()
	}()
	_, _ = io.Copy(out, r)
	out.Close()
	<-done
}
