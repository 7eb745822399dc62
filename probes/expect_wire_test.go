package probes_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/probes"
)

func upside(o *probes.HTTPOptions) { o.UpsideDown = true }

func expecting(e probes.Expect) func(*probes.HTTPOptions) {
	return func(o *probes.HTTPOptions) {
		if e.Status == nil {
			e.Status = o.Expect.Status
		}
		o.Expect = e
	}
}

func TestExpectOnTheWire(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch w.Header().Set("X-Path", r.URL.Path); r.URL.Path {
		case "/":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/zip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte(gzipped(`{"status": "ok"}`)))
		default:
			_, _ = w.Write([]byte(`{"status": "ok"}`))
		}
	})
	ok := probes.Expect{JSON: []string{`.status == "ok"`}, Regex: []string{`^\{"status"`}, Headers: map[string]string{"x-path": "^/(end|zip)$"}, HTTPVersion: []string{"1.1"}}
	for path, verdict := range map[string]string{"/": "up", "/zip": "up", "/other": "content/header"} {
		want(t, probe(t, options(srv.URL+path, expecting(ok)), nil), verdict)
	}
	want(t, probe(t, options(srv.URL+"/zip", expecting(probes.Expect{JSON: []string{`.status == "well"`}})), nil), "content/json")
	want(t, probe(t, options(srv.URL+"/zip", func(o *probes.HTTPOptions) { o.Method = "HEAD" }, expecting(probes.Expect{Headers: map[string]string{"X-Path": "zip"}})), nil), "up")
}

// TestQueryAndDeadline: a query that is not done when the time of its run is over
// is at fault, and one of a run that was stopped is not.
func TestQueryAndDeadline(t *testing.T) {
	srv := serve(t, answer(200, "{}"))
	p := build(t, options(srv.URL, expecting(probes.Expect{JSON: []string{"def f: f; f"}})), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r := p.Probe(ctx)
	if want(t, r, "content/json"); r.Fault != nil && !strings.Contains(r.Fault.Message, "the time of the run was over") {
		t.Errorf("says %s", r.Fault.Message)
	}
	stopped, stop := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, stop)
	want(t, p.Probe(stopped), "agent/internal")
}

func TestVersions(t *testing.T) {
	start := func(h2 bool, newest uint16) *httptest.Server {
		srv := httptest.NewUnstartedServer(answer(200, "fine"))
		srv.EnableHTTP2, srv.TLS = h2, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: newest}
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		t.Cleanup(srv.Close)
		return srv
	}
	one, two, old, ancient := start(false, tls.VersionTLS13), start(true, tls.VersionTLS13), start(false, tls.VersionTLS12), start(false, tls.VersionTLS10)
	for _, tc := range []struct {
		name string
		srv  *httptest.Server
		http []string
		tls  string
		want string
		hint string
	}{
		{"2, as expected", two, []string{"2"}, "", "up", ""},
		{"2, not expected", two, []string{"1.0", "1.1"}, "", "target/protocol", "is for the server"},
		{"1.1, not expected", one, []string{"2"}, "", "target/protocol", "is for the server"},
		{"1.1, as expected", one, []string{"1.1", "2"}, "1.3", "up", ""},
		{"TLS 1.2 is too old", old, nil, "1.3", "tls/handshake", "expect.tls_version is 1.3"},
		{"TLS 1.2 will do", old, nil, "1.2", "up", ""},
		{"TLS 1.0 by default", ancient, nil, "", "tls/handshake", "to take an older one, set expect.tls_version"},
		{"TLS 1.0, wanted", ancient, nil, "1.0", "up", ""},
		{"TLS 1.0 is less than 1.1", ancient, nil, "1.1", "tls/handshake", "expect.tls_version is 1.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(tc.srv.URL, expecting(probes.Expect{HTTPVersion: tc.http, TLSVersion: tc.tls}))
			o.TLS.InsecureSkipVerify = true
			r := probe(t, o, nil)
			if want(t, r, tc.want); r.Fault != nil && !strings.Contains(r.Fault.Hint, tc.hint) {
				t.Errorf("hint %q, want %q", r.Fault.Hint, tc.hint)
			}
		})
	}
}

