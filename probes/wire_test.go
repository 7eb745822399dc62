package probes_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/watchword/watchword/internal/check"
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

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func deflated(s string, raw bool) string {
	var b bytes.Buffer
	var w io.WriteCloser = zlib.NewWriter(&b)
	if raw {
		w, _ = flate.NewWriter(&b, 6)
	}
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestEncodings(t *testing.T) {
	page := strings.Repeat("a page that is long enough. ", 500) + "Dashboard"
	bomb := gzipped(strings.Repeat("\x00", 8<<20))
	for _, tc := range []struct{ name, encoding, body, want string }{
		{"none", "", page, "up"},
		{"identity", "identity", page, "up"},
		{"gzip", "gzip", gzipped(page), "up"},
		{"x-gzip in capitals", "X-GZIP", gzipped(page), "up"},
		{"deflate, zlib", "deflate", deflated(page, false), "up"},
		{"deflate, raw", "deflate", deflated(page, true), "up"},
		{"two", "deflate, gzip", gzipped(deflated(page, true)), "up"},
		{"unknown", "br", page, "target/protocol"},
		{"not what it says", "gzip", page, "target/protocol"},
		{"cut short", "gzip", gzipped(page)[:60], "target/protocol"},
		{"wrong checksum", "gzip", gzipped(page)[:len(gzipped(page))-1] + "x", "target/protocol"},
		{"nothing at all", "gzip", "", "content/keyword_missing"},
		{"bomb", "gzip", bomb, "target/body_too_large"},
		{"bomb in a bomb", "gzip, gzip", gzipped(bomb), "target/body_too_large"},
		{"a bomb that unpacks to nothing", "gzip, gzip", gzipped(strings.Repeat(gzipped(""), 1<<16)), "target/protocol"},
		{"too many", "gzip, gzip, gzip, gzip, gzip", "x", "target/protocol"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, answer(200, tc.body, "Content-Encoding", tc.encoding, "Content-Type", "text/plain"))
			o := options(srv.URL, keyword("Dashboard"))
			for range 2 { // the second run reuses the buffers
				want(t, probe(t, o, nil), tc.want)
			}
		})
	}
}

func TestCharsets(t *testing.T) {
	utf16le, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("Verfügbar")
	sjis, _ := japanese.ShiftJIS.NewEncoder().String("<html>稼働中")
	jis, _ := japanese.ISO2022JP.NewEncoder().String("稼働中")
	latin, _ := charmap.ISO8859_1.NewEncoder().String("Verfügbar")
	cyrillic, _ := charmap.Windows1251.NewEncoder().String("Доступно")
	for _, tc := range []struct{ name, contentType, body, keyword string }{
		{"utf-8, said", "text/html; charset=utf-8", "Verfügbar", "Verfügbar"},
		{"utf-8, not said", "text/html", "Verfügbar", "Verfügbar"},
		{"utf-8 with a mark", "text/html; charset=iso-8859-1", "\xef\xbb\xbfVerfügbar", "Verfügbar"},
		{"utf-8 JSON", "application/json", `"Verfügbar"`, "Verfügbar"},
		{"utf-8 beside a broken byte", "text/html; charset=utf-8", "Verfügbar \xff", "Verfügbar"},
		{"latin-1 by header", "text/html; charset=ISO-8859-1", latin, "Verfügbar"},
		{"latin-1 by a quoted header", `text/plain; charset="iso-8859-1"`, latin, "Verfügbar"},
		{"latin-1 by a broken header", `text/html; charset=iso-8859-1; x`, latin, "Verfügbar"},
		{"latin-1 by meta", "text/html", `<html><meta charset="iso-8859-1">` + latin, "Verfügbar"},
		{"latin-1 by old meta", "text/html", `<html><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">` + latin, "Verfügbar"},
		{"latin-1 by XML", "application/xml", `<?xml version="1.0" encoding='ISO-8859-1'?>` + latin, "Verfügbar"},
		{"latin-1, nothing said", "text/plain", latin, "Verfügbar"},
		{"latin-1, no type at all", "", "<html>" + latin, "Verfügbar"},
		{"windows-1252 quotes", "text/html; charset=windows-1252", "\x93Dashboard\x94", "“Dashboard”"},
		{"windows-1251", "text/html; charset=windows-1251", cyrillic, "Доступно"},
		{"the header goes before meta", "text/html; charset=utf-8", `<meta charset="iso-8859-1">Verfügbar`, "Verfügbar"},
		{"a script's charset is not the page's", "text/html", `<html><script charset="x"></script>` + strings.Repeat(" ", 2000) + "Verfügbar", "Verfügbar"},
		{"Shift_JIS", "text/html; charset=Shift_JIS", sjis, "稼働中"},
		{"Shift_JIS by meta", "text/html", `<meta charset=shift_jis>` + sjis, "稼働中"},
		{"ISO-2022-JP", "text/plain; charset=iso-2022-jp", jis, "稼働中"},
		{"UTF-16 by mark", "text/plain", utf16le, "Verfügbar"},
		{"UTF-16 by header", "text/plain; charset=utf-16le", utf16le[2:], "Verfügbar"},
		{"unknown charset", "text/plain; charset=nope", "Verfügbar", "Verfügbar"},
		{"XML that says UTF-16 and is not", "text/xml", `<?xml version="1.0" encoding="UTF-16"?>Verfügbar`, "Verfügbar"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil
				if tc.contentType != "" {
					w.Header().Set("Content-Type", tc.contentType)
				}
				_, _ = w.Write([]byte(tc.body))
			})
			want(t, probe(t, options(srv.URL, keyword(tc.keyword)), nil), "up")
		})
	}
}

