package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// When all places are taken others hear of it at once, and health is answered.
func TestRequestsAreLimited(t *testing.T) {
	w := sample()
	begun, goOn := make(chan struct{}), make(chan struct{})
	w.metrics = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		<-goOn
		plain(rw, "late")
	})
	s := start(t, w.options())
	var all sync.WaitGroup
	for range mostRequests {
		all.Go(func() {
			if r := ask(t, s, "GET", "/metrics", nil); r.status != 200 {
				t.Errorf("a request that had a place: got %d", r.status)
			}
		})
		<-begun
	}
	r := ask(t, s, "GET", "/", nil)
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" || r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	r.problem(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if r := ask(t, s, "GET", path, nil); r.status != 200 {
			t.Errorf("%s: got %d", path, r.status)
		}
	}
	close(goOn)
	all.Wait()
	if r := ask(t, s, "GET", "/", nil); r.status != 200 {
		t.Errorf("afterwards: got %d", r.status)
	}
}

func TestLongRequestsAreRefused(t *testing.T) {
	w := sample()
	w.reload = func(context.Context) []string { t.Error("reloaded"); return nil }
	s := start(t, w.options())
	r := ask(t, s, "POST", "/-/reload", func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, maxBody+1))), maxBody+1
	})
	if r.status != http.StatusRequestEntityTooLarge || !strings.Contains(r.problem(t).Detail, "64 KiB") {
		t.Errorf("a long body: got %d %s", r.status, r.body)
	}
	if r := ask(t, s, "GET", "/", func(r *http.Request) { r.Header.Set("X-Long", strings.Repeat("x", 2*maxHeaderBytes)) }); r.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: got %d", r.status)
	}
	read := make(chan error, 1)
	h := s.limit(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		read <- err
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := &http.Server{Handler: h}
	go other.Serve(ln)
	defer other.Close()
	resp, err := http.Post("http://"+ln.Addr().String(), "", io.LimitReader(neverEnding{}, maxBody+1)) // chunked: nobody says how long it is
	if err == nil {
		resp.Body.Close()
	}
	if err := <-read; err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a handler reads a long body: %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

type neverEnding struct{}

func (neverEnding) Read(b []byte) (int, error) { return len(b), nil }

// Connections that say nothing, or begin and do not go on, make room for those
// that ask.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	o := sample().options()
	o.MostConns = 8
	s := start(t, o)
	var idle []net.Conn
	for i := range 40 {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow")
		}
		idle = append(idle, c)
	}
	for range 20 {
		if r := ask(t, s, "GET", "/", nil); r.status != 200 {
			t.Fatalf("got %d", r.status)
		}
	}
	if err := idle[0].SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := idle[0].Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the oldest silent connection is still open: %v", err)
	}
	s.conns.mu.Lock()
	defer s.conns.mu.Unlock()
	if n := len(s.conns.open); n > 8 {
		t.Errorf("%d connections are open, want at most 8", n)
	}
}

// Those that are kept for a next request make room after those that never
// asked, and those that are at work do not.
func TestWhoMakesRoom(t *testing.T) {
	c := newConns(3)
	pipe := func() net.Conn {
		a, b := net.Pipe()
		t.Cleanup(func() { a.Close(); b.Close() })
		return a
	}
	kept, silent, working := pipe(), pipe(), pipe()
	for _, conn := range []net.Conn{kept, silent, working} {
		c.track(conn, http.StateNew)
	}
	c.track(kept, http.StateActive)
	c.track(kept, http.StateIdle)
	c.track(working, http.StateActive)
	for i, want := range []net.Conn{silent, kept} {
		next := pipe()
		c.track(next, http.StateNew)
		c.track(next, http.StateActive)
		if _, open := c.open[want]; open {
			t.Errorf("%d: another made room", i)
		}
	}
	last := pipe()
	c.track(last, http.StateNew)
	if _, open := c.open[last]; open || len(c.open) != 3 {
		t.Errorf("all are at work, and %d are open", len(c.open))
	}
	if _, err := last.Write([]byte("x")); err == nil {
		t.Error("the one too many is not closed")
	}
	c.track(working, http.StateClosed)
	if len(c.open) != 2 {
		t.Errorf("%d are open after one closed", len(c.open))
	}
}