// slowWay hands out a token after a while.
type slowWay struct {
	*keys
	wait time.Duration
}

func (s slowWay) Authorize(ctx context.Context, req *http.Request) (uint64, error) {
	time.Sleep(s.wait) // in virtual time
	return s.keys.Authorize(ctx, req)
}

// TestMaxDuration: the last try counts, without the token.
func TestMaxDuration(t *testing.T) {
	for name, tc := range map[string]struct {
		token, answer time.Duration
		refused       bool // the first token is
		e             probes.Expect
		want, says    string
	}{
		"in time":             {0, 900 * time.Millisecond, false, probes.Expect{MaxDuration: time.Second}, "up", ""},
		"exactly":             {0, time.Second, false, probes.Expect{MaxDuration: time.Second}, "up", ""},
		"too slow":            {0, 1500 * time.Millisecond, false, probes.Expect{MaxDuration: time.Second}, "content/too_slow", "it took 1.5 s, and max_duration is 1 s"},
		"a slow token":        {5 * time.Second, 900 * time.Millisecond, false, probes.Expect{MaxDuration: time.Second}, "up", ""},
		"a second chance":     {0, 900 * time.Millisecond, true, probes.Expect{MaxDuration: time.Second}, "up", ""},
		"a slow second":       {0, 1100 * time.Millisecond, true, probes.Expect{MaxDuration: time.Second}, "content/too_slow", "it took 1.1 s, and"},
		"a warning":           {0, 1500 * time.Millisecond, false, probes.Expect{MaxDuration: time.Second, Warn: true}, "up", "it took 1.5 s, and max_duration is 1 s"},
		"another fault first": {0, 1500 * time.Millisecond, false, probes.Expect{MaxDuration: time.Second, Keyword: []string{"nope"}}, "content/keyword_missing", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				rt := roundTrip(func(req *http.Request) (*http.Response, error) {
					time.Sleep(tc.answer) // in virtual time
					w := httptest.NewRecorder()
					if asked++; tc.refused && asked == 1 {
						w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
						w.WriteHeader(401)
					}
					return w.Result(), nil
				})
				o := options("http://h.test/", expecting(tc.e))
				w := way(slowWay{&keys{tokens: []string{"old-token-000", "new-token-000"}, replace: true}, tc.token})
				p, err := probes.NewHTTP(monitor(o.URL), o, w, probes.Common{RT: rt})
				if err != nil {
					t.Fatal(err)
				}
				r := p.Probe(t.Context())
				want(t, r, tc.want)
				told := ""
				if r.Fault != nil {
					told = r.Fault.Message
				} else if r.Detail != nil {
					told = strings.Join(r.Detail.Notes, "\n")
				}
				if tc.says != "" && !strings.Contains(told, tc.says) {
					t.Errorf("says %q, want %q", told, tc.says)
				}
				if again := p.Probe(t.Context()); tc.e.Warn && (r.Detail.Known || again.Detail == nil || !again.Detail.Known) {
					t.Errorf("known: %+v, then %+v", r.Detail, again.Detail)
				}
			})
		})
	}
}

