package probes_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/probes"
)

// TestGuardBypass: what leads past the gate. Nothing of ours goes there.
func TestGuardBypass(t *testing.T) {
	gate := serve(t, answer(401, ""))
	var v visits
	past := serve(t, v.then(answer(200, "Dashboard")))
	gone := httptest.NewServer(answer(200, ""))
	gone.Close()
	tls := quiet(t, answer(200, "Dashboard"))
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
	})
	for _, tc := range []struct {
		name string
		urls []string
		want string
	}{
		{"open for one request", []string{once(t, "Dashboard")}, "network/connect"},
		{"open", []string{past.URL + "/x?key=sesame-1"}, "exposed/bypass_open"},
		{"open, with a certificate of nobody", []string{tls.URL}, "exposed/bypass_open"},
		{"one of several", []string{gone.URL, past.URL}, "exposed/bypass_open"},
		{"unreachable", []string{gone.URL, "http://nothing.invalid/", cut.URL}, "up"},
		{"TLS that is none", []string{strings.Replace(past.URL, "http", "https", 1)}, "up"},
		{"shut", []string{serve(t, answer(403, "")).URL}, "up"},
		{"failing", []string{serve(t, answer(503, "")).URL}, "target/gateway_error"},
		{"silent", []string{silent.URL}, "network/timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			r := buildGuard(t, options(gate.URL, headers("X-Key", "key-1")), guardOptions(bypass(tc.urls...))).Probe(ctx)
			want(t, r, tc.want, "sesame-1", "Dashboard")
			if r.Fault != nil && !strings.Contains(r.Fault.Message, " "+r.Remote) && !strings.Contains(r.Fault.Message, "http") {
				t.Errorf("message %q, remote %q", r.Fault.Message, r.Remote)
			}
			for _, got := range v.take() {
				if got.Header.Get("X-Key") != "" || got.Header.Get("Authorization") != "" {
					t.Errorf("sent past the gate: %v", got.Header)
				}
			}
		})
	}
}

// once answers one request and is gone: a port that takes few.
func once(t *testing.T, body string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		l.Close()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

// TestGuardPlain: a gate that only asks over https is open over http.
func TestGuardPlain(t *testing.T) {
	for _, tc := range []struct {
		name  string
		plain http.HandlerFunc // nil: nobody listens
		try   string
		want  string
	}{
		{"nobody listens", nil, "anonymous", "up"},
		{"redirects to https", answer(301, "", "Location", "https://app.example.test/"), "anonymous", "up"},
		{"another server's 404", answer(404, ""), "anonymous", "up"},
		{"TLS only", answer(400, "The plain HTTP request was sent to HTTPS port"), "anonymous", "up"},
		{"fails", answer(503, ""), "anonymous", "target/gateway_error"},
		{"open", answer(200, ""), "anonymous", "exposed/anonymous_access"},
		{"not asked", answer(200, ""), "garbage", "up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rt := roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.URL.Scheme == "https" {
					return inProcess(answer(401, "")).RoundTrip(r)
				}
				if tc.plain == nil {
					return nil, io.ErrUnexpectedEOF
				}
				return inProcess(tc.plain).RoundTrip(r)
			})
			r := guardOver(t, options("https://app.example.test/"), guardOptions(try(tc.try)), probes.Common{RT: rt}).Probe(t.Context())
			want(t, r, tc.want)
			if tc.want[:2] == "ex" && !strings.Contains(r.Fault.Message, "http://app.example.test/ is open over plain http") {
				t.Errorf("message %q", r.Fault.Message)
			}
		})
	}
}

// TestGuardPlainPort: what answers plain http on a port for TLS lets nobody in.
func TestGuardPlainPort(t *testing.T) {
	srv := quiet(t, answer(401, ""))
	o := options(srv.URL, func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = true })
	r := buildGuard(t, o, guardOptions(try("anonymous"))).Explain(t.Context())
	want(t, r, "up")
	if n := len(r.Detail.Tries); n != 10 || r.Detail.Tries[9].Status != 400 || r.Certs == nil {
		t.Errorf("%d tries, certificates %v: %+v", n, r.Certs, r.Detail)
	}
}

// TestGuardWaitsShortly for what nobody has to answer: a firewall that drops
// packets past the gate is what there should be.
func TestGuardWaitsShortly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dropped := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		g := guardOptions(bypass("http://10.0.0.5/", "http://10.0.0.6/"))
		r := guardOver(t, options("http://app.example.test/"), g, probes.Common{RT: inProcess(answer(401, "")), Foreign: dropped}).Probe(ctx)
		want(t, r, "up")
		if r.Took != 3*time.Second {
			t.Errorf("took %s, want 3s", r.Took)
		}
	})
}
