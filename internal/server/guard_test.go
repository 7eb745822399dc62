package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestHostIsCheckedOnLoopback(t *testing.T) {
	s := start(t, sample().options())
	for host, want := range map[string]int{
		"localhost": 200, "localhost:9640": 200, "LOCALHOST": 200, "127.0.0.1": 200, "127.0.0.1:1": 200, "127.8.9.1:80": 200, "[::1]": 200, "[::1]:9640": 200,
		"watch.example.com": 200, "Watch.Example.com:8443": 200,
		"evil.example.com": 421, "evil.example.com:9640": 421, "localhost.evil.example.com": 421, "127.0.0.1.nip.io": 421, "128.0.0.1": 421, "192.168.1.1:9640": 421,
		"[::2]": 421, "0.0.0.0:9640": 421, "watch.example.com.evil.example": 421, "[::ffff:127.0.0.1]": 200, "2130706433": 421,
	} {
		r := ask(t, s, "GET", "/api/v1/monitors", func(r *http.Request) { r.Host = host })
		if r.status != want {
			t.Errorf("Host %q: got %d, want %d", host, r.status, want)
		}
		if want == http.StatusMisdirectedRequest {
			r.problem(t)
		}
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if r := ask(t, s, "GET", path, func(r *http.Request) { r.Host = "any.example.com" }); r.status != http.StatusOK {
			t.Errorf("%s under any Host: got %d, want 200", path, r.status)
		}
	}
	if r := ask(t, s, "POST", "/-/reload", func(r *http.Request) { r.Host = "evil.example.com" }); r.status != http.StatusMisdirectedRequest {
		t.Errorf("a write under a foreign Host: got %d, want 421", r.status)
	}
}

func TestWritesAreSameOrigin(t *testing.T) {
	calls := 0
	w := sample()
	w.reload = func(context.Context) []string { calls++; return nil }
	s := start(t, w.options())
	want := 0
	for _, c := range []struct {
		name, header, value string
		status              int
	}{
		{"a program", "", "", 200},
		{"our page", "Sec-Fetch-Site", "same-origin", 200},
		{"typed by hand", "Sec-Fetch-Site", "none", 200},
		{"a foreign page", "Sec-Fetch-Site", "cross-site", 403},
		{"a page of another port", "Sec-Fetch-Site", "same-site", 403},
		{"an old browser, foreign", "Origin", "https://evil.example.com", 403},
		{"an old browser, no origin", "Origin", "null", 403},
		{"an old browser through the proxy", "Origin", "https://watch.example.com", 200},
		{"an old browser, other scheme", "Origin", "http://watch.example.com", 403},
	} {
		r := ask(t, s, "POST", "/-/reload", func(r *http.Request) {
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
		})
		if r.status != c.status {
			t.Errorf("%s: got %d, want %d", c.name, r.status, c.status)
		}
		if c.status == http.StatusOK {
			want++
		} else {
			r.problem(t)
		}
	}
	if calls != want {
		t.Errorf("reloaded %d times, want %d", calls, want)
	}
	if r := ask(t, s, "GET", "/", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); r.status != http.StatusOK {
		t.Errorf("reading after a link from elsewhere: got %d, want 200", r.status)
	}
}

// Browsers spell an origin in lower case and without the usual port.
func TestExternalURLMayBeSpeltFreely(t *testing.T) {
	for _, external := range []string{"https://Watch.Example.com/", "https://watch.example.com:443/", "HTTPS://watch.example.com/sub/"} {
		o := sample().options()
		o.ExternalURL = external
		r := ask(t, start(t, o), "POST", "/-/reload", func(r *http.Request) { r.Header.Set("Origin", "https://watch.example.com") })
		if r.status != http.StatusOK {
			t.Errorf("%s: got %d, want 200", external, r.status)
		}
	}
}

func TestWritesOffLoopbackAreRefused(t *testing.T) {
	w := sample()
	w.reload = func(context.Context) []string { t.Error("reloaded"); return nil }
	o := w.options()
	o.Listen = "0.0.0.0:0"
	s := start(t, o)
	if s.loopback {
		t.Fatal("0.0.0.0 is taken for loopback")
	}
	r := ask(t, s, "POST", "/-/reload", nil)
	if p := r.problem(t); r.status != http.StatusForbidden || !strings.Contains(p.Detail, "server.listen") || !strings.Contains(p.Detail, "SIGHUP") {
		t.Errorf("got %d %q", r.status, p.Detail)
	}
	if r := ask(t, s, "GET", "/", func(r *http.Request) { r.Host = "any.example.com" }); r.status != http.StatusOK {
		t.Errorf("reading under any Host: got %d, want 200", r.status)
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	w := sample()
	w.metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("token=abc") })
	s := start(t, w.options())
	if r := ask(t, s, "GET", "/metrics", nil); r.status != 500 || strings.Contains(r.body, "abc") {
		t.Errorf("got %d %s", r.status, r.body)
	} else {
		r.problem(t)
	}
	w2 := sample()
	w2.metrics = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "100")
		plain(rw, "half")
		panic("late")
	})
	s = start(t, w2.options())
	resp, err := http.Get("http://" + s.Addr().String() + "/metrics")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer passed for a whole one")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestLogsHoldNoQuery(t *testing.T) {
	var log bytes.Buffer
	o := sample().options()
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := newServer(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ask(t, s, "GET", "/api/v1/monitors?token=hunter2", nil)
	cancel()
	<-done
	if got := log.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "path=/api/v1/monitors status=200") {
		t.Errorf("got log %s", got)
	}
}
