package probes_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/probes"
)

const invalidToken = `Bearer error="invalid_token",error_description="expired, revoked"`

// gateFor answers 200 to one token and refuses the others.
func gateFor(token string, refuse http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+token {
			answer(200, "Dashboard")(w, r)
			return
		}
		refuse(w, r)
	}
}

func TestSecondChance(t *testing.T) {
	notLikeThis := answer(403, "no")
	for _, tc := range []struct {
		name    string
		refuse  http.HandlerFunc
		good    string
		replace bool
		o       func(*probes.HTTPOptions)
		want    string
		judged  string
		tries   int
	}{
		{"replaced after invalid_token", answer(401, "", "Www-Authenticate", invalidToken), "new-token-000", true, nil, "up", "1 refused, 2 taken", 2},
		{"replaced after 302 with an empty Location", answer(302, "", "Location", "", "Www-Authenticate", invalidToken), "new-token-000", true, nil, "up", "1 refused, 2 taken", 2},
		{"replaced after a redirect to sign in", answer(302, "", "Location", "https://auth.example.test/?x"), "new-token-000", true, nil, "up", "1 refused, 2 taken", 2},
		{"replaced after a sign-in page", answer(200, "<html><title>Sign in</title>", "Content-Type", "text/html"), "new-token-000", true, nil, "up", "1 refused, 2 taken", 2},
		{"replaced after a 403", notLikeThis, "new-token-000", true, nil, "up", "1 refused, 2 taken", 2},
		{"replaced after a 401", answer(401, ""), "new-token-000", true, nil, "up", "1 refused, 2 taken", 2},
		{"refused again", answer(403, ""), "none", true, nil, "policy/forbidden", "1 refused, 2 refused", 2},
		{"no other token is due", answer(403, ""), "none", false, nil, "policy/forbidden", "1 refused", 1},
		{"a second factor is not in any token", answer(401, "", "Www-Authenticate", `Basic realm="Authorization Required"`), "none", true, nil, "gateway/token_rejected", "1 refused, 2 refused", 2},
		{"a scope granted since is", answer(403, "", "Www-Authenticate", `Bearer error="insufficient_scope", scope="a b"`), "none", true, nil, "credential/token_unusable", "1 refused, 2 refused", 2},
		{"a scope with another status is no 403", answer(401, "", "Www-Authenticate", `Bearer error="insufficient_scope"`), "none", true, nil, "credential/token_unusable", "", 1},
		{"a Bearer challenge without an error", answer(401, "", "Www-Authenticate", `Bearer realm="app"`), "none", true, nil, "gateway/token_rejected", "", 1},
		{"expects refusal, gets it", answer(403, ""), "none", true, status("403"), "up", "", 1},
		{"expects refusal, gets another", answer(401, ""), "none", true, status("403"), "gateway/token_rejected", "", 1},
		{"expects 401, and rule 1 applies", answer(401, "", "Www-Authenticate", invalidToken), "none", true, status("401"), "gateway/token_rejected", "", 1},
		{"a failing service says nothing of the token", answer(503, ""), "none", true, nil, "target/gateway_error", "", 1},
		{"an error of the application does", answer(404, ""), "none", true, nil, "target/status", "1 taken", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, gateFor(tc.good, tc.refuse))
			k := &keys{tokens: []string{"old-token-000", "new-token-000"}, replace: tc.replace}
			o := options(srv.URL)
			if tc.o != nil {
				tc.o(&o)
			}
			r := probe(t, o, way(k))
			want(t, r, tc.want, k.tokens...)
			if k.said() != tc.judged {
				t.Errorf("told the way in %q, want %q", k.said(), tc.judged)
			}
			if r.Detail == nil {
				if tc.tries != 1 || tc.want != "up" {
					t.Errorf("no detail")
				}
			} else if len(r.Detail.Tries) != tc.tries {
				t.Errorf("%d tries, want %d", len(r.Detail.Tries), tc.tries)
			}
		})
	}
}

func TestSecondFactor(t *testing.T) {
	basic := `Basic realm="Authorization Required"`
	for _, tc := range []struct {
		name     string
		kind     string
		authelia bool
		h        http.HandlerFunc
		want     string
	}{
		{"Authelia's token", "client_credentials", true, answer(401, "", "Www-Authenticate", basic), "policy/second_factor_required"},
		{"Authelia's token, nginx", "bearer", true, answer(302, "", "Location", "", "Www-Authenticate", "Basic"), "policy/second_factor_required"},
		{"user and password", "basic", false, answer(302, "", "Location", "", "Www-Authenticate", basic), "credential/client_rejected"},
		{"a header", "header", false, answer(302, "", "Location", "", "Www-Authenticate", basic), "gateway/token_rejected"},
		{"another realm is the application's own", "client_credentials", true, answer(401, "", "Www-Authenticate", `Basic realm="app"`), "gateway/token_rejected"},
		{"two challenges in one header", "client_credentials", true, answer(401, "", "Www-Authenticate", `Basic realm="x, y", Bearer error=invalid_token`), "gateway/token_rejected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := &keys{tokens: []string{"old-token-000", "new-token-000"}, replace: true}
			w := way(k)
			w.Kind, w.Authelia = tc.kind, func() bool { return tc.authelia }
			want(t, probe(t, options(serve(t, tc.h).URL), w), tc.want)
			if !strings.HasPrefix(tc.want, "gateway/") && k.said() != "" {
				t.Errorf("told the way in %q", k.said())
			}
		})
	}
}

