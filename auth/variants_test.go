package auth

import (
	"crypto"
	"crypto/elliptic"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
)

// TestWrongVariants: each mistake has a hint of its own.
func TestWrongVariants(t *testing.T) {
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	s := listen(t, p, nil)
	key := rsaKey(t, 2048)
	right := saved(t, "right.pem", keyText(t, key, false))
	wrong := saved(t, "wrong.pem", keyText(t, rsaKey(t, 2048), false))
	hints := map[string]string{}
	for _, tc := range []struct {
		name  string
		o     func(*Options)
		c     func(*lab.Client)
		ahead time.Duration
		hint  string
	}{
		{"key", func(o *Options) { o.PrivateKeyFile = wrong }, nil, 0, "compare `jwks` or `jwks_uri` (the public key of " + wrong + ")"},
		{"alg", func(o *Options) { o.Algorithm = "PS256" }, nil, 0, "`token_endpoint_auth_signing_alg` of the client"},
		{"kid", func(o *Options) { o.KeyID = "another" }, nil, 0, "key_id (sent: another)"},
		{"aud", func(o *Options) { o.AssertionAudience = "https://elsewhere.example.com/" }, nil, 0, `is made out for "https://elsewhere.example.com/"; set assertion_audience`},
		{"clock behind", nil, nil, -time.Hour, "behind this machine's"},
		{"clock ahead", nil, nil, time.Hour, "ahead of this machine's"},
		{"method", nil, func(c *lab.Client) { c.Method = lab.MethodBasic }, 0, "`token_endpoint_auth_method` of the client"},
		{"expired secret", func(o *Options) {
			o.AuthMethod, o.PrivateKeyFile, o.ClientSecret = methodBasic, "", secret.Literal("right secret")
		},
			func(c *lab.Client) {
				c.Method, c.Secret, c.SecretExpires = lab.MethodBasic, "right secret", time.Now().Add(-time.Hour)
			}, 0, "make a new secret for client"},
		{"wrong secret", func(o *Options) {
			o.AuthMethod, o.PrivateKeyFile, o.ClientSecret = methodBasic, "", secret.Literal("wrong secret")
		},
			func(c *lab.Client) { c.Method, c.Secret = lab.MethodBasic, "right secret" }, 0, "compare `client_id` and `client_secret`"},
	} {
		c := labClient(lab.MethodKeyJWT)
		c.Keys = []crypto.PublicKey{key.Public()}
		o := methodOptions(s.URL()+lab.TokenPath, methodKeyJWT)
		o.PrivateKeyFile = right
		if tc.o != nil {
			tc.o(&o)
		}
		if tc.c != nil {
			tc.c(&c)
		}
		p.SetClient(c)
		p.SetClockOffset(tc.ahead)
		_, err := newSource(t, o).Explain(t.Context())
		f := faultOf(t, err)
		if verdict(f) != "credential/client_rejected" || !strings.Contains(f.Hint, tc.hint) {
			t.Errorf("%s: %v\nhint %q, want %q", tc.name, f, f.Hint, tc.hint)
		}
		if other := hints[f.Hint]; other != "" {
			t.Errorf("%s and %s have the same hint %q", tc.name, other, f.Hint)
		}
		hints[f.Hint] = tc.name
	}
}

// TestReplay: an assertion that was sent is refused, and ours never is.
func TestReplay(t *testing.T) {
	const issuer = "https://auth.example.com"
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true, Issuer: issuer})
	s := listen(t, p, nil)
	key := ecKey(t, elliptic.P256())
	c := labClient(lab.MethodKeyJWT)
	c.Keys, c.Algorithm = []crypto.PublicKey{key.Public()}, "ES256"
	p.SetClient(c)
	var once sync.Once
	twice := tokenServer(t, func(w http.ResponseWriter, r *http.Request) { // a proxy that sends the first request twice
		_ = r.ParseForm()
		once.Do(func() {
			resp, err := http.PostForm(s.URL()+lab.TokenPath, r.PostForm)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%v, %v", resp, err)
				return
			}
			resp.Body.Close()
		})
		p.ServeHTTP(w, r)
	})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	o := methodOptions(twice.URL+lab.TokenPath, methodKeyJWT)
	o.PrivateKeyFile, o.AssertionAudience = saved(t, "k", keyText(t, key, true)), issuer
	src := newSource(t, o)
	_, err := src.Explain(t.Context())
	if f := faultOf(t, err); verdict(f) != "credential/client_rejected" || !strings.Contains(f.Message, "jti_known") || !strings.Contains(f.Hint, "send requests again") {
		t.Errorf("%v, hint %q", f, f.Hint)
	}
	if n := p.TokenCount("", "jti_known"); n != 1 {
		t.Errorf("%d replays, want 1", n)
	}
}
