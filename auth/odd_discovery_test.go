package auth

import (
	"strings"
	"testing"
	"time"
)

// TestOddDiscovery: a member that nobody needs, or that only others need, does
// not spoil the document.
func TestOddDiscovery(t *testing.T) {
	p, s := discoverable(t)
	for name, odd := range map[string]any{
		"scopes_supported": "openid", "grant_types_supported": map[string]any{}, "token_endpoint_auth_methods_supported": []any{7, nil},
		"token_endpoint_auth_signing_alg_values_supported": 7, "mtls_endpoint_aliases": []string{"x"}, "another": 7,
	} {
		p.SetDiscovery(func(_ string, d map[string]any) { d[name] = odd })
		src := newSource(t, issuerOptions(s.URL()))
		if _, _, f := authorize(t, src.Handle(origin), 5*time.Second); f != nil || src.Status().Warning != "" {
			t.Errorf("%s: %v, warning %q", name, f, src.Status().Warning)
		}
	}
	p.SetDiscovery(func(_ string, d map[string]any) { d["token_endpoint"] = 7 })
	_, err := newSource(t, issuerOptions(s.URL())).Explain(t.Context())
	if f := faultOf(t, err); !strings.Contains(f.Message, "names no token_endpoint") {
		t.Error(f)
	}
}

// TestOddAlias: an endpoint for client certificates that cannot be used matters
// to who shows one, and to nobody else.
func TestOddAlias(t *testing.T) {
	ca, conf := authority(t)
	p, _ := discoverable(t)
	s := listen(t, p, conf)
	p.SetDiscovery(func(_ string, d map[string]any) {
		d["mtls_endpoint_aliases"] = map[string]any{"token_endpoint": "http://mtls.example.com/token"}
	})
	caFile := proving(t, ca, "", methodBasic).TLS.CAFile
	o := issuerOptions(s.URL())
	o.TLS.CAFile = caFile
	if _, err := newSource(t, o).Explain(t.Context()); err != nil {
		t.Errorf("without a certificate: %v", err)
	}
	o = proving(t, ca, "", methodTLS)
	o.TokenURL, o.Issuer = "", s.URL()
	_, err := newSource(t, o).Explain(t.Context())
	if f := faultOf(t, err); verdict(f) != "idp/discovery_failed" || !strings.Contains(f.Message, "is not https: http://mtls.example.com/token") {
		t.Error(f)
	}
}
