package transport

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/watchword/watchword/internal/secret"
)

// forwardHost stands for the proxy where net/http is to hand it whole requests:
// the dial knows by it that the proxy is meant (RFC 2606 keeps the name free).
const forwardHost = "proxy.invalid:80"

// route says by which way requests go: directly or through the proxy.
type route struct {
	url     secret.Text
	direct  []exception
	resolve map[string]string // host, as dialled, to address
	version string
}

func newRoute(o Options) *route {
	r := &route{url: o.Proxy, resolve: o.Resolve, version: o.HTTPVersion}
	for _, s := range o.NoProxy {
		if e, err := parseException(s); err == nil { // Check says what is wrong with it
			r.direct = append(r.direct, e)
		}
	}
	return r
}

// to returns the proxy to an address, nil for none.
func (r *route) to(host, port string) (*proxy, error) {
	if r == nil || r.url.IsZero() {
		return nil, nil
	}
	host = asDialled(host)
	for _, e := range r.direct {
		if e.covers(host, port) || r.resolve[host] != "" && e.covers(r.resolve[host], port) {
			return nil, nil
		}
	}
	return readProxy(r.url)
}

// forwarding returns what net/http asks for a proxy, nil where there is none.
func (r *route) forwarding() func(*http.Request) (*url.URL, error) {
	if r.url.IsZero() {
		return nil
	}
	return func(req *http.Request) (*url.URL, error) {
		p, err := r.forwards(req)
		if p == nil {
			return nil, err
		}
		return &url.URL{Scheme: "http", Host: forwardHost, User: p.user}, nil
	}
}

// forwards returns the proxy that is handed the whole request, in absolute form
// (RFC 9112, section 3.2.2). Whatever that form cannot say goes through a tunnel
// as https does: a Host that is not that of the URL, an address of ours for the
// name, a Proxy-Authorization that is not for the proxy, HTTP/2.
func (r *route) forwards(req *http.Request) (*proxy, error) {
	u := req.URL
	if r == nil || u.Scheme != "http" || r.version == versionTwo {
		return nil, nil
	}
	if req.Host != "" && req.Host != u.Host || req.Header.Get("Proxy-Authorization") != "" || r.resolve[asDialled(u.Hostname())] != "" {
		return nil, nil
	}
	p, err := r.to(u.Hostname(), portOf(u))
	if p == nil || !p.forwards() {
		return nil, err
	}
	return p, nil
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

// Route says which proxy a request goes through, for whoever has to say who is
// to blame. The zero Route has none.
type Route struct{ r *route }

// NewRoute returns the route of the requests of a transport with these options.
func NewRoute(o Options) Route {
	if o.Proxy.IsZero() {
		return Route{}
	}
	if n, err := normal(o); err == nil {
		o = n
	}
	return Route{newRoute(o)}
}

// Hop is the proxy that a request goes through.
type Hop struct {
	Name    string // scheme://host:port, without user
	Address string // host:port
}

// Through returns the proxy that a request for a URL goes through; ok is false
// where there is none, or where it cannot be read.
func (r Route) Through(u *url.URL) (h Hop, ok bool) {
	p, err := r.r.to(u.Hostname(), portOf(u))
	if err != nil || p == nil {
		return Hop{}, false
	}
	return Hop{p.String(), p.address}, true
}

// Own returns the *ProxyError of an answer that is the proxy's own and not that
// of what was asked for, else nil. That can only be where the proxy was handed
// the request itself.
func (r Route) Own(resp *http.Response) error {
	if r.r == nil || resp.StatusCode < http.StatusBadRequest || resp.Request == nil {
		return nil
	}
	p, err := r.r.forwards(resp.Request)
	if err != nil || p == nil {
		return nil
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		return p.refused(statusText(resp.StatusCode))
	}
	if own := p.ownWords(resp.Header); own != "" {
		return p.answered(resp, net.JoinHostPort(resp.Request.URL.Hostname(), portOf(resp.Request.URL)), own)
	}
	return nil
}

// Broke returns the *ProxyError of an error that the proxy is to blame for, because
// it was handed the request itself and answered in no HTTP; else err.
func (r Route) Broke(req *http.Request, err error) error {
	if r.r == nil || req == nil || !strings.Contains(err.Error(), "malformed HTTP ") {
		return err
	}
	p, unread := r.r.forwards(req)
	if _, told := errors.AsType[*ProxyError](err); told || unread != nil || p == nil {
		return err
	}
	_, _, text := Classify(err)
	return p.broken("was handed the request: "+text, "is "+p.String()+" a proxy of this kind? one that is spoken to by TLS wants https:// in proxy_url, a SOCKS proxy socks5:// or socks5h://", err)
}

// Secrets are what of the proxy must not be shown: its password, as it is now.
func (r Route) Secrets() []string {
	if r.r == nil {
		return nil
	}
	if p, err := readProxy(r.r.url); err == nil && p != nil {
		return p.secrets()
	}
	return nil
}
