package auth

import (
	"crypto/tls"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/transport"
)

// discovers answers for an issuer whose token endpoint is at another host.
func discovers(after time.Duration, token func(int64, *http.Request) (*http.Response, error)) func(int64, *http.Request) (*http.Response, error) {
	return func(n int64, req *http.Request) (*http.Response, error) {
		if req.Method != http.MethodGet {
			return token(n, req)
		}
		if err := pass(req.Context(), after); err != nil {
			return nil, err
		}
		return response(200, `{"issuer":"https://auth.example.com","token_endpoint":"https://tokens.example.net/token"}`), nil
	}
}

// TestTheHostThatWasAsked: what is said of a token endpoint names its host, and
// the incident is that of the issuer.
func TestTheHostThatWasAsked(t *testing.T) {
	for name, token := range map[string]func(int64, *http.Request) (*http.Response, error){
		"idp/token_unreachable": breaks, "idp/token_server_error": refuses(503, ""), "idp/token_timeout": hangs,
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
				p.set(discovers(0, token))
				h := sourceOf(t, r, "gate", issuerOptions("https://auth.example.com")).Handle(origin)
				_, _, f := authorize(t, h, time.Second)
				if verdict(f) != name || !strings.Contains(f.Message, "tokens.example.net") || strings.Contains(f.Message+f.Hint, "auth.example.com") {
					t.Fatalf("%v\nhint %q", f, f.Hint)
				}
				if f.Cause != (check.Cause{Kind: check.CauseProvider, Key: "https://auth.example.com"}) {
					t.Errorf("cause %+v", f.Cause)
				}
			})
		})
	}
}

// TestASlowDiscoveryDocument is told as what it is, whoever has no time left.
func TestASlowDiscoveryDocument(t *testing.T) {
	for within, want := range map[time.Duration]string{
		time.Second:     "the discovery document of https://auth.example.com did not come in the time that this run had left",
		4 * time.Second: "the discovery document of https://auth.example.com did not come in time",
	} {
		inTime(t, func(t *testing.T, p *fakeIDP, r *Registry) {
			p.set(discovers(7*time.Second, issues(time.Hour, 0)))
			o := issuerOptions("https://auth.example.com")
			o.Timeout = 2 * time.Second
			_, _, f := authorize(t, sourceOf(t, r, "gate", o).Handle(origin), within)
			if f == nil || f.Message != want || f.Class != check.IDP {
				t.Errorf("within %s: %v", within, f)
			}
		})
	}
}

// TestDiscoveryShowsNoCertificate: the document is open to all. It is asked for
// as nobody, and once for all who name its issuer.
func TestDiscoveryShowsNoCertificate(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	own, err := ca.Client(lab.CertOptions{CommonName: "probe"})
	if err != nil {
		t.Fatal(err)
	}
	conf := server.ServerConfig()
	conf.ClientAuth, conf.ClientCAs = tls.RequestClientCert, ca.Pool()
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	c := labClient(methodTLS)
	c.Subject = "CN=probe"
	p.SetClient(c)
	var shown atomic.Int64
	h := verifying(p, ca.Pool())
	s := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && len(r.TLS.PeerCertificates) > 0 {
			shown.Add(1)
		}
		h.ServeHTTP(w, r)
	}), conf)
	caFile, err := ca.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := own.Write(t.TempDir(), "own")
	if err != nil {
		t.Fatal(err)
	}
	r := newTestRegistry(t)
	with, without := issuerOptions(s.URL()), issuerOptions(s.URL())
	with.AuthMethod, with.ClientSecret = methodTLS, methodOptions("", methodTLS).ClientSecret
	with.TLS, without.TLS = transport.TLS{CAFile: caFile, CertFile: cert, KeyFile: key}, transport.TLS{CAFile: caFile}
	if _, _, f := authorize(t, sourceOf(t, r, "with", with).Handle(origin), 5*time.Second); f != nil {
		t.Errorf("%v\nhint %q", f, f.Hint)
	}
	authorize(t, sourceOf(t, r, "without", without).Handle(origin), 5*time.Second)
	if n := p.DiscoveryRequests(); n != 1 || shown.Load() != 0 {
		t.Errorf("%d requests for the document, %d with a certificate", n, shown.Load())
	}
}
