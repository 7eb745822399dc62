package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
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

// Who sends the head of a request and not its body keeps nobody out.
func TestUnsentBodiesKeepNobodyOut(t *testing.T) {
	s := start(t, sample().options())
	var crowd []net.Conn
	for i := range mostConns + 88 {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\nabc", []string{"POST /-/reload", "GET /", "GET /healthz"}[i%3])
		crowd = append(crowd, c)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for _, c := range crowd {
			_, _ = io.Copy(io.Discard, c)
		}
	}()
	began := time.Now()
	for all := false; !all; {
		select {
		case <-gone:
			all = true
		default:
		}
		for _, path := range []string{"/healthz", "/readyz", "/"} {
			asked := time.Now()
			if r := ask(t, s, "GET", path, nil); r.status != 200 || time.Since(asked) > bodyTime {
				t.Fatalf("%s: got %d after %v", path, r.status, time.Since(asked))
			}
		}
	}
	if took := time.Since(began); took > requestTime/2 {
		t.Errorf("the last of them was there for %v", took)
	}
}

// A body that comes is waited for, and one that does not for a short time; the
// answer comes before.
func TestAnUnsentBodyIsNotWaitedFor(t *testing.T) {
	s := start(t, sample().options())
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
	if err := c.SetReadDeadline(began.Add(requestTime / 2)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || !resp.Close || time.Since(began) > bodyTime {
		t.Errorf("got %d after %v, %v, close %v", resp.StatusCode, time.Since(began), err, resp.Close)
	}
	if _, err := r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open: %v", err)
	}
	if r := ask(t, s, "POST", "/-/reload", func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, maxBody))), maxBody
	}); r.status != 200 {
		t.Errorf("with a body that comes: got %d %s", r.status, r.body)
	}
}

// Those that send a body make room first, then those that never asked, those
// that are kept for a next request, and the others; who asks how the agent is
// stays.
func TestWhoMakesRoom(t *testing.T) {
	c := newConns(5)
	pipe := func() net.Conn {
		a, b := net.Pipe()
		t.Cleanup(func() { a.Close(); b.Close() })
		return a
	}
	note := func(conn net.Conn, does doing) { c.note(inContext(t.Context(), conn), does) }
	health, working, body, idle, mute := pipe(), pipe(), pipe(), pipe(), pipe()
	for _, conn := range []net.Conn{health, working, body, idle, mute} {
		c.track(conn, http.StateNew)
		if conn != mute {
			c.track(conn, http.StateActive)
		}
	}
	c.track(idle, http.StateIdle)
	note(health, asksHealth)
	note(body, sending)
	for i, want := range []net.Conn{body, mute, idle, working} {
		next := pipe()
		c.track(next, http.StateNew)
		c.track(next, http.StateActive)
		note(next, asksHealth)
		if _, open := c.open[want]; open || len(c.open) != 5 {
			t.Errorf("%d: another made room; %d are open", i, len(c.open))
		}
	}
	last := pipe()
	c.track(last, http.StateNew)
	if _, open := c.open[last]; open || len(c.open) != 5 {
		t.Errorf("all ask how the agent is, and %d are open", len(c.open))
	}
	if _, err := last.Write([]byte("x")); err == nil {
		t.Error("the one too many is not closed")
	}
	c.track(health, http.StateClosed)
	if len(c.open) != 4 {
		t.Errorf("%d are open after one closed", len(c.open))
	}
}
