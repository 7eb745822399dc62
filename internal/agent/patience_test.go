package agent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestIssuerMonitorIsPatient: a token endpoint that told a credential to wait
// gets no GET of an issuer monitor either.
func TestIssuerMonitorIsPatient(t *testing.T) {
	t.Parallel()
	var gets, posts, looks atomic.Int64
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/.well-known/openid-configuration":
			looks.Add(1)
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"token_endpoint":%q}`, srv.URL, srv.URL+"/keys", srv.URL+"/token")
		case r.URL.Path == "/keys":
			fmt.Fprint(w, `{"keys":[{"kty":"OKP","kid":"a","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
		case r.Method == http.MethodPost:
			posts.Add(1)
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			gets.Add(1)
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, fmt.Sprintf(`server: {listen: "127.0.0.1:0"}
storage: {path: %q}
credentials:
  key: {type: client_credentials, token_url: "%s/token", client_id: a, client_secret: some-secret-000}
monitors:
  - {name: Provider, type: issuer, url: "%s", credential: key, interval: 1s, retry_interval: 1s}
`, filepath.Join(dir, "watch.db"), srv.URL, srv.URL))
	a := start(t, file)
	until(t, 20*time.Second, "several runs", func() bool { return looks.Load() >= 5 && a.states()["down"] == 1 })
	if g, p := gets.Load(), posts.Load(); g > 1 || p != 1 {
		t.Errorf("the token endpoint got %d GETs and %d token requests in %d runs, want one of each", g, p, looks.Load())
	}
}