func TestFixedAutheliaToken(t *testing.T) {
	srv := serve(t, answer(401, "", "Www-Authenticate", `Basic realm="Authorization Required"`))
	w := way(stamp("authelia_at_0123456789"))
	w.Kind = "bearer"
	want(t, probe(t, options(srv.URL), w), "policy/second_factor_required")
}

func TestWhoIsToBlame(t *testing.T) {
	stock := "<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n<body>\r\n<center><h1>500 Internal Server Error</h1></center>\r\n</html>"
	refused := answer(302, "", "Location", "", "Www-Authenticate", invalidToken)
	gate := check.Cause{Kind: check.CauseGate, Key: "gate"}
	provider := check.Cause{Kind: check.CauseProvider, Key: "https://auth.example.test"}
	here := check.Cause{Kind: check.CauseMonitor, Key: "m"}
	for _, tc := range []struct {
		name  string
		h     http.HandlerFunc
		alive bool
		want  string
		cause check.Cause
		asked int
	}{
		{"nginx cannot ask, provider dead", answer(500, stock), false, "idp/token_unreachable", provider, 1},
		{"nginx cannot ask, provider alive", answer(500, stock), true, "target/gateway_error", gate, 1},
		{"502, provider dead", answer(502, ""), false, "idp/token_unreachable", provider, 1},
		{"503, provider alive", answer(503, "down"), true, "target/gateway_error", gate, 1},
		{"504, provider alive", answer(504, ""), true, "target/gateway_error", gate, 1},
		{"the application's own 500, provider dead", answer(500, "trace"), false, "idp/token_unreachable", provider, 1},
		{"the application's own 500, provider alive", answer(500, "trace"), true, "target/status", here, 1},
		{"501 is not asked about", answer(501, ""), false, "target/status", here, 0},
		{"refused, provider dead", refused, false, "idp/token_unreachable", provider, 1},
		{"refused, provider alive", refused, true, "gateway/token_rejected", gate, 1},
		{"policy is not asked about", answer(403, ""), false, "policy/forbidden", here, 0},
		{"nor is a keyword", answer(200, ""), false, "content/keyword_missing", here, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := 0
			w := way(&keys{tokens: []string{"old-token-000"}})
			w.Alive = func(context.Context) bool { asked++; return tc.alive }
			r := probe(t, options(serve(t, tc.h).URL, keyword("Dashboard")), w)
			want(t, r, tc.want)
			if r.Fault == nil || r.Fault.Cause != tc.cause || asked != tc.asked {
				t.Errorf("cause %+v after %d questions, want %+v after %d", r.Fault, asked, tc.cause, tc.asked)
			}
		})
	}
	srv := serve(t, answer(502, ""))
	r := probe(t, options(srv.URL), nil)
	if want := (check.Cause{Kind: check.CauseAddress, Key: strings.TrimPrefix(srv.URL, "http://")}); r.Fault == nil || r.Fault.Cause != want {
		t.Errorf("without a gate: %+v", r.Fault)
	}
}

func TestNoTokenForTheSecondTry(t *testing.T) {
	fault := &check.Fault{Class: check.Credential, Reason: check.ClientRejected, Message: "m", Hint: "h"}
	k := &keys{tokens: []string{"old-token-000", "new-token-000"}, replace: true, err: fault, errAt: 2}
	r := probe(t, options(serve(t, answer(401, "")).URL), way(k))
	if !errors.Is(r.Fault, fault) || len(r.Detail.Tries) != 1 {
		t.Errorf("got %+v", r.Fault)
	}
}