func TestMaxBody(t *testing.T) {
	body := "Dashboard" + strings.Repeat(".", 91) // 100 bytes
	for _, tc := range []struct {
		name  string
		limit int64
		o     func(*probes.HTTPOptions)
		want  string
	}{
		{"exactly as long", 100, keyword("nope"), "content/keyword_missing"},
		{"one byte more", 99, keyword("nope"), "target/body_too_large"},
		{"keyword found already", 50, keyword("Dashboard"), "up"},
		{"keyword cut", 8, keyword("Dashboard"), "target/body_too_large"},
		{"absent undecided", 50, absent("Error"), "target/body_too_large"},
		{"absent found already", 50, absent("Dash"), "content/keyword_present"},
		{"absent decided", 100, absent("Error"), "up"},
		{"nothing expected of it", 1, func(*probes.HTTPOptions) {}, "up"},
		{"status decides", 1, status("404"), "target/status"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, h := range []http.HandlerFunc{answer(200, body), answer(200, gzipped(body), "Content-Encoding", "gzip")} {
				o := options(serve(t, h).URL, tc.o)
				o.MaxBody = tc.limit
				want(t, probe(t, o, nil), tc.want)
			}
		})
	}
}

// raw serves one connection by hand.
func raw(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talk(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func asked(c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)) }

