package probes_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

const proxyPassword = "pr0xy-p@ssword/Zz9"

func startProxy(t *testing.T, o lab.ProxyOptions) *lab.Proxy {
	t.Helper()
	p, err := lab.StartProxy(t.Context(), "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// through has requests go through a proxy.
func through(raw string, direct ...string) func(*probes.HTTPOptions) {
	return func(o *probes.HTTPOptions) { o.ProxyURL, o.NoProxy = secret.Literal(raw), direct }
}

func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestProxyIsToBlame: a proxy that is broken is one cause, what it does not get to
// is another for each target, and what happens behind it is none of the proxy's.
func TestProxyIsToBlame(t *testing.T) {
	plain := serve(t, answer(200, "Dashboard"))
	secure := quiet(t, answer(200, "Dashboard"))
	reset := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		c.Close()
	})
	hang := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	dead := closedAddress(t)
	nobody := "https://" + closedAddress(t)
	for _, tc := range []struct {
		name, scheme, url string
		mode              lab.ProxyMode
		raw               string // in place of the proxy's own
		want, cause       string // cause: "proxy" or that of url
		text              string
	}{
		{"well", "http", secure.URL, lab.ProxyMode{}, "", "up", "", ""},
		{"well, plain", "http", plain.URL, lab.ProxyMode{}, "", "up", "", ""},
		{"dead", "http", secure.URL, lab.ProxyMode{}, "http://u:" + proxyPassword[:6] + "@" + dead, "network/proxy", dead, "the proxy http://" + dead + " cannot be reached: connection refused"},
		{"dead, plain", "http", plain.URL, lab.ProxyMode{}, "http://" + dead, "network/proxy", dead, "cannot be reached"},
		{"dead, SOCKS", "socks5h", plain.URL, lab.ProxyMode{}, "socks5h://" + dead, "network/proxy", dead, "cannot be reached"},
		{"no name", "http", plain.URL, lab.ProxyMode{}, "http://no-such-proxy.invalid:3128", "network/proxy", "no-such-proxy.invalid:3128", "does not resolve"},
		{"407", "http", secure.URL, lab.ProxyMode{Status: 407}, "", "network/proxy", "proxy", "does not take our user name and password: 407"},
		{"407, plain", "http", plain.URL, lab.ProxyMode{Status: 407}, "", "network/proxy", "proxy", "does not take our user name and password: 407"},
		{"502", "http", secure.URL, lab.ProxyMode{Status: 502}, "", "network/proxy", hostOf(secure.URL), "did not get to " + hostOf(secure.URL) + ": 502 Bad Gateway"},
		{"refused behind it", "socks5", nobody, lab.ProxyMode{}, "", "network/proxy", hostOf(nobody), "connection refused"},
		{"refused behind it, plain, and it says so", "http", strings.Replace(nobody, "https", "http", 1), lab.ProxyMode{}, "", "network/proxy", hostOf(nobody), "did not get to"},
		{"502, plain, of nobody knows whom", "http", plain.URL, lab.ProxyMode{Status: 502}, "", "target/gateway_error", hostOf(plain.URL), "502"},
		{"silent", "http", secure.URL, lab.ProxyMode{Hang: true}, "", "network/proxy", hostOf(secure.URL), "did not say within"},
		{"silent target", "http", strings.Replace(hang.URL, "http", "http", 1), lab.ProxyMode{}, "", "network/timeout", hostOf(hang.URL), "through the proxy http://127.0.0.1:"},
		{"cut off behind it", "socks5h", reset.URL, lab.ProxyMode{}, "", "network/reset", hostOf(reset.URL), "closed without an answer"},
		{"untrusted behind it", "http", secure.URL, lab.ProxyMode{}, "verified", "tls/certificate_untrusted", hostOf(secure.URL), "self-signed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startProxy(t, lab.ProxyOptions{User: "probe", Password: proxyPassword})
			p.SetMode(tc.mode)
			raw := p.URL(tc.scheme)
			if strings.Contains(tc.raw, "://") {
				raw = tc.raw
			}
			o := options(tc.url, through(raw), func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = tc.raw != "verified" })
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			r := build(t, o, nil).Explain(ctx)
			want(t, r, tc.want, proxyPassword, "probe:")
			if r.Remote == "" || len(r.Detail.Tries) == 0 || tc.want == "up" && r.Detail.Tries[0].Remote != "through "+tc.scheme+"://"+p.Addr() {
				t.Errorf("remote %q, tries %+v", r.Remote, r.Detail.Tries)
			}
			if tc.want == "up" {
				return
			}
			cause := tc.cause
			if cause == "proxy" {
				cause = p.Addr()
			}
			if r.Fault.Cause.Kind != "address" || r.Fault.Cause.Key != cause || r.Fault.Class == "network" && r.Remote != cause {
				t.Errorf("the cause is %+v, the other side %q, want %s", r.Fault.Cause, r.Remote, cause)
			}
			if !strings.Contains(r.Fault.Message, tc.text) {
				t.Errorf("says %q, want %q", r.Fault.Message, tc.text)
			}
		})
	}
}

