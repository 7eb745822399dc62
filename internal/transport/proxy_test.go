package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

const proxyPassword = "pr0xy p@ss:wörd/Zz9"

// startProxy starts a proxy that asks for a user.
func startProxy(t *testing.T, o lab.ProxyOptions) *lab.Proxy {
	t.Helper()
	p, err := lab.StartProxy(t.Context(), "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// sees is a handler that answers with the request as it came.
func sees(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s host=%s pa=%q a=%q", r.Proto, r.URL, r.Host, r.Header.Get("Proxy-Authorization"), r.Header.Get("Authorization"))
}

func TestThroughEveryKindOfProxy(t *testing.T) {
	ca := newAuthority(t)
	plain := httptest.NewServer(http.HandlerFunc(sees))
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(sees))
	secure.TLS, secure.EnableHTTP2 = &tls.Config{Certificates: []tls.Certificate{ca.good("app.example")}}, true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	user := lab.ProxyOptions{User: "probe@corp", Password: proxyPassword, Hosts: map[string]string{
		"app.example": secure.Listener.Addr().String(), "plain.example": plain.Listener.Addr().String()}}
	overTLS := user
	overTLS.TLS = &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}}
	for _, tc := range []struct {
		scheme, url, kind, target, want string
	}{
		{"http", "https://app.example/x?y", "connect", "app.example:443", "HTTP/2.0 /x?y host=app.example"},
		{"http", "http://plain.example/x?y", "forward", "plain.example", "HTTP/1.1 /x?y host=plain.example"},
		{"https", "https://app.example/", "connect", "app.example:443", "HTTP/2.0 / host=app.example"},
		{"https", "http://plain.example/", "forward", "plain.example", "HTTP/1.1 / host=plain.example"},
		{"socks5h", "https://app.example:8443/", "socks5", "app.example:8443", "HTTP/2.0 / host=app.example:8443"},
		{"socks5h", "http://plain.example/", "socks5", "plain.example:80", "HTTP/1.1 / host=plain.example"},
		{"socks5", plain.URL, "socks5", plain.Listener.Addr().String(), "HTTP/1.1 / host="},
	} {
		t.Run(tc.scheme+" "+tc.url, func(t *testing.T) {
			o := user
			if tc.scheme == "https" {
				o = overTLS
			}
			p := startProxy(t, o)
			_, body, err := get(t, Options{TLS: TLS{CAFile: ca.caFile()}, Proxy: secret.Literal(p.URL(tc.scheme))}, tc.url, 5*time.Second)
			if err != nil || !strings.HasPrefix(body, tc.want) || !strings.HasSuffix(body, `pa="" a=""`) {
				t.Errorf("answered %q, %v, want %q and nothing for the proxy", body, err, tc.want)
			}
			seen := p.Seen()
			if len(seen) != 1 || seen[0].Kind != tc.kind || seen[0].Target != tc.target || seen[0].User != "probe@corp:"+proxyPassword {
				t.Errorf("the proxy saw %+v, want %s to %s", seen, tc.kind, tc.target)
			}
		})
	}
}

// TestWhatAbsoluteFormCannotSay goes through a tunnel.
func TestWhatAbsoluteFormCannotSay(t *testing.T) {
	plain := httptest.NewUnstartedServer(http.HandlerFunc(sees))
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetHTTP1(true)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Start()
	t.Cleanup(plain.Close)
	address := plain.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	p := startProxy(t, lab.ProxyOptions{})
	for _, tc := range []struct {
		name, url, kind, target, want string
		o                             Options
		change                        func(*http.Request)
	}{
		{"as it is", plain.URL, "forward", address, "HTTP/1.1 / host=" + address, Options{}, nil},
		{"a Host of its own", plain.URL, "connect", address, "HTTP/1.1 / host=other.example", Options{}, func(r *http.Request) { r.Host = "other.example" }},
		{"a token for a gate that reads Proxy-Authorization", plain.URL, "connect", address, "HTTP/1.1 / host=" + address + ` pa="Bearer token"`, Options{}, func(r *http.Request) { r.Header.Set("Proxy-Authorization", "Bearer token") }},
		{"an address of ours", "http://plain.example:" + port, "connect", address, "HTTP/1.1 / host=plain.example:" + port, Options{Resolve: map[string]string{"Plain.example": "127.0.0.1"}}, nil},
		{"HTTP/2", plain.URL, "connect", address, "HTTP/2.0 / host=" + address, Options{HTTPVersion: "2"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(p.Seen())
			tc.o.Proxy = secret.Literal(p.URL("http"))
			pool := NewPool()
			defer pool.Close()
			rt, err := pool.Get(tc.o)
			if err != nil {
				t.Fatal(err)
			}
			req, _ := http.NewRequestWithContext(Bind(t.Context()), http.MethodGet, tc.url, nil)
			if tc.change != nil {
				tc.change(req)
			}
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			if !strings.HasPrefix(string(b), tc.want) {
				t.Errorf("answered %q, want %q", b, tc.want)
			}
			if seen := p.Seen()[before:]; len(seen) != 1 || seen[0].Kind != tc.kind || seen[0].Target != tc.target || seen[0].Header.Get("Proxy-Authorization") != "" {
				t.Errorf("the proxy saw %+v, want %s to %s", seen, tc.kind, tc.target)
			}
		})
	}
}

