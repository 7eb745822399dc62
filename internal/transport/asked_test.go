package transport

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// TestClientCertificateAsked: in TLS 1.3 the refusal of a client without a
// certificate comes after the client's handshake, as an alert that is read or
// as a write that fails. It reads the same whichever is first.
func TestClientCertificateAsked(t *testing.T) {
	ca := newAuthority(t)
	srv := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.good("127.0.0.1")}, ClientAuth: tls.RequireAnyClientCert})
	for range 100 {
		_, _, err := get(t, Options{TLS: TLS{CAFile: ca.caFile()}}, srv.URL, 5*time.Second)
		if class, reason, text := Classify(err); class != check.TLS || reason != check.Handshake {
			t.Fatalf("%v is %s/%s %q", err, class, reason, text)
		}
	}
}