// TestHandedToAProxy: what a proxy that has the request does is not told as if the
// target had done it.
func TestHandedToAProxy(t *testing.T) {
	target := serve(t, answer(200, "Dashboard"))
	speaks := func(what string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		t.Cleanup(func() { l.Close(); <-done })
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 4096))
				_, _ = c.Write([]byte(what))
				c.Close()
			}
		}()
		return l.Addr().String()
	}
	ssh, mute := speaks("SSH-2.0-OpenSSH_10.0\r\n"), speaks("")
	for _, tc := range []struct{ name, proxy, want, cause, text, hint string }{
		{"another protocol", ssh, "network/proxy", ssh, "the proxy http://" + ssh + " was handed the request: the answer is not HTTP", "a proxy of this kind?"},
		{"it hangs up", mute, "network/reset", hostOf(target.URL), "closed without an answer", "the proxy http://" + mute + ", or " + hostOf(target.URL) + " behind it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := probe(t, options(target.URL, through("http://"+tc.proxy)), nil)
			want(t, r, tc.want)
			if r.Fault.Cause.Key != tc.cause || !strings.Contains(r.Fault.Message, tc.text) || !strings.Contains(r.Fault.Hint, tc.hint) {
				t.Errorf("%+v", r.Fault)
			}
		})
	}
}

// TestUpsideDownThroughAProxy: a proxy that says that the target is not there has
// told what was to be told, and one that is dead itself has not.
func TestUpsideDownThroughAProxy(t *testing.T) {
	secure := quiet(t, answer(200, "Dashboard"))
	nobody := "https://" + closedAddress(t)
	for _, tc := range []struct {
		name, scheme, url string
		mode              lab.ProxyMode
		raw, want         string
	}{
		{"not there", "http", nobody, lab.ProxyMode{}, "", "up"},
		{"not there, SOCKS", "socks5h", nobody, lab.ProxyMode{}, "", "up"},
		{"not let to it", "http", secure.URL, lab.ProxyMode{Status: 403}, "", "network/proxy"},
		{"not let in", "http", nobody, lab.ProxyMode{Status: 407}, "", "network/proxy"},
		{"silent", "http", nobody, lab.ProxyMode{Hang: true}, "", "network/proxy"},
		{"dead", "http", nobody, lab.ProxyMode{}, "http://" + closedAddress(t), "network/proxy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startProxy(t, lab.ProxyOptions{})
			p.SetMode(tc.mode)
			raw := tc.raw
			if raw == "" {
				raw = p.URL(tc.scheme)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			want(t, build(t, options(tc.url, through(raw), upside), nil).Explain(ctx), tc.want)
		})
	}
}