func TestProxyFaults(t *testing.T) {
	ca := newAuthority(t)
	secure := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}})
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	closed := closedPort(t)
	user := lab.ProxyOptions{User: "probe", Password: proxyPassword}
	for _, tc := range []struct {
		name, scheme, url string
		mode              lab.ProxyMode
		proxy             string // in place of one that is started
		beyond, denied    bool
		text              string
	}{
		{"dead", "http", secure.URL, lab.ProxyMode{}, "http://u:" + "s3cr3t-password" + "@" + closed, false, false, "cannot be reached: connection refused by 127.0.0.1:"},
		{"dead, plain target", "http", plain.URL, lab.ProxyMode{}, "http://u:s3cr3t-password@" + closed, false, false, "cannot be reached: connection refused"},
		{"dead SOCKS", "socks5h", plain.URL, lab.ProxyMode{}, "socks5h://u:s3cr3t-password@" + closed, false, false, "cannot be reached: connection refused"},
		{"no such name", "http", secure.URL, lab.ProxyMode{}, "http://no-such-proxy.invalid:3128", false, false, "cannot be reached: no-such-proxy.invalid does not resolve"},
		{"wrong password", "http", secure.URL, lab.ProxyMode{}, "wrong", false, false, "does not take our user name and password: 407 Proxy Authentication Required"},
		{"no password", "http", secure.URL, lab.ProxyMode{}, "none", false, false, "wants a user name and password: 407"},
		{"SOCKS, wrong password", "socks5", secure.URL, lab.ProxyMode{}, "wrong", false, false, "does not take our user name and password"},
		{"SOCKS, no password", "socks5", secure.URL, lab.ProxyMode{}, "none", false, false, "wants a user name and password"},
		{"502", "http", secure.URL, lab.ProxyMode{Status: 502}, "", true, false, "did not get to 127.0.0.1:"},
		{"504", "http", secure.URL, lab.ProxyMode{Status: 504}, "", true, false, "504 Gateway Timeout"},
		{"403", "http", secure.URL, lab.ProxyMode{Status: 403}, "", true, true, "does not let us to 127.0.0.1:"},
		{"405", "http", secure.URL, lab.ProxyMode{Status: 405}, "", false, false, "answered CONNECT with 405 Method Not Allowed"},
		{"SOCKS, refused there", "socks5h", "http://" + closed, lab.ProxyMode{}, "", true, false, "did not get to " + closed + ": connection refused"},
		{"SOCKS, not allowed", "socks5h", plain.URL, lab.ProxyMode{Reply: 2}, "", true, true, "its rules do not allow it"},
		{"SOCKS, host unreachable", "socks5h", plain.URL, lab.ProxyMode{Reply: 4}, "", true, false, "host unreachable"},
		{"SOCKS to what is none", "socks5h", plain.URL, lab.ProxyMode{}, "socks5h://" + rawServer(t, func(c net.Conn) { io.WriteString(c, "SSH-2.0-x\r\n") }), false, false, "does not speak SOCKS 5"},
		{"SOCKS to what is silent", "socks5h", plain.URL, lab.ProxyMode{Hang: true}, "socks5h://" + plain.Listener.Addr().String(), false, false, "said nothing"},
		{"SOCKS, silent", "socks5h", plain.URL, lab.ProxyMode{Hang: true}, "", true, false, "did not say in time"},
		{"TLS to a plain proxy", "https", secure.URL, lab.ProxyMode{}, "https://" + closedLike(t), false, false, "cannot be spoken to by TLS"},
		{"a proxy that nobody signed", "https", secure.URL, lab.ProxyMode{}, "https://" + secure.Listener.Addr().String(), false, false, "cannot be spoken to by TLS: the certificate"},
		{"silent", "http", secure.URL, lab.ProxyMode{Hang: true}, "", true, false, "did not say in time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startProxy(t, user)
			p.SetMode(tc.mode)
			raw := p.URL(tc.scheme)
			switch tc.proxy {
			case "":
			case "wrong":
				raw = strings.Replace(raw, "probe:", "probe:x", 1)
			case "none":
				raw = tc.scheme + "://" + p.Addr()
			default:
				raw = tc.proxy
			}
			timeout := 5 * time.Second
			if tc.mode.Hang {
				timeout = 300 * time.Millisecond
			}
			err := dialOnce(t, raw, tc.url, timeout)
			class, reason, text := Classify(err)
			e, ok := errors.AsType[*ProxyError](err)
			if !ok || class != check.Network || reason != check.Proxy || !strings.Contains(text, tc.text) {
				t.Fatalf("%v is %s/%s %q, want network/proxy with %q", err, class, reason, text, tc.text)
			}
			if e.Beyond != tc.beyond || e.Denied != tc.denied || e.Address == "" || !strings.Contains(text, "the proxy "+e.Proxy+" ") || e.Hint == "" {
				t.Errorf("%+v, want beyond %t, denied %t", e, tc.beyond, tc.denied)
			}
			for _, leak := range []string{proxyPassword, "s3cr3t", "probe:", "u:"} {
				if strings.Contains(text+e.Hint+err.Error(), leak) {
					t.Errorf("%q in %v, %q", leak, err, e.Hint)
				}
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// closedLike is a proxy without TLS.
func closedLike(t *testing.T) string { return startProxy(t, lab.ProxyOptions{}).Addr() }

// dialOnce dials as a transport does and returns the error of the dial itself: a
// request whose time is over does not wait for it.
func dialOnce(t *testing.T, proxy, url string, timeout time.Duration) error {
	t.Helper()
	pool := NewPool()
	defer pool.Close()
	rt, err := pool.Get(Options{Proxy: secret.Literal(proxy)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	if target, ok := strings.CutPrefix(url, "https://"); ok {
		_, err = rt.DialTLSContext(ctx, "tcp", target)
		return err
	}
	if strings.HasPrefix(proxy, "socks") {
		_, err = rt.DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
		return err
	}
	req, _ := http.NewRequestWithContext(Bind(ctx), http.MethodGet, url, nil)
	resp, err := rt.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func TestNoProxy(t *testing.T) {
	for _, tc := range []struct {
		entry, host string
		port        string
		want        bool
	}{
		{"app.example", "app.example", "443", true},
		{"App.Example.", "app.example", "443", true},
		{"app.example", "www.app.example", "443", false},
		{"app.example", "xapp.example", "443", false},
		{".app.example", "www.app.example", "443", true},
		{".app.example", "app.example", "443", false},
		{".app.example", "xapp.example", "443", false},
		{"*.app.example", "a.b.app.example", "443", true},
		{"app.example:8443", "app.example", "8443", true},
		{"app.example:8443", "app.example", "443", false},
		{".example:80", "a.example", "80", true},
		{"10.0.0.5", "10.0.0.5", "80", true},
		{"10.0.0.5:81", "10.0.0.5", "80", false},
		{"10.0.0.0/8", "10.1.2.3", "80", true},
		{"10.0.0.0/8", "11.1.2.3", "80", false},
		{"10.0.0.0/8", "by-name.example", "80", true}, // by resolve
		{"fd00::/8", "fd12::1", "80", true},
		{"[::1]:8080", "::1", "8080", true},
		{"::1", "::1", "1", true},
		{"*", "anything", "1", true},
		{"bücher.example", "xn--bcher-kva.example", "1", true},
	} {
		r := newRoute(Options{Proxy: secret.Literal("http://proxy.example"), NoProxy: []string{tc.entry}, Resolve: map[string]string{"by-name.example": "10.9.9.9"}})
		p, err := r.to(tc.host, tc.port)
		if err != nil || (p == nil) != tc.want {
			t.Errorf("%s covers %s:%s: %t, %v, want %t", tc.entry, tc.host, tc.port, p == nil, err, tc.want)
		}
	}
	for _, bad := range []string{"", "http://a", "a b", "a,b", "a/b", "a:0", "a:x", "*x.example", ".", "10.0.0.0/33", "user@host"} {
		if ps := Check(Options{NoProxy: []string{bad}}); len(ps) != 1 || ps[0].Path != "no_proxy[0]" {
			t.Errorf("no_proxy %q: %v", bad, ps)
		}
	}
}

func TestCheckProxy(t *testing.T) {
	for raw, want := range map[string]string{
		"http://proxy.example:3128": "", "https://u:p@proxy.example": "", "socks5://u:p@[::1]:1080": "", "SOCKS5H://proxy": "", "http://proxy.example/": "",
		"proxy.example:3128":        "has to begin with http://",
		"ftp://proxy.example":       "has to begin with http://",
		"socks4://proxy.example":    "SOCKS 4 is not supported",
		"socks4a://proxy.example":   "SOCKS 4 is not supported",
		"socks://proxy.example":     "which SOCKS?",
		"http://":                   "names no host",
		"http://proxy.example/path": "no path",
		"http://proxy.example:0":    "port",
		"http://s3cr3t:p%zz@proxy":  "percent-encoded",
		"socks5://s3cr3t@proxy":     "no password",
		"http://:s3cr3t@proxy":      "no user name",
		"http://s3cr3t%3Ax:p@proxy": "colon",
		"socks5://u:" + strings.Repeat("s3cr3t", 50) + "@proxy": "255",
	} {
		ps := Check(Options{Proxy: secret.Literal(raw)})
		if want == "" {
			if len(ps) != 0 {
				t.Errorf("%s: %v", raw, ps)
			}
			continue
		}
		if len(ps) != 1 || ps[0].Path != "proxy_url" || !strings.Contains(ps[0].Message, want) || strings.Contains(ps[0].Message, "s3cr3t") {
			t.Errorf("%s: %v, want %q", raw, ps, want)
		}
	}
}

// TestProxyRotates: the URL is read at every dial; one that is empty is not taken
// for none.
func TestProxyRotates(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(sees))
	t.Cleanup(plain.Close)
	one, two := startProxy(t, lab.ProxyOptions{}), startProxy(t, lab.ProxyOptions{User: "u", Password: "p"})
	file := filepath.Join(t.TempDir(), "proxy")
	put := func(s string) {
		if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(one.URL("http"))
	text, err := secret.Parse("${file:"+file+"}", "")
	if err != nil {
		t.Fatal(err)
	}
	pool := NewPool()
	defer pool.Close()
	rt, err := pool.Get(Options{Proxy: text})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, plain.URL, nil)
		resp, err := rt.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for _, next := range []string{two.URL("http"), "", "http://a b"} {
		if err := ask(); err != nil {
			if _, ok := errors.AsType[*UnreadableProxyError](err); !ok || next == "" {
				t.Fatal(err)
			}
		}
		put(next)
	}
	os.Remove(file)
	if _, ok := errors.AsType[*UnreadableProxyError](ask()); !ok {
		t.Errorf("a proxy_url that is gone: %v", ask())
	}
	if len(one.Seen()) != 1 || len(two.Seen()) != 1 {
		t.Errorf("%d and %d requests, want one each", len(one.Seen()), len(two.Seen()))
	}
}

func TestPoolTellsProxiesApart(t *testing.T) {
	pool := NewPool()
	defer pool.Close()
	seen := map[*http.Transport]string{}
	for _, o := range []Options{{}, {Proxy: secret.Literal("http://a:1")}, {Proxy: secret.Literal("http://u:p@a:1")}, {Proxy: secret.Literal("http://u:q@a:1")},
		{Proxy: secret.Literal("http://a:1"), NoProxy: []string{"b"}}, {HTTPVersion: "2"}, {OldestTLS: "1.3"}} {
		rt, err := pool.Get(o)
		if err != nil || seen[rt] != "" {
			t.Errorf("%+v shares the transport of %s, %v", o, seen[rt], err)
		}
		seen[rt] = fmt.Sprintf("%+v", o)
	}
	if again, _ := pool.Get(Options{Proxy: secret.Literal("http://u:p@a:1"), HTTPVersion: "any"}); seen[again] == "" {
		t.Error("equal options got two transports")
	}
}