func TestNetwork(t *testing.T) {
	closed := raw(t, func(net.Conn) {})
	reset := func(after string) string {
		return raw(t, func(c net.Conn) {
			asked(c)
			fmt.Fprint(c, after)
			_ = c.(*net.TCPConn).SetLinger(0)
		})
	}
	for _, tc := range []struct {
		name, url, want string
		cause           func(url string) check.Cause
	}{
		{"nobody listens", "http://127.0.0.1:1/", "network/connect", func(string) check.Cause { return check.Cause{Kind: "address", Key: "127.0.0.1:1"} }},
		{"no such name", "http://nothing.invalid:81/", "network/dns", func(string) check.Cause { return check.Cause{Kind: "address", Key: "nothing.invalid:81"} }},
		{"closed at once", closed, "network/reset", address},
		{"reset before the answer", reset(""), "network/reset", address},
		{"cut in the header", raw(t, func(c net.Conn) { asked(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\nA: b\r\n") }), "network/reset", address},
		{"cut in the body", raw(t, func(c net.Conn) { asked(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf") }), "network/reset", address},
		{"cut in the body of a 502", raw(t, func(c net.Conn) { asked(c); fmt.Fprint(c, "HTTP/1.1 502 No\r\nContent-Length: 99\r\n\r\nhalf") }), "target/gateway_error", address},
		{"not HTTP", raw(t, func(c net.Conn) { asked(c); fmt.Fprint(c, "SSH-2.0-x\r\n\r\n") }), "target/protocol", func(string) check.Cause { return check.Cause{Kind: "monitor", Key: "m"} }},
		{"plain http where https is asked", strings.Replace(serve(t, answer(200, "")).URL, "http:", "https:", 1), "tls/handshake", address},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := probe(t, options(tc.url), nil)
			want(t, r, tc.want)
			if r.Fault == nil || r.Fault.Cause != tc.cause(tc.url) {
				t.Errorf("got %+v, want the cause %+v", r.Fault, tc.cause(tc.url))
			}
			if len(r.Detail.Tries) != 1 || r.Remote == "" {
				t.Errorf("remote %q, tries %+v", r.Remote, r.Detail.Tries)
			}
		})
	}
}

func address(url string) check.Cause {
	_, hostport, _ := strings.Cut(url, "://")
	return check.Cause{Kind: check.CauseAddress, Key: hostport}
}

func TestDeadline(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	wait := func(r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}
	for _, tc := range []struct{ name, url, says string }{
		{"no answer", serve(t, func(_ http.ResponseWriter, r *http.Request) { wait(r) }).URL, "but no answer within 200 ms"},
		{"slow header", raw(t, func(c net.Conn) { asked(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\n"); asked(c) }), "did not end within 200 ms"},
		{"slow body", serve(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			wait(r)
		}).URL, "an answer began, but did not end within 200 ms"},
		{"slow handshake", strings.Replace(raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "http:", "https:", 1), "the TLS handshake was not done within 200 ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			r := build(t, options(tc.url, keyword("half")), nil).Probe(ctx)
			want(t, r, "network/timeout")
			if r.Fault == nil || !strings.Contains(r.Fault.Message, tc.says) || r.Fault.Cause != address(tc.url) {
				t.Errorf("got %+v, want it to say %q", r.Fault, tc.says)
			}
			if r.Took < 190*time.Millisecond || r.Took > 5*time.Second {
				t.Errorf("took %v", r.Took)
			}
			sumsUp(t, r)
		})
	}
}

// sumsUp holds the phases to the time that the run took.
func sumsUp(t *testing.T, r check.Result) {
	t.Helper()
	var sum time.Duration
	for i, d := range r.Phases.Values() {
		if d < 0 {
			t.Errorf("%s took %v", check.PhaseNames()[i], d)
		}
		sum += d
	}
	if sum > r.Took+time.Millisecond || sum < r.Took*8/10-5*time.Millisecond {
		t.Errorf("the phases sum to %v of %v: %+v", sum, r.Took, r.Phases)
	}
}

func TestPhases(t *testing.T) {
	srv := quiet(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/x", http.StatusFound)
		}
	}))
	insecure := func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = true }
	r := probe(t, options(strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), insecure), way(&keys{tokens: []string{"t"}}))
	want(t, r, "up")
	sumsUp(t, r)
	if p := r.Phases; p.Connect == 0 || p.TLS == 0 || p.Processing == 0 || p.Token == 0 || p.Resolve == 0 {
		t.Errorf("phases %+v", p)
	}
	reuse := build(t, options(srv.URL+"/x", insecure, func(o *probes.HTTPOptions) { o.Connection = "reuse" }), nil)
	want(t, reuse.Probe(t.Context()), "up")
	r = reuse.Probe(t.Context())
	want(t, r, "up")
	if p := r.Phases; p.Connect != 0 || p.TLS != 0 || p.Resolve != 0 || r.Remote == "" {
		t.Errorf("on a kept connection: %+v to %q", p, r.Remote)
	}
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := serve(t, func(http.ResponseWriter, *http.Request) { cancel() })
	_ = build(t, options(srv.URL), nil).Probe(ctx) // either way it ends, with one result
	want(t, build(t, options(srv.URL), nil).Probe(ctx), "agent/internal")
}

func TestExplain(t *testing.T) {
	srv := serve(t, answer(200, ""))
	w := way(&keys{tokens: []string{"t"}})
	w.Token = func() *check.TokenInfo { return &check.TokenInfo{Credential: "key", Fetched: true} }
	r := build(t, options(srv.URL), w).Explain(t.Context())
	if r.Fault != nil || r.Detail == nil || len(r.Detail.Tries) != 1 || r.Detail.Token == nil || r.Detail.Tries[0].Status != 200 || r.Detail.Tries[0].Took <= 0 {
		t.Errorf("got %+v", r)
	}
}

// TestEcho: an application that echoes what it was sent gives nothing away.
func TestEcho(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Www-Authenticate", `Bearer error="invalid_token", error_description="`+r.Header.Get("Authorization")+`"`)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%v %s", r.Header, r.URL)
	})
	o := options(srv.URL+"/?key=query-secret-1", headers("X-Api-Key", "header-secret-1"))
	secrets := []string{"old-token-000", "query-secret-1", "header-secret-1"}
	want(t, probe(t, o, way(&keys{tokens: secrets})), "gateway/token_rejected", secrets...)
	want(t, probe(t, o, nil), "target/status", secrets...)
}