// TestSignIn is the shapes of a login wall, with and without a credential.
func TestSignIn(t *testing.T) {
	html := func(status int, page string, more ...string) http.HandlerFunc {
		return answer(status, page, append(more, "Content-Type", "text/html")...)
	}
	form := `<html><title>App</title><form><input name=p type="PassWord">`
	for _, tc := range []struct {
		name        string
		h           http.HandlerFunc
		o           func(*probes.HTTPOptions)
		with, wants string // "" as with
	}{
		{"title of a known page, status expected", html(200, "<html><head><TITLE lang=en> Login -\n Authelia </TITLE>"), nil, "gateway/login_page", ""},
		{"title of Keycloak", html(200, "<title>Sign in to lab</title>"), nil, "gateway/login_page", ""},
		{"title of Okta", html(200, "<title>ACME - Sign In</title>"), nil, "gateway/login_page", ""},
		{"the keyword is on it", html(200, "<title>Sign In</title>Dashboard"), keyword("Dashboard"), "gateway/login_page", "up"},
		{"a title in JSON is none", answer(200, `{"t":"<title>Sign In</title>"}`, "Content-Type", "application/json"), nil, "up", ""},
		{"a title in a comment is none", html(200, "<html><!-- <title>Sign In</title> --><title>App</title>"), nil, "up", ""},
		{"a title in the body is none", html(200, "<html><body><title>Sign In</title>"), nil, "up", ""},
		{"a password field alone", html(200, form), nil, "up", ""},
		{"a password field, keyword found", html(200, form+"Dashboard"), keyword("Dashboard"), "up", ""},
		{"a password field, keyword missing", html(200, form), keyword("Dashboard"), "gateway/login_page", ""},
		{"a password field, status not expected", html(404, form), nil, "gateway/login_page", ""},
		{"a password field in a script", html(200, `<script>'<input type="password">'</script>`), keyword("x"), "content/keyword_missing", ""},
		{"a page that sends on to sign in", html(200, `<meta http-equiv="refresh" content="0; url='/oauth2/start?rd=/'">`), keyword("x"), "gateway/login_page", ""},
		{"401", answer(401, ""), nil, "gateway/token_rejected", "target/status"},
		{"403", answer(403, ""), nil, "policy/forbidden", "target/status"},
		{"403 with a sign-in page", html(403, "<title>Sign In</title>"), nil, "gateway/login_page", ""},
		{"403 with a sign-in page, expected", html(403, "<title>Sign In</title>"), status("403"), "up", ""},
		{"302 without a Location", answer(302, "<script>location='/login'</script>"), nil, "gateway/login_redirect", "gateway/login_page"},
		{"303 with an empty Location", answer(303, "", "Location", ""), nil, "gateway/login_redirect", "gateway/login_page"},
		{"301 without a Location", answer(301, ""), nil, "target/status", ""},
		{"rd in the query", answer(302, "", "Location", "http://127.0.0.1:1/x?rd=y"), nil, "gateway/login_redirect", "gateway/login_page"},
		{"client_id in the query", answer(307, "", "Location", "http://127.0.0.1:1/x?client_id=y"), nil, "gateway/login_redirect", "gateway/login_page"},
		{"under /oauth2/", answer(302, "", "Location", "/oauth2/start"), nil, "gateway/login_redirect", "gateway/login_page"},
		{"under /auth/", answer(302, "", "Location", "/auth/realms/x"), nil, "gateway/login_redirect", "gateway/login_page"},
		{"/authors is not under /auth/", answer(302, "", "Location", "http://127.0.0.1:1/authors"), nil, "target/redirected", "network/connect"},
		{"to a scheme that cannot be followed", answer(302, "", "Location", "app:open"), nil, "target/redirected", "target/protocol"},
		{"to nonsense", answer(302, "", "Location", "http://[::1"), nil, "target/protocol", ""},
		{"max_redirects 0, status expected", answer(302, "", "Location", "/auth/x"), func(o *probes.HTTPOptions) { o.MaxRedirects = 0; o.Expect.Status = []string{"302"} }, "up", ""},
		{"max_redirects 0, sign-in", answer(302, "", "Location", "/auth/x"), func(o *probes.HTTPOptions) { o.MaxRedirects = 0 }, "gateway/login_redirect", "gateway/login_page"},
		{"max_redirects 0, elsewhere", answer(302, "", "Location", "http://127.0.0.1:1/"), func(o *probes.HTTPOptions) { o.MaxRedirects = 0 }, "target/status", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(serve(t, tc.h).URL)
			if tc.o != nil {
				tc.o(&o)
			}
			want(t, probe(t, o, way(&keys{tokens: []string{"old-token-000"}})), tc.with, "old-token-000")
			without := tc.wants
			if without == "" {
				without = tc.with
			}
			want(t, probe(t, o, nil), without)
		})
	}
}

// TestProviderOrigin: a redirect to the provider is a sign-in, unless the
// monitor watches the provider itself.
func TestProviderOrigin(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/home", http.StatusFound)
			return
		}
		answer(200, "Dashboard")(w, r)
	}
	srv, k := serve(t, h), &keys{tokens: []string{"old-token-000"}}
	w := way(k)
	w.Provider = srv.URL
	want(t, probe(t, options(srv.URL, keyword("Dashboard")), w), "up")
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, srv.URL+"/home", http.StatusFound) })
	want(t, probe(t, options(other.URL), w), "gateway/login_redirect")
}
