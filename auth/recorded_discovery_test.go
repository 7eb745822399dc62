package auth

import (
	"net/http"
	"strings"
	"testing"
)

// TestRecordedDiscovery reads the discovery documents that Authelia,
// node-oidc-provider and Pocket ID answered, each for the issuer that it is of.
func TestRecordedDiscovery(t *testing.T) {
	var all []struct {
		Name, URL, Body string
		Status          int
		Headers         map[string]string
	}
	readJSON(t, "testdata/discovery.json", &all)
	want := map[string]string{ // the token endpoint, or what is wrong
		"authelia: discovery: openid-configuration":                                       "https://auth.example.test/api/oidc/token",
		"authelia: discovery: oauth-authorization-server":                                 "https://auth.example.test/api/oidc/token",
		"authelia: discovery asked directly at Authelia, port 9091 (issuer follows Host)": "answered 400",
		"node-oidc-provider: discovery":                                                   "http://localhost:4000/token",
		"pocket-id: discovery":                                                            "http://localhost:1411/api/oidc/token",
	}
	if len(all) != len(want) {
		t.Errorf("%d documents, want %d", len(all), len(want))
	}
	for _, e := range all {
		issuer, _, _ := strings.Cut(e.URL, "/.well-known/")
		d := document{url: e.URL, status: e.Status, header: http.Header{}, body: []byte(e.Body)}
		for k, v := range e.Headers {
			d.header.Set(k, v)
		}
		m, f := d.read(issuer)
		if f != nil {
			if !strings.Contains(f.message, want[e.Name]) || want[e.Name] == "" {
				t.Errorf("%s: %s, want %q", e.Name, f.message, want[e.Name])
			}
			continue
		}
		if m.TokenEndpoint != want[e.Name] {
			t.Errorf("%s: %s, want %q", e.Name, m.TokenEndpoint, want[e.Name])
		}
		o := DefaultOptions()
		o.Scopes = []string{"authelia.bearer.authz"}
		if strings.HasPrefix(e.Name, "authelia") {
			if ws := m.differs(o, ""); len(ws) > 0 {
				t.Errorf("%s: %q", e.Name, ws)
			}
		}
		if _, f := d.read(issuer + "/"); f == nil || !strings.Contains(f.todo, "slash at the end") {
			t.Errorf("%s: another issuer is taken: %+v", e.Name, f)
		}
	}
}
