package agent

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/probes"
)

// What the system said stays to be asked for, and out of the message.
func TestNotListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	for errno, want := range map[syscall.Errno]string{
		syscall.EADDRINUSE: "another program has port ", syscall.EACCES: "may not listen on port ", syscall.EADDRNOTAVAIL: "this machine has no such address",
	} {
		got := notListening(t.Context(), &config.Config{Server: config.Server{Listen: at}}, &net.OpError{Op: "listen", Err: errno})
		if !errors.Is(got, errno) || !strings.HasPrefix(got.Error(), "server.listen "+at+": ") || !strings.Contains(got.Error(), want) || strings.Contains(got.Error(), errno.Error()) {
			t.Errorf("%v: got %q", errno, got)
		}
	}
	other := errors.New("another trouble")
	if got := notListening(t.Context(), &config.Config{}, other); got != other { //nolint:errorlint // it is to be the same
		t.Errorf("got %v", got)
	}
}

// Another watchword is known by its answer, over http and https.
func TestWhoHasThePort(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Log in")) })
	for name, tt := range map[string]struct {
		serve func(http.Handler) *httptest.Server
		h     http.Handler
		want  bool
	}{
		"ours":          {httptest.NewServer, ok, true},
		"ours by https": {httptest.NewTLSServer, ok, true},
		"another":       {httptest.NewServer, http.NotFoundHandler(), false},
		"a page":        {httptest.NewServer, page, false},
	} {
		s := tt.serve(tt.h)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		if got := AskAt(t.Context(), s.Listener.Addr().String()) == nil; got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
		s.Close()
	}
}

func TestNamesOf(t *testing.T) {
	at := func(url string, more ...string) config.Monitor {
		o := probes.HTTPOptions{URL: url}
		if len(more) > 0 {
			o.Resolve = map[string]string{more[0]: "192.0.2.1"}
		}
		return config.Monitor{Enabled: true, HTTP: o}
	}
	off := at("http://off.test/")
	off.Enabled = false
	cfg := &config.Config{
		Credentials: map[string]auth.Options{"a": {TokenURL: "https://auth.test/token"}, "b": {}},
		Monitors:    []config.Monitor{at("http://127.0.0.1/"), at("http://[::1]:80/"), at("http://localhost/"), at("https://fixed.test/", "fixed.test"), off, at("https://App.test:8443/"), at("https://app.test/x"), at("https://b.test/"), at("https://c.test/")},
	}
	if got, want := namesOf(cfg), []string{"auth.test", "app.test", "b.test"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
