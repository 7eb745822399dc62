package server

import (
	"log/slog"
	"os"
	"syscall"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

// Files that could not be read are tried again although they did not change.
func TestACertificateThatCouldNotBeReadIsTriedAgain(t *testing.T) {
	a := newAuthority(t)
	files := a.issue("one", lab.CertOptions{})
	p, err := newPair(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first := p.shown(t)
	a.issue("one", lab.CertOptions{})
	limited(t, p.refresh)
	if got := p.shown(t); got != first {
		t.Fatal("files were opened beyond the limit")
	}
	p.refresh()
	if got := p.shown(t); got == first {
		t.Error("the old certificate is shown")
	}
}

// limited calls f while no file can be opened.
func limited(t *testing.T, f func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	f()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
}

// A disk that hangs holds up no handshake: here a pipe that nobody writes to.
func TestNoHandshakeWaitsForTheDisk(t *testing.T) {
	a := newAuthority(t)
	o := sample().options()
	files := a.issue("one", lab.CertOptions{})
	o.Rules = rulesOf(t, Access{TLS: files})
	s := start(t, o)
	first := serial(t, a.client(nil), s.URL())
	if err := os.Remove(files.CertFile); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(files.CertFile, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := serial(t, a.client(nil), s.URL()); got != first {
			t.Error("another certificate is shown")
		}
	}
	// Opening for writing waits until the reader is there, which proves that it
	// was; what it reads is nothing.
	w, err := os.OpenFile(files.CertFile, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody is to open the pipe again.
	if err := os.Remove(files.CertFile); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
