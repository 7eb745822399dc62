package peers

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

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

const tinyproxyConf = `Port @PORT@
Listen 127.0.0.1
Timeout 20
MaxClients 20
BasicAuth probe s3cr3t-of-a-proxy
ConnectPort @TLS@
ConnectPort @CLOSED@
`

// TestPeerProxies goes through Tinyproxy and microsocks: with the right password
// and a wrong one, to what is there, to what is not, and to what is forbidden.
func TestPeerProxies(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Dashboard %s %q", r.Proto, r.Header["Proxy-Authorization"])
	})
	plain, secure := httptest.NewServer(h), httptest.NewUnstartedServer(h)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(func() { plain.Close(); secure.Close() })
	free, dir := ports(t, 4), t.TempDir()
	_, tlsPort, _ := net.SplitHostPort(secure.Listener.Addr().String())
	file := write(t, filepath.Join(dir, "tinyproxy.conf"), fill(tinyproxyConf, "PORT", fmt.Sprint(free[0]), "TLS", tlsPort, "CLOSED", fmt.Sprint(free[2])))
	run(t, dir, nil, program(t, "tinyproxy", "tinyproxy-bin"), "-d", "-c", file).listens(free[0])
	run(t, dir, nil, program(t, "microsocks", "microsocks"), "-i", "127.0.0.1", "-p", fmt.Sprint(free[1]), "-u", "probe", "-P", "s3cr3t-of-a-proxy").listens(free[1])
	const right, wrong = "probe:s3cr3t-of-a-proxy@", "probe:s3cr3t-mistyped@"
	tiny, socks := fmt.Sprintf("127.0.0.1:%d", free[0]), fmt.Sprintf("127.0.0.1:%d", free[1])
	closed, forbidden := fmt.Sprintf("127.0.0.1:%d", free[2]), fmt.Sprintf("127.0.0.1:%d", free[3])
	for _, tc := range []struct{ proxy, url, want, text, cause string }{
		{"http://" + right + tiny, plain.URL, "up", "", ""},
		{"http://" + right + tiny, secure.URL, "up", "", ""},
		{"socks5://" + right + socks, plain.URL, "up", "", ""},
		{"socks5h://" + right + socks, secure.URL, "up", "", ""},
		{"socks5h://" + right + socks, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), "up", "", ""},
		{"http://" + wrong + tiny, secure.URL, "network/proxy", "does not take our user name and password: 40", tiny},
		{"http://" + wrong + tiny, plain.URL, "network/proxy", "does not take our user name and password: 40", tiny},
		{"http://" + tiny, secure.URL, "network/proxy", "wants a user name and password: 407", tiny},
		{"http://" + tiny, plain.URL, "network/proxy", "wants a user name and password: 407", tiny},
		{"socks5://" + wrong + socks, plain.URL, "network/proxy", "does not take our user name and password", socks},
		{"socks5h://" + socks, plain.URL, "network/proxy", "wants a user name and password", socks},
		{"http://" + right + tiny, "https://" + closed, "network/proxy", "did not get to " + closed, closed},
		{"http://" + right + tiny, "http://" + closed, "network/proxy", "did not get to " + closed, closed},
		{"socks5://" + right + socks, "https://" + closed, "network/proxy", "did not get to " + closed + ": connection refused", closed},
		{"http://" + right + tiny, "https://" + forbidden, "network/proxy", "does not let us to " + forbidden + ": 403 Forbidden", forbidden},
		{"http://" + right + socks, secure.URL, "network/proxy", "", socks},
		{"socks5://" + right + tiny, plain.URL, "network/proxy", "", tiny},
	} {
		o := probes.DefaultHTTPOptions()
		o.URL, o.ProxyURL, o.TLS.InsecureSkipVerify, o.Expect.Keyword = tc.url, secret.Literal(tc.proxy), true, []string{"Dashboard"}
		if strings.HasPrefix(tc.url, "http:") {
			o.Expect.Absent = []string{"Basic "}
		}
		r := through(t, o)
		got, text := "up", ""
		if f := r.Fault; f != nil {
			got, text = string(f.Class)+"/"+string(f.Reason), f.Message+" | "+f.Hint
		}
		if got != tc.want || !strings.Contains(text, tc.text) || strings.Contains(text, "s3cr3t") || r.Fault != nil && r.Fault.Cause.Key != tc.cause {
			t.Errorf("%s by %s: %s %q %+v, want %s %q of %s", tc.url, secret.URL(tc.proxy), got, text, r.Fault, tc.want, tc.text, tc.cause)
		}
	}
}

func through(t *testing.T, o probes.HTTPOptions) check.Result {
	t.Helper()
	pool := transport.NewPool()
	defer pool.Close()
	rt, err := pool.Get(o.Transport())
	if err != nil {
		t.Fatal(err)
	}
	p, err := probes.NewHTTP(&check.Monitor{ID: "m", Name: "m", Type: "http", URL: secret.URL(o.URL)}, o, nil, probes.Common{RT: rt, UserAgent: "Watchword/test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return p.Probe(ctx)
}

// listens waits until the peer takes connections.
func (p *peer) listens(port int) {
	p.t.Helper()
	until(p.t, 10*time.Second, func() string {
		c, err := (&net.Dialer{}).DialContext(p.t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return p.name + " is not ready: " + err.Error()
		}
		c.Close()
		return ""
	})
}
