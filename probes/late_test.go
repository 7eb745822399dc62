package probes

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// A run that gets its turn after its time was over blames this machine and
// nobody else; a refusal that came after it is a refusal all the same.
func TestAStarvedRunBlamesThisMachine(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	s := &scene{}
	late := wireFact{at: connecting, name: "wiki.example.com:443", remote: "192.0.2.7:443", start: time.Now(), began: time.Now()}
	f := s.network(ctx, late, context.DeadlineExceeded)
	if f.reason != check.Internal || f.hint == "" {
		t.Errorf("got %s %q, want %s with a hint", f.reason, f.message, check.Internal)
	}
	ctx, end := context.WithDeadline(t.Context(), time.Now())
	defer end()
	early := late
	early.start = time.Now().Add(-3 * time.Second)
	early.began = early.start
	if f := s.network(ctx, early, context.DeadlineExceeded); f.reason != check.Timeout {
		t.Errorf("got %s, want %s", f.reason, check.Timeout)
	}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if f := s.network(ctx, early, refused); f.reason != check.Connect {
		t.Errorf("got %s, want %s", f.reason, check.Connect)
	}
}
