package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func TestClassifyOnTheWire(t *testing.T) {
	ca := newAuthority(t)
	trust := Options{TLS: TLS{CAFile: ca.caFile()}}
	now := time.Now()
	serve := func(c tls.Certificate) string {
		return tlsServer(t, &tls.Config{Certificates: []tls.Certificate{c}}).URL
	}
	other := &authority{t: t}
	other.cert, other.key = ca.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "old authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-24 * time.Hour), KeyUsage: x509.KeyUsageCertSign})
	underOld := other.good("127.0.0.1")
	underOld.Certificate = append(underOld.Certificate, other.cert.Raw)
	closed := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}()
	reset := rawServer(t, func(c net.Conn) {
		http.ReadRequest(bufio.NewReader(c))
		c.(*net.TCPConn).SetLinger(0)
	})
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	hang := rawServer(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	const long = 5 * time.Second
	for _, tc := range []struct {
		name    string
		o       Options
		url     string
		timeout time.Duration
		want    string // class/reason
		text    string // part of the text
	}{
		{"refused", Options{}, "http://" + closed, long, "network/connect", "connection refused by 127.0.0.1:"},
		{"no such host", Options{}, "http://no-such-host.invalid", long, "network/dns", "no-such-host.invalid does not resolve"},
		{"no address of the family", Options{IPFamily: "ipv6"}, "http://" + closed, long, "network/dns", "no ipv6 address"},
		{"hangs", Options{}, "http://" + hang, 50 * time.Millisecond, "network/timeout", "no answer in time"},
		{"hangs in the handshake", Options{}, "https://" + hang, 50 * time.Millisecond, "network/timeout", "no answer in time"},
		{"closed without an answer", Options{}, "http://" + rawServer(t, says("")), long, "network/reset", "closed without an answer"},
		{"reset", Options{}, "http://" + reset, long, "network/reset", "reset"},
		{"body cut short", Options{}, "http://" + rawServer(t, says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")), long, "network/reset", "in the middle"},
		{"chunked body cut short", Options{}, "http://" + rawServer(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")), long, "network/reset", "in the middle"},
		{"bad chunk", Options{}, "http://" + rawServer(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab")), long, "target/protocol", "chunked"},
		{"not HTTP", Options{}, "http://" + rawServer(t, says("s3cr3t\r\n")), long, "target/protocol", "not HTTP"},
		{"bad status", Options{}, "http://" + rawServer(t, says("HTTP/1.1 abc OK\r\n\r\n")), long, "target/protocol", "status code"},
		{"bad header", Options{}, "http://" + rawServer(t, says("HTTP/1.1 200 OK\r\ns3cr3t without colon\r\n\r\n")), long, "target/protocol", "header"},
		{"huge header", Options{}, "http://" + rawServer(t, says("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2<<20)+"\r\n\r\n")), long, "target/protocol", "1 MiB"},
		{"two lengths", Options{}, "http://" + rawServer(t, says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")), long, "target/protocol", "Content-Length"},
		{"TLS asked in plain", Options{}, "http://" + rawServer(t, says("\x15\x03\x01\x00\x02\x02\x46\r\n\r\n")), long, "target/protocol", "speaks TLS"},
		{"plain asked in TLS", Options{}, strings.Replace(plain.URL, "http:", "https:", 1), long, "tls/handshake", "does not speak TLS"},
		{"expired", trust, serve(ca.leaf("127.0.0.1", now.Add(-48*time.Hour), now.Add(-24*time.Hour))), long, "tls/certificate_expired", `the certificate "127.0.0.1" expired on 20`},
		{"not yet valid", trust, serve(ca.leaf("127.0.0.1", now.Add(24*time.Hour), now.Add(48*time.Hour))), long, "tls/certificate_not_yet_valid", "not valid before"},
		{"expired authority", trust, serve(underOld), long, "tls/certificate_expired", `authority "old authority", which signed for "127.0.0.1", expired`},
		{"unknown authority", Options{}, serve(ca.good("127.0.0.1")), long, "tls/certificate_untrusted", "unknown authority"},
		{"wrong name", trust, serve(ca.good("other.example")), long, "tls/certificate_hostname", "not for 127.0.0.1 but for other.example"},
		{"old TLS", trust, tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}).URL, long, "tls/handshake", "version"},
		{"client certificate asked", trust, tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}, ClientAuth: tls.RequireAnyClientCert}).URL, long, "tls/handshake", "certificate"},
		{"our certificate unreadable", Options{TLS: TLS{CAFile: "/nonexistent/ca.pem"}}, "https://" + hang, long, "tls/handshake", "our side"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := get(t, tc.o, tc.url, tc.timeout)
			class, reason, text := Classify(err)
			if got := fmt.Sprintf("%s/%s", class, reason); got != tc.want || !strings.Contains(text, tc.text) {
				t.Errorf("%v is %s %q, want %s %q", err, got, text, tc.want, tc.text)
			}
			if strings.Contains(text, "s3cr3t") || strings.Contains(text, "\n") {
				t.Errorf("text %q quotes the server", text)
			}
		})
	}
}

func TestClassifyErrorsThatAreHardToProvoke(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: err}
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&url.Error{Op: "Get", URL: "http://h/?token=s3cr3t", Err: dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH))}, "network/connect"},
		{dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), "network/connect"},
		{dial(os.NewSyscallError("connect", syscall.ETIMEDOUT)), "network/timeout"},
		{dial(os.ErrDeadlineExceeded), "network/timeout"},
		{dial(os.NewSyscallError("socket", syscall.EMFILE)), "agent/internal"},
		{&net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true}, "network/dns"},
		{&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}, "network/dns"},
		{&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, "network/reset"},
		{errors.New("http: server closed idle connection"), "network/reset"},
		{errors.New(`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug="s3cr3t"`), "network/reset"},
		{errors.New("stream error: stream ID 1; INTERNAL_ERROR; received from peer"), "network/reset"},
		{errors.New("http2: response header list larger than advertised limit"), "target/protocol"},
		{&net.OpError{Op: "proxyconnect", Err: &ProxyError{Proxy: "http://p:1", Said: "cannot be reached", Err: dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))}}, "network/proxy"},
		{&ProxyError{Err: context.Canceled}, "agent/internal"},
		{&ProxyError{Proxy: "http://p:1", Err: dial(os.NewSyscallError("socket", syscall.EMFILE))}, "agent/internal"},
		{context.DeadlineExceeded, "network/timeout"},
		{context.Canceled, "agent/internal"},
		{x509.SystemRootsError{}, "tls/certificate_untrusted"},
		{errors.New("s3cr3t"), "target/protocol"},
	} {
		class, reason, text := Classify(tc.err)
		if got := fmt.Sprintf("%s/%s", class, reason); got != tc.want || check.ClassOf(reason) != class {
			t.Errorf("%v is %s, want %s", tc.err, got, tc.want)
		}
		if strings.Contains(text, "s3cr3t") || text == "" {
			t.Errorf("%v is told as %q", tc.err, text)
		}
	}
	if class, reason, text := Classify(nil); class != "" || reason != "" || text != "" {
		t.Errorf("nil is %s/%s %q", class, reason, text)
	}
}
