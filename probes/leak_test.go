package probes_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// TestNothingLeavesTheOrigin: what is ours goes to the monitor's origin only.
func TestNothingLeavesTheOrigin(t *testing.T) {
	var got http.Header
	var method, body string
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, method, body = r.Header.Clone(), r.Method, string(b)
		answer(200, "elsewhere")(w, r)
	})
	name := strings.Replace(other.URL, "127.0.0.1", "localhost", 1) // another host too
	for _, tc := range []struct {
		name   string
		to     string
		status int
		o      func(*probes.HTTPOptions)
		with   bool
		want   string
		method string
	}{
		{"another port, with a credential", other.URL, 302, nil, true, "target/redirected", ""},
		{"another host, with a credential", name, 307, nil, true, "target/redirected", ""},
		{"another port", other.URL, 302, nil, false, "up", "GET"},
		{"another host", name, 301, nil, false, "up", "GET"},
		{"a POST becomes a GET", other.URL, 303, post, false, "up", "GET"},
		{"a body would go along", other.URL, 307, post, false, "target/redirected", ""},
		{"a body would go along, permanently", other.URL, 308, post, false, "target/redirected", ""},
		{"HEAD stays HEAD", other.URL, 302, func(o *probes.HTTPOptions) { o.Method = "HEAD" }, false, "up", "HEAD"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, method, body = nil, "", ""
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "cookie-1"})
				http.Redirect(w, r, tc.to+"/?code=1", tc.status)
			})
			o := options(strings.Replace(srv.URL, "://", "://user:password-1@", 1), headers("X-Key", "key-1", "User-Agent", "agent-1"))
			if tc.o != nil {
				tc.o(&o)
			}
			var w *probes.Way
			if tc.with {
				w = way(&keys{tokens: []string{"old-token-000"}})
			}
			r := probe(t, o, w)
			want(t, r, tc.want, "old-token-000", "password-1", "key-1", "cookie-1", "code=1")
			if method != tc.method {
				t.Fatalf("the other origin was asked %q, want %q", method, tc.method)
			}
			if method == "" {
				if !strings.Contains(r.Fault.Hint, tc.to) {
					t.Errorf("the hint %q does not name the URL to configure", r.Fault.Hint)
				}
				return
			}
			for k, v := range got {
				if strings.Contains("Authorization Cookie X-Key Referer Content-Type Proxy-Authorization", k) || strings.Contains(v[0], "-1") {
					t.Errorf("the other origin got %s: %s", k, v)
				}
			}
			if body != "" {
				t.Errorf("the other origin got the body %q", body)
			}
		})
	}
}

func post(o *probes.HTTPOptions) { o.Method, o.Body = "POST", secret.Literal("body-1") }

// quiet starts a TLS server that does not log the handshakes that tests fail.
func quiet(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// TestSchemeDowngrade: https to plain http on the same host and port is another
// origin too.
func TestSchemeDowngrade(t *testing.T) {
	srv := quiet(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/plain", http.StatusFound)
	}))
	o := options(srv.URL, func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = true })
	r := probe(t, o, way(&keys{tokens: []string{"old-token-000"}}))
	want(t, r, "target/redirected")
	if r.Certs == nil || r.Certs.Fingerprint == "" || r.Certs.NotAfter.IsZero() {
		t.Errorf("chain %+v", r.Certs)
	}
	p := build(t, o, nil)
	if a, b := p.Probe(t.Context()).Certs, p.Probe(t.Context()).Certs; a == nil || a != b {
		t.Errorf("an unchanged chain is not the same one: %p %p", a, b)
	}
}

// TestClientCertificate: presented to the monitor's own origin, not to another
// that asks for it.
func TestClientCertificate(t *testing.T) {
	var presented []int
	h := func(to *string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			presented = append(presented, len(r.TLS.PeerCertificates))
			if *to != "" {
				http.Redirect(w, r, *to, http.StatusFound)
			}
		}
	}
	start := func(to string) *httptest.Server {
		s := httptest.NewUnstartedServer(h(&to))
		s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	other := start("")
	srv := start(other.URL)
	dir := t.TempDir()
	o := options(srv.URL, func(o *probes.HTTPOptions) {
		o.TLS.InsecureSkipVerify = true
		o.TLS.CertFile, o.TLS.KeyFile = writePair(t, dir, srv.TLS.Certificates[0])
	})
	want(t, probe(t, o, nil), "up")
	if fmt.Sprint(presented) != "[1 0]" {
		t.Errorf("certificates presented: %v, want [1 0]", presented)
	}
	p, err := probes.NewHTTP(monitor(o.URL), o, nil, probes.Common{RT: http.DefaultTransport})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Probe(t.Context()); r.Fault == nil { // the default transport trusts nobody here
		t.Error("passed")
	}
}

func writePair(t *testing.T, dir string, c tls.Certificate) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestRedirectsOnTheOrigin(t *testing.T) {
	var seen []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		c, _ := r.Cookie("a")
		seen = append(seen, fmt.Sprintf("%s %s %s auth=%t key=%t cookie=%t type=%q", r.Method, r.URL.Path, b,
			r.Header.Get("Authorization") == "Bearer old-token-000", r.Header.Get("X-Key") == "k", c != nil, r.Header.Get("Content-Type")))
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			http.Redirect(w, r, "/keep", http.StatusPermanentRedirect)
		case "/keep":
			http.Redirect(w, r, "drop#f", http.StatusSeeOther)
		case "/loop":
			http.Redirect(w, r, "/loop?again", http.StatusFound)
		}
	})
	k := &keys{tokens: []string{"old-token-000"}}
	r := probe(t, options(srv.URL, post, headers("X-Key", "k", "Content-Type", "text/x")), way(k))
	want(t, r, "up")
	got := strings.Join(seen, "\n")
	if got != "POST / body-1 auth=true key=true cookie=false type=\"text/x\"\n"+
		"POST /keep body-1 auth=true key=true cookie=true type=\"text/x\"\n"+
		"GET /drop  auth=true key=true cookie=true type=\"\"" {
		t.Errorf("saw\n%s", got)
	}
	if k.asked != 1 || k.said() != "1 taken" {
		t.Errorf("authorized %d times, told %q", k.asked, k.said())
	}
	if len(r.Detail.Tries) != 3 || r.Detail.Tries[0].Location != srv.URL+"/keep" || r.Detail.Tries[0].Note == "" {
		t.Errorf("tries %+v", r.Detail.Tries)
	}
	seen = nil
	want(t, probe(t, options(srv.URL+"/loop", func(o *probes.HTTPOptions) { o.MaxRedirects = 3 }), way(k)), "target/redirect_loop")
	if len(seen) != 4 {
		t.Errorf("%d requests with max_redirects 3, want 4", len(seen))
	}
}
