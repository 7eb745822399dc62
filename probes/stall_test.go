package probes_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stalls answers every request with text and says nothing more, nor ends.
func stalls(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, c) // until the probe hangs up
			c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestNoBodyIsWaitedFor: what the header decides waits for nothing more; the
// time is needed for the next hop, or the second chance.
func TestNoBodyIsWaitedFor(t *testing.T) {
	for want, text := range map[string]string{
		"gateway/token_rejected": "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nContent-Length: 99\r\n\r\n",
		"gateway/login_redirect": "HTTP/1.1 302 Found\r\nLocation: https://o.test/?rd=x\r\nContent-Length: 99\r\n\r\n",
		"target/status":          "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		r := build(t, options(stalls(t, text)), way(&keys{tokens: []string{"old-token-000"}})).Probe(ctx)
		cancel()
		if short(r) != want || r.Took > 10*time.Second {
			t.Errorf("%s after %s, want %s at once", short(r), r.Took, want)
		}
	}
}

// TestUnfollowableLocation: what is no page is not one to configure.
func TestUnfollowableLocation(t *testing.T) {
	for _, to := range []string{"mailto:a@b.test", "javascript:alert(1)", "http:/no-host"} {
		srv := serve(t, answer(302, "", "Location", to))
		r := probe(t, options(srv.URL), way(&keys{tokens: []string{"old-token-000"}}))
		if want(t, r, "target/redirected"); strings.Contains(r.Fault.Hint, "configure") {
			t.Errorf("%s: %s", to, r.Fault.Hint)
		}
	}
}

// TestScopeGrantedSince: a 403 for want of scope is a 403 to an old token.
func TestScopeGrantedSince(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer old-token-000" {
			answer(403, "", "Www-Authenticate", `Bearer error="insufficient_scope", scope="read"`)(w, r)
		}
	})
	want(t, probe(t, options(srv.URL), way(&keys{tokens: []string{"old-token-000", "new-token-000"}, replace: true})), "up")
	want(t, probe(t, options(srv.URL), way(&keys{tokens: []string{"old-token-000"}})), "credential/token_unusable")
	k := &keys{tokens: []string{"old-token-000", "new-token-000"}, replace: true}
	want(t, probe(t, options(srv.URL, status("403")), way(k)), "credential/token_unusable")
}

// TestPartsOfWhatWasSent: services repeat the key without the scheme, the
// cookie's value without its name, the path percent-encoded once more.
func TestPartsOfWhatWasSent(t *testing.T) {
	for _, tc := range []struct {
		header, value, echo string
	}{
		{"X-Auth", "ApiKey k-0123456789", "bad key k-0123456789"},
		{"Cookie", "theme=dark; session=c-0123456789", "unknown session c-0123456789"},
		{"Authorization", "Basic dXNlcjpwLTAxMjM0NTY3ODk=", "user has no password p-0123456789"},
	} {
		srv := serve(t, answer(500, tc.echo, "Content-Type", "text/plain"))
		want(t, probe(t, options(srv.URL, headers(tc.header, tc.value)), nil), "target/status", "0123456789")
	}
	srv := serve(t, answer(500, "no such key k-0123456789", "Content-Type", "text/plain"))
	want(t, probe(t, options("http://k-0123456789@"+srv.URL[len("http://"):]), nil), "target/status", "0123456789")
	srv = serve(t, answer(302, "", "Location", "https://o.test/%6fld-token-000/x"))
	want(t, probe(t, options(srv.URL), way(&keys{tokens: []string{"old-token-000"}})), "target/redirected", "ld-token-000")
}
