package auth

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

// authority returns who signs certificates, and the server's own.
func authority(t *testing.T) (*lab.CA, *tls.Config) {
	t.Helper()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ca, c.ServerConfig()
}

// proving returns options that are complete for a way of proving.
func proving(t *testing.T, ca *lab.CA, place, method string) Options {
	t.Helper()
	o := methodOptions(place, method)
	var err error
	if o.TLS.CAFile, err = ca.Write(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	switch method {
	case methodBasic, methodPost, methodSecretJWT:
		o.ClientSecret = secret.Literal(testSecret)
	case methodKeyJWT:
		o.PrivateKeyFile = saved(t, "key.pem", keyText(t, rsaKey(t, 2048), false))
	case methodTLS, methodSelfSigned:
		c, err := ca.Client(lab.CertOptions{CommonName: "probe"})
		if err != nil {
			t.Fatal(err)
		}
		if o.TLS.CertFile, o.TLS.KeyFile, err = c.Write(t.TempDir(), "probe"); err != nil {
			t.Fatal(err)
		}
	case methodFederated:
		o.AssertionFile = saved(t, "token", []byte(jwt(`{"iss":"https://kubernetes.example","sub":"pod"}`)))
	}
	return o
}

// TestHintsFitTheMethod: whatever a provider complains of, nobody is sent to an
// assertion, a key or a certificate that the client does not have.
func TestHintsFitTheMethod(t *testing.T) {
	ca, conf := authority(t)
	says := map[string]http.HandlerFunc{}
	s := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { says[r.URL.Path](w, r) }), conf)
	for i, words := range []string{
		"requested audience is not whitelisted", "Client has expired", "client certificate required", "Invalid API key",
		"unknown algorithm", "replay detected", "token not active", "invalid signature", "nothing in particular", "jti_known",
	} {
		code := "invalid_client"
		if words == "jti_known" {
			code = words
		}
		body, err := json.Marshal(map[string]string{"error": code, "error_description": words})
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/%d", i)
		says[path] = answers(http.StatusUnauthorized, "application/json", string(body))
		for _, method := range methods() {
			_, err := newSource(t, proving(t, ca, s.URL()+path, method)).Explain(t.Context())
			f := faultOf(t, err)
			if verdict(f) != "credential/client_rejected" {
				t.Errorf("%s, %q: %v", method, words, f)
			}
			hintFits(t, method, words, f.Hint)
		}
	}
}

func hintFits(t *testing.T, method, words, hint string) {
	t.Helper()
	for _, odd := range []string{`""`, "0001-", "  ", " ,", " ;"} {
		if strings.Contains(hint, odd) {
			t.Errorf("%s, %q: hint %q holds %q", method, words, hint, odd)
		}
	}
	without := map[string][]string{
		methodBasic: {"assertion", "public key", "certificate"}, methodPost: {"assertion", "public key", "certificate"},
		methodNone: {"assertion", "public key", "certificate"}, methodTLS: {"assertion", "public key"}, methodSelfSigned: {"assertion", "public key"},
		methodSecretJWT: {"public key", "certificate"}, methodKeyJWT: {"certificate"}, methodFederated: {"assertion_audience", "public key", "certificate"},
	}
	if without[method] == nil {
		t.Errorf("no row for %s", method)
	}
	for _, odd := range without[method] {
		if strings.Contains(hint, odd) {
			t.Errorf("%s, %q: hint %q is about the %s", method, words, hint, odd)
		}
	}
}

// TestAudienceWithoutAssertion: it is that of the token.
func TestAudienceWithoutAssertion(t *testing.T) {
	s := tokenServer(t, answers(http.StatusUnauthorized, "application/json", `{"error":"invalid_client","error_description":"audience not whitelisted"}`))
	o := options(s.URL)
	_, err := newSource(t, o).Explain(t.Context())
	if f := faultOf(t, err); !strings.Contains(f.Hint, "set `audience` or `resource`") {
		t.Errorf("hint %q", f.Hint)
	}
	o.Audience = []string{"https://a/"}
	_, err = newSource(t, o).Explain(t.Context())
	if f := faultOf(t, err); !strings.Contains(f.Hint, `the audience "https://a/": allow it there`) {
		t.Errorf("hint %q", f.Hint)
	}
}

// TestAutheliaBars: it does not start if a client with the scope of its gate
// proves itself in the form or not at all, so the two are not to be made the
// same.
func TestAutheliaBars(t *testing.T) {
	ca, conf := authority(t)
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	s := listen(t, p, conf)
	c := labClient(lab.MethodBasic)
	c.Secret = testSecret
	p.SetClient(c)
	for _, method := range []string{methodPost, methodNone} {
		_, err := newSource(t, proving(t, ca, s.URL()+lab.TokenPath, method)).Explain(t.Context())
		f := faultOf(t, err)
		if !strings.Contains(f.Hint, "Authelia: ") || !strings.Contains(f.Hint, "set auth_method: client_secret_basic") || strings.Contains(f.Hint, "the two the same") {
			t.Errorf("%s: %v, hint %q", method, f, f.Hint)
		}
	}
}
