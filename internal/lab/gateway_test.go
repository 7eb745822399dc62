package lab_test

import (
	"net/http"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

func TestCaddySecurity(t *testing.T) {
	p := recordedProvider()
	tokens := recordedTokens(t, p)
	app := lab.NewApplication(lab.ApplicationOptions{})
	gate := func(change func(*lab.JWTGate)) http.Handler {
		j := lab.JWTGate{Provider: p, Audience: []string{recordedApp}}
		change(&j)
		return lab.NewGateway(lab.GatewayOptions{Mode: lab.CaddySecurity, App: app, JWT: j, Origin: "https://a.example.test"})
	}
	plain := gate(func(*lab.JWTGate) {})
	to := "/auth/oauth2/generic?redirect_url=https%3A%2F%2Fa.example.test%2F"
	for _, c := range []struct {
		name, token, path string
		gate              http.Handler
		status            int
		location          string
	}{
		{"valid", "jwt", "/", plain, 200, ""},
		{"none", "", "/", plain, 302, to},
		{"other key", "jwt-foreign", "/", plain, 302, to},
		{"expired", "jwt-expired", "/", plain, 302, recordedIssuer + "?redirect_url=https%3A%2F%2Fa.example.test%2F"},
		{"wrong audience", "jwt-audience", "/", plain, 403, ""},
		{"no redirect loop", "", "/?redirect_url=x", plain, 401, ""},
		{"no redirect", "", "/", gate(func(j *lab.JWTGate) { j.NoRedirect = true }), 401, ""},
		{"js redirect", "", "/", gate(func(j *lab.JWTGate) { j.JSRedirect = true }), 302, ""},
		{"client not listed", "jwt", "/", gate(func(j *lab.JWTGate) { j.Clients = []string{"x"} }), 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt, stop := overPipe(t, c.gate)
			defer stop()
			if got := send(t, rt, http.MethodGet, "http://a.example.test"+c.path, tokens[c.token]); got.status != c.status || got.location != c.location {
				t.Errorf("got %d to %q, want %d to %q", got.status, got.location, c.status, c.location)
			}
		})
	}
}
