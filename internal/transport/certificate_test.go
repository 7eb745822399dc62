package transport

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

// under makes an authority that a signed.
func (a *authority) under(name string, from, to time.Time) *authority {
	a.t.Helper()
	sub := &authority{t: a.t}
	sub.cert, sub.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageCertSign})
	return sub
}

// selfSigned makes a certificate that nobody else signed.
func selfSignedLeaf(t *testing.T, name string) tls.Certificate {
	t.Helper()
	alone := &authority{t: t}
	return alone.good(name)
}

// TestCertificatesAreNamed: what a fault of a certificate says, also through a
// proxy.
func TestCertificatesAreNamed(t *testing.T) {
	ca, now := newAuthority(t), time.Now()
	day := 24 * time.Hour
	date := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	young := ca.under("Young Issuer", now.Add(-day), now.Add(day))
	old := ca.under("Old Issuer", now.Add(-50*day), now.Add(-49*day-time.Hour))
	with := func(c tls.Certificate, more ...*authority) tls.Certificate {
		for _, a := range more {
			c.Certificate = append(c.Certificate, a.cert.Raw)
		}
		return c
	}
	many, key := ca.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "many"}, NotBefore: now.Add(-day), NotAfter: now.Add(day),
		DNSNames: []string{"a.example", "b.example", "c.example", "d.example", "e.example"}})
	over := (&authority{t: t}).under("Old Root", now.Add(-50*day), now.Add(-49*day-time.Hour))
	client, clientKey := ca.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "app.example"}, NotBefore: now.Add(-day), NotAfter: now.Add(day),
		DNSNames: []string{"app.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	bare, bareKey := ca.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "bare.example"}, NotBefore: now.Add(-day), NotAfter: now.Add(day)})
	trust := TLS{CAFile: ca.caFile()}
	expired, future := now.Add(-3*day-time.Hour), now.Add(2*day+time.Hour)
	for _, tc := range []struct {
		name string
		cert tls.Certificate
		tls  TLS
		want string // reason text
		hint string
	}{
		{"expired", ca.leaf("app.example", now.Add(-9*day), expired), trust,
			`certificate_expired the certificate "app.example" expired on ` + date(expired), ""},
		{"an authority expired", with(old.good("app.example"), old), trust,
			`certificate_expired the certificate of the authority "Old Issuer", which signed for "app.example", expired on ` + date(old.cert.NotAfter), `send the newer certificate of "Old Issuer" along`},
		{"a root expired", over.good("app.example"), TLS{CAFile: over.caFile()},
			`certificate_expired the certificate of the authority "Old Root", which signed for "app.example", expired on ` + date(over.cert.NotAfter), `the root "Old Root" is over`},
		{"another use", tls.Certificate{Certificate: [][]byte{client.Raw}, PrivateKey: clientKey}, trust,
			`certificate_untrusted the certificate "app.example" (valid until ` + date(client.NotAfter) + `) is not accepted: certificate specifies an incompatible key usage`, "issued for another use"},
		{"not yet valid", ca.leaf("app.example", future, future.Add(day)), trust,
			`certificate_not_yet_valid the certificate "app.example" is not valid before ` + date(future), ""},
		{"self-signed", selfSignedLeaf(t, "app.example"), TLS{},
			`certificate_untrusted the certificate "app.example" UNTIL is self-signed, and nobody we trust stands behind it`, "save it as PEM and name it by tls: {ca_file"},
		{"no intermediate sent", young.good("app.example"), trust,
			`certificate_untrusted the certificate "app.example" UNTIL is signed by an unknown authority: "Young Issuer", whose certificate the server did not send`, "fullchain"},
		{"a private authority, sent whole", with(young.good("app.example"), young, ca), TLS{},
			`certificate_untrusted the certificate "app.example" UNTIL is signed by an unknown authority: "test authority", which the server sent along and we do not trust`, `ca_file: …}: that of "test authority"`},
		{"a private authority, without its root", with(young.good("app.example"), young), TLS{},
			`certificate_untrusted the certificate "app.example" UNTIL is signed by an unknown authority: "test authority", by way of "Young Issuer"`, `the certificate of "test authority" in tls: {ca_file`},
		{"wrong name", ca.good("other.example"), trust, `certificate_hostname the certificate "other.example" UNTIL is not for app.example but for other.example`, ""},
		{"many names", tls.Certificate{Certificate: [][]byte{many.Raw}, PrivateKey: key}, trust,
			`certificate_hostname the certificate "many" UNTIL is not for app.example but for a.example, b.example, c.example and 2 more`, ""},
		{"no names", tls.Certificate{Certificate: [][]byte{bare.Raw}, PrivateKey: bareKey}, trust,
			`certificate_hostname the certificate "bare.example" UNTIL names no host that counts (no subject alternative name); asked for app.example`, ""},
		{"another name asked for", ca.good("app.example"), TLS{CAFile: trust.CAFile, ServerName: "inner.example"}, `certificate_hostname the certificate "app.example" UNTIL is not for inner.example but for app.example`, ""},
	} {
		s := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{tc.cert}})
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		proxy := startProxy(t, lab.ProxyOptions{Hosts: map[string]string{"app.example": s.Listener.Addr().String()}})
		for way, o := range map[string]Options{
			"directly":        {TLS: tc.tls, Resolve: map[string]string{"app.example": "127.0.0.1"}},
			"through a proxy": {TLS: tc.tls, Proxy: secret.Literal(proxy.URL("http"))},
		} {
			t.Run(tc.name+" "+way, func(t *testing.T) {
				_, _, err := get(t, o, "https://app.example:"+port, 5*time.Second)
				class, reason, text := Classify(err)
				leaf, err2 := x509.ParseCertificate(tc.cert.Certificate[0])
				if err2 != nil {
					t.Fatal(err2)
				}
				tc.want = strings.Replace(tc.want, "UNTIL", "(valid until "+date(leaf.NotAfter)+")", 1)
				if got := fmt.Sprintf("%s %s", reason, text); class != "tls" || got != tc.want {
					t.Errorf("%v is %s/%s, want %s", err, class, got, tc.want)
				}
				if hint := CertificateHint(err, "app.example:443"); (tc.hint == "") != (hint == "") || !strings.Contains(hint, tc.hint) {
					t.Errorf("hint %q, want %q", hint, tc.hint)
				}
			})
		}
	}
}

