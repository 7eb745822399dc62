package auth

import (
	"crypto"
	"crypto/elliptic"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/watchword/watchword/internal/lab"
)

// TestFederated: the file is read anew for every request, and the provider's
// trust has to name what it says.
func TestFederated(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	other := func(sub, aud string, life time.Duration) []byte {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(fmt.Appendf(nil, `{"iss":"https://kubernetes.example","sub":%q,"aud":[%q],"exp":%d}`, sub, aud, time.Now().Add(life).Unix()))
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return []byte(text + "\n")
	}
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	s := listen(t, p, nil)
	c := labClient(lab.MethodFederated)
	c.Keys, c.Algorithm, c.Trust = []crypto.PublicKey{key.Public()}, "ES256", lab.Trust{Issuer: "https://kubernetes.example", Subject: "pod", Audience: "api"}
	p.SetClient(c)
	o := methodOptions(s.URL()+lab.TokenPath, methodFederated)
	o.AssertionFile = filepath.Join(t.TempDir(), "token")
	src := newSource(t, o)
	for _, tc := range []struct {
		name       string
		text       []byte
		want, hint string
	}{
		{"good", other("pod", "api", time.Hour), "ok", ""},
		{"rotated", other("pod", "api", 2*time.Hour), "ok", ""},
		{"other subject", other("another", "api", time.Hour), "credential/client_rejected", `sub "another" of iss "https://kubernetes.example", aud "api"`},
		{"expired", other("pod", "api", -time.Hour), "credential/client_rejected", "it expired on"},
		{"half", other("pod", "api", time.Hour)[:60], "credential/secret_unavailable", "is it still being written"},
		{"empty", nil, "credential/secret_unavailable", "rename it"},
		{"two", append(other("pod", "api", time.Hour), other("pod", "api", time.Hour)...), "credential/secret_unavailable", "and nothing else"},
		{"good again", other("pod", "api", time.Hour), "ok", ""},
	} {
		write(t, o.AssertionFile, tc.text)
		e, err := src.Explain(t.Context())
		if tc.want == "ok" {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		f := faultOf(t, err)
		if verdict(f) != tc.want || !strings.Contains(f.Hint, tc.hint) {
			t.Errorf("%s: %v\nhint %q", tc.name, f, f.Hint)
		}
		if text := everyText(t, f) + fmt.Sprintf("%+v", e); len(tc.text) > 100 && strings.Contains(text, string(tc.text[len(tc.text)-30:len(tc.text)-5])) {
			t.Errorf("%s: the assertion is told: %s", tc.name, text)
		}
	}
}

func TestNoProof(t *testing.T) {
	p := lab.NewProvider(lab.ProviderOptions{NoFailureLimit: true})
	s := listen(t, p, nil)
	p.SetClient(labClient(lab.MethodNone))
	if _, err := newSource(t, methodOptions(s.URL()+lab.TokenPath, methodNone)).Explain(t.Context()); err != nil {
		t.Error(err)
	}
}
