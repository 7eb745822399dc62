package lab_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

func TestWorldOverTLS(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w, plain := startWorld(t, lab.Config{TLS: cert.ServerConfig(), Mode: lab.CaddyForwardAuth})
	rt := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: true}
	defer rt.CloseIdleConnections()
	if !strings.HasPrefix(w.GatewayURL(), "https://") {
		t.Fatalf("got %q, want https", w.GatewayURL())
	}
	if got := send(t, rt, http.MethodGet, w.GatewayURL()+"/m/1", "authelia_at_A.B"); got.status != 401 || !strings.Contains(got.challenge, "invalid_token") {
		t.Errorf("got %+v, want Caddy's 401", got)
	}
	if got := send(t, plain, http.MethodGet, w.ControlURL()+"/control/", ""); got.status != 200 {
		t.Errorf("control: got %d, want 200 without TLS", got.status)
	}
}

func TestCloseEndsHangingRequests(t *testing.T) {
	app := lab.NewApplication(lab.ApplicationOptions{})
	s, err := lab.Listen(t.Context(), "127.0.0.1:0", app, nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := fetch(t.Context(), &http.Transport{DisableKeepAlives: true}, s.URL()+"/hang")
		failed <- err
	}()
	for app.Runs("/hang") == 0 {
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if err := <-failed; err == nil {
		t.Error("the hanging request got an answer")
	}
	if err := s.SetRefusing(false); err == nil {
		t.Error("a closed server was opened again")
	}
}

func TestALeavingClientEndsASlowTokenRequest(t *testing.T) {
	w, rt := startWorld(t, lab.Config{})
	w.SetDelay(time.Hour)
	if err := w.Switch("provider-slow", true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.TokenURL(), strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := rt.RoundTrip(req); err == nil {
		res.Body.Close()
		t.Error("got an answer, want the deadline")
	}
	for w.Provider.TokenCount("", "left") == 0 {
		runtime.Gosched()
	}
	if w.Provider.TokenRequests() != 1 {
		t.Errorf("got %d requests, want 1", w.Provider.TokenRequests())
	}
}

func TestAllowAudience(t *testing.T) {
	w, rt := startWorld(t, lab.Config{})
	w.AllowAudience("https://proxy.example.test/")
	token, _ := worldToken(t, w, lab.ClientID, lab.ClientSecret)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.ProviderURL()+lab.AuthRequestPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Authorization": {"Bearer " + token}, "X-Original-Method": {"GET"}, "X-Original-Url": {"https://proxy.example.test/m/1"},
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("got %d, want the token to cover the proxy's page", res.StatusCode)
	}
}
