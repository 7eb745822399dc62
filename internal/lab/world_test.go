package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

func startWorld(t *testing.T, c lab.Config) (*lab.World, *http.Transport) {
	t.Helper()
	w, err := lab.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	rt := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Errorf("close the world: %v", err)
		}
	})
	return w, rt
}

// answer is what came back, as far as tests look at it.
type answer struct {
	status              int
	location, challenge string
	body                string
}

func send(t *testing.T, rt http.RoundTripper, method, url, token string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "*/*")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
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
	return answer{res.StatusCode, res.Header.Get("Location"), res.Header.Get("Www-Authenticate"), string(body)}
}

func worldToken(t *testing.T, w *lab.World, id, secret string) (string, string) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {lab.BearerScope}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.TokenURL(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct {
		Token string `json:"access_token"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Token, body.Error
}

func TestWorldLetsItsClientsIn(t *testing.T) {
	w, rt := startWorld(t, lab.Config{})
	for id, secret := range map[string]string{lab.ClientID: lab.ClientSecret, lab.SpecialID: lab.SpecialSecret} {
		token, fail := worldToken(t, w, id, secret)
		if got := send(t, rt, http.MethodGet, w.GatewayURL()+"/m/1", token); got.status != 200 || !strings.Contains(got.body, lab.DefaultKeyword) {
			t.Errorf("%s (%s): got %d, want the page", id, fail, got.status)
		}
	}
	got := send(t, rt, http.MethodGet, w.GatewayURL()+"/m/1", "")
	if want := w.ProviderURL() + "/?rd=" + url.QueryEscape(w.GatewayURL()+"/m/1") + "&rm=GET"; got.status != 302 || got.location != want {
		t.Errorf("stranger: got %d to %q, want 302 to %q", got.status, got.location, want)
	}
	if got := send(t, rt, http.MethodGet, got.location, ""); !strings.Contains(got.body, "Login - Authelia") {
		t.Errorf("portal: got %d %.80q", got.status, got.body)
	}
	if got := send(t, rt, http.MethodGet, w.ApplicationURL()+"/m/1", ""); got.status != 200 {
		t.Errorf("past the gate: got %d, want 200", got.status)
	}
}

func TestEverySwitchOfTheWorld(t *testing.T) {
	w, rt := startWorld(t, lab.Config{})
	page := w.GatewayURL() + "/m/1"
	for _, c := range []struct {
		name   string
		status int    // of the page with a token from before, 0: not asked
		has    string // in location, challenge or body
		fail   string // the token endpoint's error afterwards
	}{
		{"provider-502", 302, "invalid_token", "none"},
		{"secret-rotated", 302, "invalid_token", "invalid_client"},
		{"scope-withdrawn", 302, "invalid_token", "invalid_scope"},
		{"audience-wrong", 302, "invalid_token", ""},
		{"tokens-revoked", 302, "invalid_token", ""},
		{"rate-limited", 302, "invalid_token", "temporarily_unavailable"},
		{"gateway-open", 200, "Dashboard", ""},
		{"tokens-refused", 302, "invalid_token", ""},
		{"policy-deny", 403, "403 Forbidden", ""},
		{"second-factor", 302, "Basic realm=", ""},
		{"app-down", 502, "502 Bad Gateway", ""},
		{"app-500", 500, "500 Internal", ""},
		{"keyword-gone", 200, "Nothing to see", ""},
		{"login-page", 200, `type="password"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			token, _ := worldToken(t, w, lab.ClientID, lab.ClientSecret)
			if got := send(t, rt, http.MethodPost, w.ControlURL()+"/control/"+c.name+"?on=true", ""); got.status != 200 {
				t.Fatalf("switch on: got %d %q", got.status, got.body)
			}
			got := send(t, rt, http.MethodGet, page, token)
			if got.status != c.status || !strings.Contains(got.location+got.challenge+got.body, c.has) {
				t.Errorf("got %+v, want %d with %q", got, c.status, c.has)
			}
			if c.fail != "none" {
				if _, fail := worldToken(t, w, lab.ClientID, lab.ClientSecret); fail != c.fail {
					t.Errorf("token: got error %q, want %q", fail, c.fail)
				}
			}
			if got := send(t, rt, http.MethodPost, w.ControlURL()+"/control/reset", ""); got.status != 200 {
				t.Fatalf("reset: got %d %q", got.status, got.body)
			}
			token, _ = worldToken(t, w, lab.ClientID, lab.ClientSecret)
			if got := send(t, rt, http.MethodGet, page, token); got.status != 200 || !strings.Contains(got.body, "Dashboard") {
				t.Errorf("after the reset: got %d", got.status)
			}
		})
	}
}

