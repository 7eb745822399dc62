package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

func TestShutdownDoesNotWait(t *testing.T) {
	w := sample()
	waiting := make(chan struct{})
	w.reload = func(ctx context.Context) []string {
		close(waiting)
		<-ctx.Done()
		return []string{"the agent is ending"}
	}
	s := newServer(t, w.options())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 5 { // a connection that stays open, idle
		resp, err := client.Get("http://" + s.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	silent, err := net.Dial("tcp", s.Addr().String()) // one that never asks
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	answered := make(chan int, 1)
	go func() { // one whose request is under way
		resp, err := client.Post("http://"+s.Addr().String()+"/-/reload", "", nil)
		if err != nil {
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-waiting
	begin := time.Now()
	cancel()
	if got := <-answered; got != http.StatusUnprocessableEntity {
		t.Errorf("the request under way: got %d", got)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the request under way took %v to end", took)
	}
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the shutdown took %v", took)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	taken := newServer(t, sample().options())
	for name, c := range map[string]struct {
		edit func(*Options)
		want []string
	}{
		"taken":    {func(o *Options) { o.Listen = taken.Addr().String() }, []string{taken.Addr().String(), "address already in use"}},
		"not ours": {func(o *Options) { o.Listen = "192.0.2.1:9640" }, []string{"192.0.2.1:9640"}},
		"no port":  {func(o *Options) { o.Listen = "127.0.0.1" }, []string{`server.listen "127.0.0.1"`, "missing port"}},
		"no URL":   {func(o *Options) { o.ExternalURL = "watch.example.com" }, []string{"server.external_url", "not an http or https URL"}},
	} {
		o := sample().options()
		c.edit(&o)
		s, err := New(o)
		if err == nil {
			s.Close()
			t.Errorf("%s: got no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want it to name %q", name, err, want)
			}
		}
	}
}

// The address in the log is one to click on.
func TestURLIsReachable(t *testing.T) {
	for listen, want := range map[string]string{"127.0.0.1:0": "http://127.0.0.1:", "0.0.0.0:0": "http://127.0.0.1:", ":0": "http://127.0.0.1:", "localhost:0": "http://localhost:"} {
		o := sample().options()
		o.Listen = listen
		s := newServer(t, o)
		if got := s.URL(); !strings.HasPrefix(got, want) || strings.HasSuffix(got, ":0/") {
			t.Errorf("%s: got %s, want %s and the port", listen, got, want)
		}
	}
}

// The board as it is, changed while it is read.
func TestReadsWhileTheBoardChanges(t *testing.T) {
	b := board.New(nil)
	ms := []*check.Monitor{{ID: "a", Name: "A", Type: "http"}, {ID: "b", Name: "B", Type: "http"}}
	b.Set(ms)
	o := sample().options()
	o.Each, o.Get = b.Each, b.Get
	s := start(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			b.Record(check.Result{Monitor: ms[i%2], Start: time.Now()}, check.MonitorState{State: check.Up, Since: time.Now()})
			b.Set(ms[:1+i%2])
		}
	}()
	for range 20 {
		for _, path := range []string{"/", "/api/v1/monitors", "/api/v1/monitors/a"} {
			if r := ask(t, s, "GET", path, nil); r.status != http.StatusOK {
				t.Errorf("%s: got %d", path, r.status)
			}
		}
	}
	cancel()
	<-done
}