// TestTLSWithTheProxyIsItsOwn: authorities of the target count for the proxy too,
// insecure_skip_verify does not, and it is shown no certificate.
func TestTLSWithTheProxyIsItsOwn(t *testing.T) {
	ca := newAuthority(t)
	target := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}})
	shown := -1
	conf := &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}, ClientAuth: tls.RequestClientCert,
		VerifyConnection: func(s tls.ConnectionState) error { shown = len(s.PeerCertificates); return nil }}
	proxy := startProxy(t, lab.ProxyOptions{TLS: conf})
	certFile, keyFile := writePair(t, t.TempDir(), ca.good("me"))
	url := secret.Literal(proxy.URL("https"))
	if _, body, err := get(t, Options{TLS: TLS{CAFile: ca.caFile(), CertFile: certFile, KeyFile: keyFile}, Proxy: url}, target.URL, 5*time.Second); err != nil || body != "HTTP/2.0" {
		t.Errorf("%q, %v", body, err)
	}
	if shown != 0 {
		t.Errorf("%d certificates were shown to the proxy", shown)
	}
	_, _, err := get(t, Options{TLS: TLS{InsecureSkipVerify: true}, Proxy: url}, target.URL, 5*time.Second)
	if _, reason, text := Classify(err); reason != "proxy" || !strings.Contains(text, "cannot be spoken to by TLS: the certificate") {
		t.Errorf("an unverified proxy: %s %q", reason, text)
	}
}

func TestHTTPVersion(t *testing.T) {
	ca := newAuthority(t)
	serve := func(protocols ...string) string {
		return tlsServerOf(t, ca, protocols)
	}
	both, one, silent := serve("h2", "http/1.1"), serve("http/1.1"), serve()
	for _, tc := range []struct{ version, url, want string }{
		{"", both, "HTTP/2.0"}, {"any", both, "HTTP/2.0"}, {"any", one, "HTTP/1.1"}, {"any", silent, "HTTP/1.1"},
		{"1.1", both, "HTTP/1.1"}, {"1.1", one, "HTTP/1.1"}, {"1.1", silent, "HTTP/1.1"},
		{"2", both, "HTTP/2.0"},
		{"2", one, "the server takes none of the versions of HTTP that it was offered"},
		{"2", silent, "the server speaks no HTTP/2, and http_version: 2 offers nothing else"},
	} {
		_, body, err := get(t, Options{TLS: TLS{CAFile: ca.caFile()}, HTTPVersion: tc.version}, tc.url, 5*time.Second)
		class, reason, text := Classify(err)
		if body != tc.want && (text != tc.want || class != "target" || reason != "protocol") {
			t.Errorf("%q: %q, %s/%s %q (%v), want %q", tc.version, body, class, reason, text, err, tc.want)
		}
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, _, err := get(t, Options{HTTPVersion: "2"}, plain.URL, 5*time.Second)
	if class, reason, text := Classify(err); class != "target" || reason != "protocol" || !strings.Contains(text, "the answer is HTTP/1.1 to a request in HTTP/2") {
		t.Errorf("http:// without HTTP/2: %s/%s %q (%v)", class, reason, text, err)
	}
	if ps := Check(Options{HTTPVersion: "3"}); len(ps) != 1 || ps[0].Path != "http_version" {
		t.Errorf("version 3: %v", ps)
	}
}

func TestOldTLSCanBeOffered(t *testing.T) {
	ca := newAuthority(t)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	s.StartTLS()
	defer s.Close()
	url := s.URL
	if resp, _, err := get(t, Options{TLS: TLS{CAFile: ca.caFile()}, OldestTLS: "1.0"}, url, 5*time.Second); err != nil || resp.TLS.Version != tls.VersionTLS11 {
		t.Errorf("TLS 1.1 offered: %v", err)
	}
}
