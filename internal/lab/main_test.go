package lab_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/lab"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange is one recorded request with what was answered. testdata holds the
// recordings of facts/transcripts, with tokens replaced by {names}.
type exchange struct {
	Name   string
	Method string
	URL    string
	Host   string
	Header map[string]string
	Body   string
	Want   struct {
		Status    int
		Location  *string
		Challenge string
		Type      string
		Allow     string
		Body      *string
		Token     map[string]any
	}
}

func recorded(t *testing.T, file string) []exchange {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	return out
}

// overTLS serves the handler over a pipe with TLS and returns what sends to it.
func overTLS(t *testing.T, h http.Handler) *http.Transport {
	t.Helper()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Server(lab.CertOptions{Names: []string{"*.example.test", "127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	pipe := lab.NewPipe()
	srv := &http.Server{Handler: h, TLSConfig: cert.ServerConfig(), ErrorLog: quiet()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeTLS(pipe, "", "")
	}()
	rt := pipe.Transport()
	rt.TLSClientConfig = &tls.Config{RootCAs: ca.Pool()}
	t.Cleanup(func() {
		rt.CloseIdleConnections()
		srv.Close()
		<-done
	})
	return rt
}

// replay sends what was recorded and compares what comes back.
func replay(t *testing.T, rt http.RoundTripper, x exchange, tokens map[string]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), x.Method, x.URL, strings.NewReader(x.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = x.Host
	for k, v := range x.Header {
		for name, token := range tokens {
			v = strings.ReplaceAll(v, "{"+name+"}", token)
		}
		req.Header.Set(k, v)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, x, res, string(body))
}

func compare(t *testing.T, x exchange, res *http.Response, body string) {
	t.Helper()
	if res.StatusCode != x.Want.Status {
		t.Errorf("got status %d, want %d", res.StatusCode, x.Want.Status)
	}
	location, present := res.Header["Location"]
	switch {
	case present != (x.Want.Location != nil):
		t.Errorf("got Location %q, want presence %v", location, x.Want.Location != nil)
	case present && location[0] != *x.Want.Location && strings.Split(location[0], "?")[0] != *x.Want.Location:
		t.Errorf("got Location %q, want %q", location[0], *x.Want.Location)
	}
	if got := res.Header.Get("Www-Authenticate"); got != x.Want.Challenge {
		t.Errorf("got challenge %q, want %q", got, x.Want.Challenge)
	}
	if got := res.Header.Get("Allow"); got != x.Want.Allow {
		t.Errorf("got Allow %q, want %q", got, x.Want.Allow)
	}
	if got := res.Header.Get("Content-Type"); x.Want.Type != "" && got != x.Want.Type && res.StatusCode != http.StatusOK {
		t.Errorf("got content type %q, want %q", got, x.Want.Type)
	}
	if x.Want.Body != nil && body != *x.Want.Body {
		t.Errorf("got body %.200q, want %q", body, *x.Want.Body)
	}
	if x.Want.Token != nil {
		compareToken(t, x, body)
	}
}

func compareToken(t *testing.T, x exchange, body string) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("read the token answer %q: %v", body, err)
	}
	token, _ := got["access_token"].(string)
	prefix, _ := x.Want.Token["access_token"].(string)
	if !strings.HasPrefix(token, prefix) {
		t.Errorf("got token %q, want one that begins with %q", token, prefix)
	}
	got["access_token"] = prefix
	for k := range x.Want.Token {
		if got[k] != x.Want.Token[k] {
			t.Errorf("got %s %v, want %v", k, got[k], x.Want.Token[k])
		}
	}
	if len(got) != len(x.Want.Token) {
		t.Errorf("got members %v, want those of %v", got, x.Want.Token)
	}
}
