package probes_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/probes"
)

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