func TestPortsThatRefuse(t *testing.T) {
	w, rt := startWorld(t, lab.Config{})
	token, _ := worldToken(t, w, lab.ClientID, lab.ClientSecret)
	for name, url := range map[string]string{"provider-down": w.TokenURL(), "gateway-down": w.GatewayURL() + "/m/1"} {
		if err := w.Switch(name, true); err != nil {
			t.Fatal(err)
		}
		if _, err := fetch(t.Context(), rt, url); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: got %v, want a refused connection", name, err)
		}
		if name == "provider-down" {
			if got := send(t, rt, http.MethodGet, w.GatewayURL()+"/m/1", token); got.status != 500 {
				t.Errorf("page while the provider is down: got %d, want nginx's 500", got.status)
			}
		}
		if err := w.Switch(name, false); err != nil {
			t.Fatal(err)
		}
		if _, err := fetch(t.Context(), rt, url); err != nil {
			t.Errorf("%s mended: got %v", name, err)
		}
	}
	if err := w.Switch("no-such", true); err == nil {
		t.Error("an unknown switch was taken")
	}
}

// A switch is shown as what it is, also where it could not be thrown.
func TestMendThatFails(t *testing.T) {
	w, _ := startWorld(t, lab.Config{})
	if err := w.Switch("gateway-down", true); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(w.GatewayURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Switch("app-500", true); err != nil {
		t.Fatal(err)
	}
	if err := w.Reset(); err == nil || !w.SwitchOf("gateway-down").On || w.SwitchOf("app-500").On {
		t.Errorf("got %v, gateway-down %t, app-500 %t: want an error, and the first alone on", err, w.SwitchOf("gateway-down").On, w.SwitchOf("app-500").On)
	}
	l.Close()
	if err := w.Reset(); err != nil || w.SwitchOf("gateway-down").On {
		t.Errorf("got %v, and it is still on: %t", err, w.SwitchOf("gateway-down").On)
	}
}

// The control page answers this machine alone.
func TestControlByAnotherName(t *testing.T) {
	w, rt := startWorld(t, lab.Config{})
	for host, want := range map[string]int{"localhost:9644": 200, "127.0.0.1": 200, "[::1]:1": 200, "evil.example.com": 421, "127.0.0.1.nip.io": 421, "192.168.0.1": 421} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.ControlURL()+"/control/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %q: got %d, want %d", host, resp.StatusCode, want)
		}
	}
	for _, bad := range []string{"app-slow?delay=-5s", "app-slow?delay=soon", "no-such?delay=1s"} {
		if got := send(t, rt, http.MethodPost, w.ControlURL()+"/control/"+bad, ""); got.status != 400 {
			t.Errorf("%s: got %d, want 400", bad, got.status)
		}
	}
}

func TestControlAPI(t *testing.T) {
	chat := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "chat") })
	w, rt := startWorld(t, lab.Config{Chat: chat})
	if got := send(t, rt, http.MethodGet, w.ControlURL()+"/anything", ""); got.body != "chat" {
		t.Errorf("got %q, want the chat", got.body)
	}
	send(t, rt, http.MethodPost, w.ControlURL()+"/control/failing?path=/m/7", "")
	if got := send(t, rt, http.MethodGet, w.ApplicationURL()+"/m/7", ""); got.status != 500 {
		t.Errorf("failing path: got %d, want 500", got.status)
	}
	for _, bad := range []string{"/control/no-such", "/control/app-500?on=perhaps", "/control/failing?on=2"} {
		if got := send(t, rt, http.MethodPost, w.ControlURL()+bad, ""); got.status != 400 || !strings.Contains(got.body, "error") {
			t.Errorf("%s: got %d %q, want 400 and an error", bad, got.status, got.body)
		}
	}
	if err := w.Switch("app-slow", true); err != nil {
		t.Fatal(err)
	}
	var s lab.State
	if err := json.Unmarshal([]byte(send(t, rt, http.MethodGet, w.ControlURL()+"/control/", "").body), &s); err != nil {
		t.Fatal(err)
	}
	on := ""
	for _, sw := range s.Switches {
		if sw.On {
			on += sw.Name + " "
		}
	}
	if on != "app-slow " || len(s.Switches) < 15 || s.Counters.Runs != 1 || s.URLs["gateway"] != w.GatewayURL() {
		t.Errorf("got on %q, %+v", on, s)
	}
	var visits map[string]lab.Visits
	if err := json.Unmarshal([]byte(send(t, rt, http.MethodGet, w.ControlURL()+"/control/visits?prefix=/m/", "").body), &visits); err != nil || visits["/m/7"].Runs != 1 {
		t.Errorf("got %v, %v, want one visit", visits, err)
	}
	send(t, rt, http.MethodPost, w.ControlURL()+"/control/reset-counters", "")
	if w.Application.Runs("") != 0 {
		t.Error("the counters are still there")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.ControlURL()+"/control/app-500", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: got %d, want 403", res.StatusCode)
	}
}

func TestPortTaken(t *testing.T) {
	w, _ := startWorld(t, lab.Config{})
	u, err := url.Parse(w.ControlURL())
	if err != nil {
		t.Fatal(err)
	}
	port := 0
	for _, c := range u.Port() {
		port = port*10 + int(c-'0')
	}
	if _, err := lab.Start(t.Context(), lab.Config{ControlPort: port}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want the port taken", err)
	}
}
