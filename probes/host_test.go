package probes_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

// TestInternationalName: a name in any spelling is one origin for everybody:
// for resolve, for the credential, on the wire and after a redirect.
func TestInternationalName(t *testing.T) {
	var port string
	var seen []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Host+" "+r.Header.Get("Authorization"))
		if r.URL.Path == "/" {
			answer(302, "", "Location", "http://BÜCHER.example:"+port+"/in")(w, r)
		}
	})
	_, port, _ = net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	o := options("http://Bücher.example:" + port)
	o.Resolve = map[string]string{"bücher.example": "127.0.0.1"}
	origin, err := probes.Origin(o.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool := transport.NewPool()
	defer pool.Close()
	registry := auth.NewRegistry(pool, auth.RegistryOptions{})
	defer registry.Close()
	source, err := registry.New("key", auth.Options{Type: auth.TypeBearer, Token: secret.Literal("token-0001"), SendAs: "authorization"})
	if err != nil {
		t.Fatal(err)
	}
	w := &probes.Way{Auth: source.Handle(origin), Kind: source.Kind(), Credential: "key", Gate: "key"}
	want(t, probe(t, o, w), "up")
	line := "xn--bcher-kva.example:" + port + " Bearer token-0001"
	if got := strings.Join(seen, ", "); got != line+", "+line {
		t.Errorf("sent to %s", got)
	}
}

// TestDefaultPort: a default port that is spelt out is not sent. Authelia takes
// "https://h:443/" for another audience than "https://h/".
func TestDefaultPort(t *testing.T) {
	for _, tc := range []struct{ url, host string }{
		{"http://h.test:80/", "h.test"},
		{"https://h.test:443", "h.test"},
		{"https://h.test:80/", "h.test:80"},
		{"http://h.test:8080/", "h.test:8080"},
		{"https://[::1]:443/", "[::1]"},
		{"http://[::1]/", "[::1]"},
		{"HTTP://H.test/", "h.test"},
	} {
		var hosts []string
		rt := roundTrip(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.Host)
			status, header := 302, http.Header{"Location": {tc.url}}
			if len(hosts) > 1 {
				status = 200
			}
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody}, nil
		})
		p, err := probes.NewHTTP(monitor(tc.url), options(tc.url), way(&keys{tokens: []string{"old-token-000"}}), probes.Common{RT: rt})
		if err != nil {
			t.Fatal(err)
		}
		want(t, p.Probe(t.Context()), "up")
		if got := strings.Join(hosts, " "); got != tc.host+" "+tc.host {
			t.Errorf("%s: sent to %s", tc.url, got)
		}
	}
}
