package auth

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/transport"
)

// TestMutualTLS: both kinds of certificates (RFC 8705), and every wrong one.
func TestMutualTLS(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	conf := server.ServerConfig()
	conf.ClientAuth, conf.ClientCAs = tls.RequestClientCert, ca.Pool()
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	s := listen(t, verifying(p, ca.Pool()), conf)
	strict := conf.Clone()
	strict.ClientAuth = tls.RequireAndVerifyClientCert
	sStrict := listen(t, p, strict)
	caFile, err := ca.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	certs := map[string]lab.CertOptions{"right": {CommonName: "probe"}, "other": {CommonName: "other"}, "self": {SelfSigned: true}, "expired": {CommonName: "probe", Expired: true}}
	files := map[string][2]string{}
	var self *lab.Certificate
	for name, o := range certs {
		c, err := ca.Client(o)
		if err != nil {
			t.Fatal(err)
		}
		if name == "self" {
			self = c
		}
		certFile, keyFile, err := c.Write(t.TempDir(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = [2]string{certFile, keyFile}
	}
	for _, tc := range []struct{ name, method, cert, url, want, hint string }{
		{"right", methodTLS, "right", s.URL(), "ok", ""},
		{"self-signed", methodSelfSigned, "self", s.URL(), "ok", ""},
		{"strict", methodTLS, "right", sStrict.URL(), "ok", ""},
		{"other subject", methodTLS, "other", s.URL(), "credential/client_rejected", "its subject has to be the one registered there"},
		{"other self-signed", methodSelfSigned, "right", s.URL(), "credential/client_rejected", "it has to be in the jwks"},
		{"expired", methodTLS, "expired", sStrict.URL(), "credential/client_rejected", "expired on"},
		{"of nobody", methodTLS, "self", sStrict.URL(), "credential/client_rejected", "its authority one that the provider trusts"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := labClient(tc.method)
			c.Subject, c.Certificate = "CN=probe", self.TLS.Leaf
			p.SetClient(c)
			o := methodOptions(tc.url+lab.TokenPath, tc.method)
			o.TLS = transport.TLS{CAFile: caFile, CertFile: files[tc.cert][0], KeyFile: files[tc.cert][1]}
			e, err := newSource(t, o).Explain(t.Context())
			if tc.want == "ok" {
				if err != nil || !strings.Contains(strings.Join(e.Sent, ";"), "TLS client certificate") {
					t.Errorf("%v, sent %q", err, e.Sent)
				}
				return
			}
			if f := faultOf(t, err); verdict(f) != tc.want || !strings.Contains(f.Hint, tc.hint) {
				t.Errorf("%v\nhint %q", f, f.Hint)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		o := methodOptions(s.URL()+lab.TokenPath, methodTLS)
		o.TLS = transport.TLS{CAFile: caFile, CertFile: "/nonexistent.crt", KeyFile: "/nonexistent.key"}
		_, err := newSource(t, o).Explain(t.Context())
		if f := faultOf(t, err); verdict(f) != "credential/secret_unavailable" || !strings.Contains(f.Message, "tls.cert_file") {
			t.Errorf("%v", f)
		}
	})
}

// TestAliveBehindMutualTLS: whether somebody is alive is asked as nobody, and who
// then wants a certificate is alive; who trusts nobody's certificate is another
// matter.
func TestAliveBehindMutualTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ca, conf := authority(t)
		conf.ClientAuth, conf.ClientCAs, conf.MaxVersion = tls.RequireAndVerifyClientCert, ca.Pool(), version
		s := listen(t, lab.NewProvider(lab.ProviderOptions{}), conf)
		o := proving(t, ca, s.URL()+lab.TokenPath, methodTLS)
		if !newSource(t, o).Alive(t.Context()) {
			t.Errorf("TLS %x: a provider that wants a certificate is called dead", version)
		}
		o.TLS.CAFile = ""
		if newSource(t, o).Alive(t.Context()) {
			t.Errorf("TLS %x: a provider that is not trusted is called alive", version)
		}
	}
}

// verifying fills in what a server knows that verifies a certificate only if
// one of its own authority is shown.
func verifying(h http.Handler, pool *x509.CertPool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			chains, err := r.TLS.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
			if err == nil {
				r.TLS.VerifiedChains = chains
			}
		}
		h.ServeHTTP(w, r)
	})
}
