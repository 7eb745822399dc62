package transport

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPoolInterns(t *testing.T) {
	p := NewPool()
	defer p.Close()
	get := func(o Options) *http.Transport {
		rt, err := p.Get(o)
		if err != nil {
			t.Fatal(err)
		}
		return rt
	}
	a := get(Options{})
	if get(Options{IPFamily: "any", Resolve: map[string]string{}}) != a {
		t.Error("equal options got two transports")
	}
	if get(Options{Resolve: map[string]string{"A.example.": "[::1]"}}) != get(Options{Resolve: map[string]string{"a.example": "::1"}}) {
		t.Error("two spellings of one resolve got two transports")
	}
	for _, o := range []Options{{Reuse: true}, {IPFamily: "ipv4"}, {TLS: TLS{ServerName: "x"}}, {Resolve: map[string]string{"a": "127.0.0.1"}}} {
		if get(o) == a {
			t.Errorf("%+v shares the transport of the zero options", o)
		}
	}
	for _, o := range []Options{{IPFamily: "ipv5"}, {Resolve: map[string]string{"a": "b"}}} {
		if _, err := p.Get(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestHTTP2AndTrace(t *testing.T) {
	ca := newAuthority(t)
	s := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.good("app.example")}})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	p := NewPool()
	defer p.Close()
	rt, err := p.Get(Options{TLS: TLS{CAFile: ca.caFile()}, Resolve: map[string]string{"app.example": "127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	var handshakes int
	var chains int
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		TLSHandshakeDone: func(cs tls.ConnectionState, _ error) { handshakes++; chains = len(cs.VerifiedChains) },
	})
	for range 2 {
		req, _ := http.NewRequestWithContext(Bind(ctx), http.MethodGet, "https://app.example:"+port+"/", nil)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(b) != "HTTP/2.0" || len(resp.TLS.VerifiedChains) == 0 {
			t.Errorf("spoke %s with %d verified chains, want HTTP/2.0 with some", b, len(resp.TLS.VerifiedChains))
		}
	}
	if handshakes != 2 || chains == 0 {
		t.Errorf("%d handshakes traced with %d chains, want 2: fresh connections", handshakes, chains)
	}
}

func TestReuseKeepsTheConnection(t *testing.T) {
	ca := newAuthority(t)
	s := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}})
	p := NewPool()
	defer p.Close()
	rt, err := p.Get(Options{TLS: TLS{CAFile: ca.caFile()}, Reuse: true})
	if err != nil {
		t.Fatal(err)
	}
	reused := false
	for range 2 {
		// Each request has a context of its own that ends with it: the kept
		// connection must not end with the first one.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		ctx = httptrace.WithClientTrace(Bind(ctx), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		cancel()
	}
	if !reused {
		t.Error("the second request made a connection of its own")
	}
}

func TestClientCertificateIsReadAgain(t *testing.T) {
	ca := newAuthority(t)
	var seen []string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}, ClientAuth: tls.RequireAnyClientCert}
	s.StartTLS()
	defer s.Close()
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, ca.good("first"))
	p := NewPool()
	defer p.Close()
	rt, err := p.Get(Options{TLS: TLS{CAFile: ca.caFile(), CertFile: certFile, KeyFile: keyFile}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	ask()
	writePair(t, dir, ca.good("second"))
	ask()
	if err := os.WriteFile(keyFile, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask()
	if got := strings.Join(seen, " "); got != "first second second" {
		t.Errorf("certificates %q, want first second second", got)
	}
}

func TestADialEndsWithItsContext(t *testing.T) {
	started := make(chan struct{})
	ended := make(chan struct{})
	address := rawServer(t, func(c net.Conn) {
		close(started)
		io.Copy(io.Discard, c) // the client's hello, then nothing until it closes
		close(ended)
	})
	p := NewPool()
	defer p.Close()
	rt, err := p.Get(Options{Reuse: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	req, _ := http.NewRequestWithContext(Bind(ctx), http.MethodGet, "https://"+address, nil)
	if _, err := rt.RoundTrip(req); err == nil {
		t.Fatal("a server that says nothing was understood")
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the handshake went on after the request was over")
	}
}

func TestLocalhostOnOneFamily(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler()) // 127.0.0.1 only
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	resp, _, err := get(t, Options{}, "http://localhost:"+port, 5*time.Second)
	if err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("localhost answered %v, %v", resp, err)
	}
}

func TestCheck(t *testing.T) {
	ca := newAuthority(t)
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, ca.good("me"))
	oldCert, oldKey := writePair(t, t.TempDir(), ca.leaf("me", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)))
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		o    Options
		want string // path: part of the message
	}{
		{"nothing", Options{}, ""},
		{"all good", Options{TLS: TLS{CAFile: ca.caFile(), CertFile: certFile, KeyFile: keyFile, ServerName: "a.example"}, IPFamily: "ipv4", Resolve: map[string]string{"a.example": "127.0.0.1"}}, ""},
		{"family", Options{IPFamily: "v4"}, `ip_family: "v4" is none of`},
		{"resolve to a name", Options{Resolve: map[string]string{"a": "b.example"}}, "resolve.a: \"b.example\" is not an IP address"},
		{"resolve a URL", Options{Resolve: map[string]string{"https://a": "::1"}}, "is not a host name"},
		{"resolve to the other family", Options{IPFamily: "ipv4", Resolve: map[string]string{"a": "::1"}}, "not an ipv4 address"},
		{"no CA file", Options{TLS: TLS{CAFile: "/nonexistent.pem"}}, "tls.ca_file: there is no file /nonexistent.pem"},
		{"empty CA file", Options{TLS: TLS{CAFile: empty}}, "holds no certificate but nothing"},
		{"key alone", Options{TLS: TLS{KeyFile: keyFile}}, "tls.key_file: a private key needs cert_file"},
		{"certificate alone", Options{TLS: TLS{CertFile: certFile}}, "tls.cert_file: a client certificate needs key_file"},
		{"wrong pair", Options{TLS: TLS{CertFile: certFile, KeyFile: oldKey}}, "is not the key of the certificate in"},
		{"expired pair", Options{TLS: TLS{CertFile: oldCert, KeyFile: oldKey}}, "tls.cert_file: the client certificate in "},
		{"pointless CA", Options{TLS: TLS{CAFile: ca.caFile(), InsecureSkipVerify: true}}, "tls.insecure_skip_verify: ca_file has no effect"},
		{"server name", Options{TLS: TLS{ServerName: "https://a"}}, "tls.server_name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ps := Check(tc.o)
			if tc.want == "" {
				if len(ps) != 0 {
					t.Errorf("problems %v, want none", ps)
				}
				return
			}
			if len(ps) != 1 || !strings.Contains(ps[0].Path+": "+ps[0].Message, tc.want) {
				t.Errorf("problems %v, want one with %q", ps, tc.want)
			}
		})
	}
}