// TestNoProxyOfAMonitor, and a proxy_url that cannot be read.
func TestNoProxyOfAMonitor(t *testing.T) {
	srv := serve(t, answer(200, "Dashboard"))
	p := startProxy(t, lab.ProxyOptions{})
	want(t, probe(t, options(srv.URL, through(p.URL("http"), "127.0.0.0/8")), nil), "up")
	if len(p.Seen()) != 0 {
		t.Errorf("the proxy saw %v", p.Seen())
	}
	gone, err := secret.Parse("${file:"+filepath.Join(t.TempDir(), "gone")+"}", "")
	if err != nil {
		t.Fatal(err)
	}
	r := probe(t, options(srv.URL, func(o *probes.HTTPOptions) { o.ProxyURL = gone }), nil)
	want(t, r, "credential/secret_unavailable")
	if !strings.Contains(r.Fault.Message, "proxy_url: secret file") {
		t.Errorf("says %q", r.Fault.Message)
	}
}

// TestTokenPastTheProxy: through a tunnel the proxy sees no token, and the target
// nothing of the proxy's.
func TestTokenPastTheProxy(t *testing.T) {
	seen := func(headers *[]string) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			*headers = append(*headers, fmt.Sprint(r.Header))
		}
	}
	var atTarget []string
	secure := quiet(t, seen(&atTarget))
	plain := serve(t, seen(&atTarget))
	for _, scheme := range []string{"http", "socks5", "socks5h"} {
		for _, srv := range []*httptest.Server{secure, plain} {
			p := startProxy(t, lab.ProxyOptions{User: "probe", Password: proxyPassword})
			r := probe(t, options(srv.URL, through(p.URL(scheme)), func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = true }), way(&keys{tokens: []string{"old-token-000"}}))
			want(t, r, "up")
			at := fmt.Sprint(p.Seen())
			if forwarded := srv == plain && scheme == "http"; strings.Contains(at, "old-token-000") != forwarded {
				t.Errorf("%s to %s: the proxy saw %s", scheme, srv.URL, at)
			}
		}
	}
	if all := strings.Join(atTarget, "\n"); len(atTarget) != 6 || strings.Contains(all, "Proxy") || strings.Count(all, "old-token-000") != 6 {
		t.Errorf("the targets saw %s", all)
	}
}

// TestGuardThroughAProxy: what the proxy itself does says nothing of the gate.
func TestGuardThroughAProxy(t *testing.T) {
	gate := serve(t, answer(401, ""))
	closed := "http://" + closedAddress(t)
	for _, tc := range []struct {
		name   string
		side   string
		mode   lab.ProxyMode
		direct []string
		want   string
	}{
		{"shut", closed, lab.ProxyMode{}, nil, "up"},
		{"open past the gate", serve(t, answer(200, "Dashboard")).URL, lab.ProxyMode{}, nil, "exposed/bypass_open"},
		{"407 is not the gate's", closed, lab.ProxyMode{Status: 407}, nil, "network/proxy"},
		{"the way past it goes without the proxy", serve(t, answer(200, "Dashboard")).URL, lab.ProxyMode{}, []string{"localhost"}, "exposed/bypass_open"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startProxy(t, lab.ProxyOptions{})
			p.SetMode(tc.mode)
			side := tc.side
			if tc.direct != nil {
				side = strings.Replace(side, "127.0.0.1", "localhost", 1)
			}
			r := guardRun(t, options(gate.URL, through(p.URL("http"), tc.direct...)), guardOptions(try("anonymous"), bypass(side)))
			want(t, r, tc.want)
			if len(p.Seen()) == 0 {
				t.Error("nothing went through the proxy")
			}
		})
	}
	secure := "https://" + closedAddress(t)
	for status, verdict := range map[int]string{503: "up", 403: "network/proxy", 407: "network/proxy"} {
		p := startProxy(t, lab.ProxyOptions{})
		p.SetMode(lab.ProxyMode{Status: status})
		r := guardRun(t, options(gate.URL, through(p.URL("http"), hostOf(gate.URL))), guardOptions(try("anonymous"), bypass(secure)))
		if want(t, r, verdict); len(p.Seen()) == 0 {
			t.Errorf("%d: nothing went through the proxy", status)
		}
	}
}