// TestUpsideDown: what fails of the target is up, and all other faults stay.
func TestUpsideDown(t *testing.T) {
	up, gone, denied := serve(t, answer(200, "Dashboard")), serve(t, answer(503, "")), serve(t, answer(401, ""))
	login, secure := serve(t, answer(200, "<title>Sign In</title>", "Content-Type", "text/html")), httptest.NewUnstartedServer(answer(200, ""))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	fault := &check.Fault{Class: check.IDP, Reason: check.TokenServerError, Message: "m", Hint: "h", Cause: check.Cause{Kind: check.CauseProvider, Key: "p"}}
	for _, tc := range []struct {
		name string
		o    probes.HTTPOptions
		way  *probes.Way
		want string
		says string
	}{
		{"it is there", options(up.URL), nil, "target/status", "answered 200 OK, and it should have failed (upside_down)"},
		{"with its keyword", options(up.URL, keyword("Dash", "board")), nil, "content/keyword_present", `answered 200 OK with "Dash", and it should`},
		{"with its regex", options(up.URL, expecting(probes.Expect{Regex: []string{"^D"}})), nil, "content/keyword_present", `with what matches /^D/, and it should`},
		{"with its header", options(up.URL, expecting(probes.Expect{Headers: map[string]string{"Date": "."}})), nil, "target/status", "answered 200 OK, and"},
		{"another status", options(gone.URL), nil, "up", "fails, as it should (upside_down): target/gateway_error: "},
		{"another page", options(up.URL, keyword("Wiki")), nil, "up", `content/keyword_missing: "Wiki" is not in the answer`},
		{"nobody there", options("http://127.0.0.1:1/"), nil, "up", "network/connect: connection refused by 127.0.0.1:1"},
		{"a stranger is asked to sign in", options(denied.URL), nil, "up", "target/status: answered 401 Unauthorized"},
		{"too slow", options(up.URL, expecting(probes.Expect{MaxDuration: 1})), nil, "up", "content/too_slow: "},
		{"a sign-in page", options(login.URL), nil, "gateway/login_page", ""},
		{"another certificate", options(secure.URL), nil, "tls/certificate_untrusted", ""},
		{"no token", options(gone.URL), way(&keys{err: fault}), "idp/token_server_error", ""},
		{"the token is refused", options(denied.URL), way(stamp("old-token-000")), "gateway/token_rejected", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			upside(&tc.o)
			r := probe(t, tc.o, tc.way)
			want(t, r, tc.want)
			told := ""
			if r.Fault != nil {
				told = r.Fault.Message
			} else if r.Detail != nil {
				told = strings.Join(r.Detail.Notes, "\n")
			}
			if tc.says != "" && !strings.Contains(told, tc.says) {
				t.Errorf("says %q, want %q", told, tc.says)
			}
			if strings.Contains(tc.says, "network/") && r.Remote != "" {
				t.Errorf("%s is a witness that our line is well", r.Remote)
			}
		})
	}
	t.Run("authz", func(t *testing.T) {
		for srv, verdict := range map[*httptest.Server]string{gone: "up", up: "target/status"} {
			o := options(srv.URL, upside)
			p, err := probes.NewAuthz(monitor(o.URL), o, probes.AuthzOptions{Implementation: "auth-request", Resource: "https://r.example.test/"}, nil, probes.Common{RT: http.DefaultTransport})
			if err != nil {
				t.Fatal(err)
			}
			want(t, p.Probe(t.Context()), verdict)
		}
	})
}

// TestAuthzHeadersAndPace: headers and pace of a decision.
func TestAuthzHeadersAndPace(t *testing.T) {
	srv := serve(t, answer(200, "", "Remote-User", "probe"))
	for verdict, e := range map[string]probes.Expect{
		"up":               {Headers: map[string]string{"Remote-User": "^probe$"}, Keyword: []string{"nobody reads it"}},
		"content/header":   {Headers: map[string]string{"Remote-User": "^admin$"}},
		"content/too_slow": {MaxDuration: 1},
	} {
		o := options(srv.URL, expecting(e))
		p, err := probes.NewAuthz(monitor(o.URL), o, probes.AuthzOptions{Implementation: "auth-request", Resource: "https://r.example.test/"}, nil, probes.Common{RT: http.DefaultTransport})
		if err != nil {
			t.Fatal(err)
		}
		want(t, p.Probe(t.Context()), verdict)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
