package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/watchword/watchword/internal/secret"
)

// The kinds of proxies.
const (
	proxyHTTP   = "http"
	proxyHTTPS  = "https"
	proxySOCKS  = "socks5"  // names are resolved here
	proxySOCKSH = "socks5h" // names are resolved by the proxy
)

const longestSOCKS = 255 // bytes of a name or password (RFC 1929)

// proxy is a proxy as its URL says at the moment.
type proxy struct {
	scheme  string
	address string // host:port, the name as DNS spells it
	user    *url.Userinfo
}

// String names the proxy without its user.
func (p *proxy) String() string { return p.scheme + "://" + p.address }

// forwards says whether the proxy speaks HTTP.
func (p *proxy) forwards() bool { return p.scheme == proxyHTTP || p.scheme == proxyHTTPS }

func (p *proxy) host() string {
	host, _, _ := net.SplitHostPort(p.address) //nolint:errcheck // it was joined here
	return host
}

// parseProxy reads the URL of a proxy. No error holds anything of it: it is a
// secret.
func parseProxy(raw string) (*proxy, error) {
	scheme, _, found := strings.Cut(raw, "://")
	if err := checkProxyScheme(strings.ToLower(scheme), found); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("it cannot be parsed as a URL: a character of its user name or password may have to be percent-encoded")
	case u.Hostname() == "":
		return nil, errors.New("it names no host")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("a proxy has a host and a port, and no path, query or fragment")
	}
	p := &proxy{scheme: strings.ToLower(u.Scheme), user: u.User}
	port := cmp.Or(u.Port(), map[string]string{proxyHTTP: "80", proxyHTTPS: "443", proxySOCKS: "1080", proxySOCKSH: "1080"}[p.scheme])
	if !isPort(port) {
		return nil, errors.New("its port is not between 1 and 65535")
	}
	p.address = net.JoinHostPort(asDialled(u.Hostname()), port)
	return p, p.checkUser()
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 1 && n <= 65535
}

// ProxyURL is a pattern of the URLs of proxies, NoProxy of the entries of no_proxy,
// both for schemas; "" is no proxy.
const (
	ProxyURL = `^$|^([hH][tT][tT][pP][sS]?|[sS][oO][cC][kK][sS]5[hH]?)://[^/?#]+/?$`
	NoProxy  = `^[^ ,@/]+(/[0-9]+)?$`
)

// ProxySchemes are the schemes of the URL of a proxy.
func ProxySchemes() []string { return []string{proxyHTTP, proxyHTTPS, proxySOCKS, proxySOCKSH} }

func checkProxyScheme(scheme string, found bool) error {
	switch {
	case !found || scheme != "socks" && !strings.HasPrefix(scheme, "socks4") && !slices.Contains(ProxySchemes(), scheme):
		return fmt.Errorf("it has to begin with %s://", strings.Join(ProxySchemes(), "://, "))
	case scheme == "socks":
		return errors.New("which SOCKS? write socks5:// for names that are resolved here, socks5h:// for names that the proxy resolves")
	case strings.HasPrefix(scheme, "socks4"):
		return errors.New("SOCKS 4 is not supported, it knows neither passwords nor IPv6: most proxies speak socks5:// or socks5h:// at the same port")
	}
	return nil
}

func (p *proxy) checkUser() error {
	if p.user == nil {
		return nil
	}
	name := p.user.Username()
	password, _ := p.user.Password()
	switch {
	case name == "":
		return errors.New("it has a password and no user name")
	case p.forwards() && strings.Contains(name, ":"):
		return errors.New("its user name must not hold a colon (RFC 7617, section 2)")
	case !p.forwards() && (len(name) > longestSOCKS || len(password) > longestSOCKS):
		return fmt.Errorf("user name and password of a SOCKS proxy have at most %d bytes each (RFC 1929)", longestSOCKS)
	case !p.forwards() && password == "":
		return errors.New("its user has no password, which SOCKS asks for (RFC 1929)")
	}
	return nil
}

// secrets are what of the proxy must not be shown.
func (p *proxy) secrets() []string {
	if p.user == nil {
		return nil
	}
	password, _ := p.user.Password()
	return []string{password, p.user.Username() + ":" + password}
}

// ProxyError says that a request did not come through its proxy. Its text holds
// neither user nor password.
type ProxyError struct {
	Proxy   string // scheme://host:port
	Address string // host:port of the proxy, as configured
	Said    string // what happened there: "did not get to app.example:443: 502 Bad Gateway"
	Hint    string // what to do, "" for nothing in particular
	Beyond  bool   // the proxy is well: what is behind it was not reached
	Denied  bool   // the proxy did not try
	Err     error  // may be nil
}

func (e *ProxyError) Error() string { return "the proxy " + e.Proxy + " " + e.Said }

func (e *ProxyError) Unwrap() error { return e.Err }

// unreachable is a proxy that no connection comes to.
func (p *proxy) unreachable(err error) error {
	_, _, text := Classify(err)
	return &ProxyError{Proxy: p.String(), Address: p.address, Said: "cannot be reached: " + text, Err: err,
		Hint: "is the proxy " + p.String() + " running, and does this machine reach it? every monitor and credential with this proxy_url waits for it"}
}

// broken is a proxy that does not do what its URL says that it does.
func (p *proxy) broken(said, hint string, err error) error {
	return &ProxyError{Proxy: p.String(), Address: p.address, Said: said, Hint: hint, Err: err}
}

// beyond is a proxy that did not get to the target.
func (p *proxy) beyond(said string, denied bool) error {
	hint := "the proxy is there and does not reach what it was asked for: does it reach it from its own place, by this name?"
	if denied {
		hint = "the proxy has a rule against it: allow the host and the port there, or have it asked directly by no_proxy"
	}
	return &ProxyError{Proxy: p.String(), Address: p.address, Said: said, Hint: hint, Beyond: true, Denied: denied}
}

// refused is a proxy that does not take its user, or wants one.
func (p *proxy) refused(how string) error {
	hint := "put its user name and password into proxy_url: http://USER:PASSWORD@HOST:PORT, percent-encoded"
	if p.user != nil {
		hint = "compare user name and password in proxy_url with what the proxy knows; special characters in them have to be percent-encoded"
		how = "does not take our user name and password: " + how
	} else {
		how = "wants a user name and password: " + how
	}
	return p.broken(how, hint, nil)
}

// UnreadableProxyError is a proxy_url whose variable or file cannot be read, or
// that holds no URL of a proxy any more. Nothing is sent then.
type UnreadableProxyError struct{ Err error }

func (e *UnreadableProxyError) Error() string { return "proxy_url: " + e.Err.Error() }

func (e *UnreadableProxyError) Unwrap() error { return e.Err }

// readProxy reads where the proxy is now, nil for none. A variable that is empty
// is no proxy; a file that is empty is a fault, since what was to go through a
// proxy must not go elsewhere because of a rotation that went wrong.
func readProxy(t secret.Text) (*proxy, error) {
	if t.IsZero() {
		return nil, nil
	}
	raw, err := t.Reveal()
	if err != nil {
		return nil, &UnreadableProxyError{err}
	}
	if raw = strings.TrimSpace(raw); raw == "" && len(t.Files()) == 0 {
		return nil, nil
	}
	p, err := parseProxy(raw)
	if err != nil {
		return nil, &UnreadableProxyError{err}
	}
	return p, nil
}
