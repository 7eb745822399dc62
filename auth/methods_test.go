package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

// listen serves a provider, and closes it with the test.
func listen(t *testing.T, h http.Handler, conf *tls.Config) *lab.Server {
	t.Helper()
	s, err := lab.Listen(t.Context(), "127.0.0.1:0", h, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	return s
}

func rsaKey(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func edKey(t *testing.T) crypto.Signer {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// keyText writes a key in PEM: PKCS#8, or the older form of its kind.
func keyText(t *testing.T, key crypto.Signer, old bool) []byte {
	t.Helper()
	kind, der, err := "PRIVATE KEY", []byte(nil), error(nil)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if old {
			return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
		}
	case *ecdsa.PrivateKey:
		if old {
			kind = "EC PRIVATE KEY"
			der, err = x509.MarshalECPrivateKey(k)
		}
	}
	if der == nil && err == nil {
		der, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func saved(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, text)
	return path
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// methodOptions are those of a credential that proves itself by a method.
func methodOptions(place, method string) Options {
	o := DefaultOptions()
	o.TokenURL, o.ClientID, o.AuthMethod = place, "probe", method
	o.Scopes = []string{lab.BearerScope}
	return o
}

func labClient(method string) lab.Client {
	return lab.Client{ID: "probe", Method: method, Scopes: []string{lab.BearerScope}}
}

// TestPrivateKeys: every kind of key in every form of file gets a token, with
// every algorithm that fits it, at a provider that verifies.
func TestPrivateKeys(t *testing.T) {
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	s := listen(t, p, nil)
	rsa2048 := rsaKey(t, 2048)
	for _, tc := range []struct {
		name       string
		key        crypto.Signer
		algorithms []string // the first is the default
	}{
		{"RSA", rsa2048, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
		{"P-256", ecKey(t, elliptic.P256()), []string{"ES256"}},
		{"P-384", ecKey(t, elliptic.P384()), []string{"ES384"}},
		{"P-521", ecKey(t, elliptic.P521()), []string{"ES512"}},
		{"Ed25519", edKey(t), []string{"EdDSA"}},
	} {
		for i, alg := range append([]string{""}, tc.algorithms...) {
			t.Run(tc.name+" "+alg, func(t *testing.T) {
				o := methodOptions(s.URL()+lab.TokenPath, methodKeyJWT)
				o.PrivateKeyFile, o.Algorithm = saved(t, "key.pem", keyText(t, tc.key, i%2 == 0)), alg
				c := labClient(lab.MethodKeyJWT)
				c.Keys, c.Algorithm = []crypto.PublicKey{tc.key.Public()}, alg
				if alg == "" {
					c.Algorithm = tc.algorithms[0]
				}
				p.SetClient(c)
				if ps := Check("gate", o); len(ps) > 0 {
					t.Errorf("problems %v", ps)
				}
				e, err := newSource(t, o).Explain(t.Context())
				if err != nil {
					t.Fatalf("%v (%v)", err, p.TokenCounts())
				}
				if sent := strings.Join(e.Sent, "; "); !strings.Contains(sent, "signed with "+c.Algorithm+", kid none") || !strings.Contains(sent, "aud "+o.TokenURL) {
					t.Errorf("told as %q", sent)
				}
			})
		}
	}
}

func TestSecretAssertions(t *testing.T) {
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	s := listen(t, p, nil)
	for _, alg := range secretAlgorithms() {
		for _, digest := range []bool{false, true} {
			t.Run(fmt.Sprint(alg, digest), func(t *testing.T) {
				c := labClient(lab.MethodSecretJWT)
				c.Secret, c.Algorithm, c.SecretDigest = "short", alg, digest
				p.SetClient(c)
				o := methodOptions(s.URL()+lab.TokenPath, methodSecretJWT)
				o.ClientSecret, o.Algorithm, o.SecretDigest = secret.Literal("short"), alg, digest
				if _, err := newSource(t, o).Explain(t.Context()); err != nil {
					t.Error(err)
				}
				o.SecretDigest = !digest
				_, err := newSource(t, o).Explain(t.Context())
				f := faultOf(t, err)
				if verdict(f) != "credential/client_rejected" {
					t.Errorf("the other key: %v", f)
				}
				if !digest != strings.Contains(f.Hint, "`client_secret`") || digest != strings.Contains(f.Hint, "set secret_digest: true") {
					t.Errorf("hint %q", f.Hint)
				}
			})
		}
	}
}

func faultOf(t *testing.T, err error) *check.Fault {
	t.Helper()
	f, ok := err.(*check.Fault) //nolint:errorlint // it is not wrapped
	if !ok {
		t.Fatalf("got %v, want a fault", err)
	}
	return f
}

// TestAssertion: what is in one, and that each request has one of its own.
func TestAssertion(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Client(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []string
	s := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.PostFormValue("client_assertion"))
		if r.Header.Get("Authorization") != "" || r.PostFormValue("client_secret") != "" || r.PostFormValue("client_id") != "probe" ||
			r.PostFormValue("client_assertion_type") != assertionType || r.PostFormValue("grant_type") != "client_credentials" {
			t.Errorf("the request is %v", r.PostForm)
		}
		panic(http.ErrAbortHandler) // the connection breaks: who would send the same again?
	})
	o := methodOptions(s.URL+"/token?tenant=one", methodKeyJWT)
	o.PrivateKeyFile, o.CertificateFile = saved(t, "k", cert.KeyPEM), saved(t, "c", cert.CertPEM)
	o.KeyID, o.Thumbprint = "my key", thumbprintSHA1
	src := newSource(t, o)
	for range 3 {
		if _, err := src.Explain(t.Context()); verdict(faultOf(t, err)) != "idp/token_unreachable" {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	ids := map[string]bool{}
	for _, text := range got {
		signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := signed.Verify(cert.TLS.Leaf.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		head := signed.Signatures[0].Protected
		if head.KeyID != "my key" || head.ExtraHeaders["typ"] != "JWT" || len(head.ExtraHeaders["x5t#S256"].(string)) != 43 || len(head.ExtraHeaders["x5t"].(string)) != 27 {
			t.Errorf("header %+v", head)
		}
		c, now := claimsOf(text), time.Now()
		if c.Issuer != "probe" || c.Subject != "probe" || !slices.Equal(c.Audience, []string{o.TokenURL}) {
			t.Errorf("claims %+v", c)
		}
		if c.NotBefore.After(now) || c.Issued.After(now) || now.Sub(c.Issued) > 15*time.Second || c.Expires.Sub(now) < 4*time.Minute || c.Expires.Sub(now) > 6*time.Minute {
			t.Errorf("times %+v", c)
		}
		var m struct{ JTI string }
		if err := jsonInto(payload, &m); err != nil || len(m.JTI) < 20 || ids[m.JTI] {
			t.Errorf("jti %q, %v", m.JTI, err)
		}
		ids[m.JTI] = true
	}
	if len(ids) != 3 {
		t.Errorf("%d requests came, want 3", len(got))
	}
}

// TestThumbprintOfEntra: with a certificate an RSA key signs as Entra ID asks.
func TestThumbprintOfEntra(t *testing.T) {
	o := methodOptions(tokenURL, methodKeyJWT)
	key := rsaKey(t, 2048)
	for _, tc := range []struct{ cert, thumb, want string }{
		{"", thumbprintSHA256, "RS256"}, {"c.pem", thumbprintSHA256, "PS256"}, {"c.pem", thumbprintSHA1, "RS256"},
	} {
		o.CertificateFile, o.Thumbprint = tc.cert, tc.thumb
		if alg, err := algorithm(o, key); err != nil || alg != tc.want {
			t.Errorf("%+v: %s, %v", tc, alg, err)
		}
	}
}
