package server

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// start serves on a loopback port until the test ends.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	s := newServer(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request of its own connection; edit may change it.
func ask(t *testing.T, s *Server, method, path string, edit func(*http.Request)) reply {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:"+port+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(req)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// problem reads a problem+json answer.
func (r reply) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatalf("not problem+json: %v: %s", err, r.body)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("type of a problem: got %q", got)
	}
	if p.Status != r.status || p.Title != http.StatusText(r.status) || p.Detail == "" {
		t.Errorf("status %d has problem %+v", r.status, p)
	}
	return p
}

func TestRoutes(t *testing.T) {
	s := start(t, sample().options())
	const page, text, jsn, prob = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json", "application/problem+json"
	for _, c := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "/", 200, page},
		{"HEAD", "/", 200, page},
		{"POST", "/", 405, prob},
		{"GET", "/?theme=dark", 200, page},
		{"GET", "/nothing", 404, prob},
		{"POST", "/nothing", 404, prob},
		{"GET", "/assets/style.css", 200, "text/css; charset=utf-8"},
		{"GET", "/assets/icon.svg", 200, "image/svg+xml"},
		{"GET", "/assets/overview.html", 404, prob},
		{"GET", "/assets/..%2f..%2fserver.go", 404, prob},
		{"GET", "/assets/", 404, prob},
		{"GET", "/metrics", 200, text},
		{"POST", "/metrics", 405, prob},
		{"GET", "/healthz", 200, text},
		{"HEAD", "/healthz", 200, text},
		{"GET", "/readyz", 200, text},
		{"GET", "/api/v1/monitors", 200, jsn},
		{"HEAD", "/api/v1/monitors", 200, jsn},
		{"DELETE", "/api/v1/monitors", 405, prob},
		{"OPTIONS", "/api/v1/monitors", 405, prob},
		{"GET", "/api/v1/monitors/wiki", 200, jsn},
		{"GET", "/api/v1/monitors/no-such", 404, prob},
		{"GET", "/api/v1/monitors/", 404, prob},
		{"GET", "/api/v1/monitors/wiki/", 404, prob},
		{"GET", "/api/v1/incidents", 200, jsn},
		{"GET", "/api/v1/incidents?state=open", 200, jsn},
		{"GET", "/api/v1/incidents?state=all", 200, jsn},
		{"GET", "/api/v1/incidents?state=closed", 400, prob},
		{"GET", "/api/v1/incidents?state=", 400, prob},
		{"POST", "/-/reload", 200, jsn},
		{"GET", "/-/reload", 405, prob},
		{"PUT", "/-/reload", 405, prob},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			r := ask(t, s, c.method, c.path, nil)
			if r.status != c.status || r.header.Get("Content-Type") != c.kind {
				t.Errorf("got %d %q, want %d %q", r.status, r.header.Get("Content-Type"), c.status, c.kind)
			}
			if c.kind == prob {
				r.problem(t)
			}
			if c.method == "HEAD" && r.body != "" {
				t.Errorf("HEAD has a body of %d bytes", len(r.body))
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Content-Security-Policy": contentPolicy} {
				if got := r.header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			want := "no-store"
			if strings.HasPrefix(c.path, "/assets/") && c.status == 200 {
				want = "no-cache"
			}
			if got := r.header.Get("Cache-Control"); got != want {
				t.Errorf("Cache-Control: got %q, want %q", got, want)
			}
		})
	}
}

func TestAllowNamesTheMethods(t *testing.T) {
	s := start(t, sample().options())
	for path, want := range map[string]string{"/api/v1/monitors": "GET, HEAD", "/-/reload": "POST"} {
		r := ask(t, s, "PATCH", path, nil)
		if got := r.header.Get("Allow"); got != want || r.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d, Allow %q, want %q", path, r.status, got, want)
		}
	}
}

func TestAssetsAreRevalidated(t *testing.T) {
	s := start(t, sample().options())
	tag := ask(t, s, "GET", "/assets/style.css", nil).header.Get("ETag")
	r := ask(t, s, "GET", "/assets/style.css", func(r *http.Request) { r.Header.Set("If-None-Match", tag) })
	if tag == "" || r.status != http.StatusNotModified {
		t.Errorf("tag %q: got %d, want 304", tag, r.status)
	}
}
