package auth

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

func TestTheProvidersClock(t *testing.T) {
	var log bytes.Buffer
	r := newTestRegistry(t)
	r.o.Log = slog.New(slog.NewTextHandler(&log, nil))
	a, b := sourceOf(t, r, "a", options(tokenURL)), sourceOf(t, r, "b", options(tokenURL))
	if _, known := a.Clock(); known || a.clockWarning() != "" {
		t.Error("a clock is known before anybody answered")
	}
	heed := func(s *Source, ahead time.Duration) { s.heedClock(&ahead) }
	heed(a, 30*time.Second)
	if log.Len() > 0 || a.clockWarning() != "" {
		t.Errorf("half a minute is told: %s", log.String())
	}
	for range 3 {
		heed(a, -5*time.Minute)
		heed(b, -5*time.Minute)
		a.heedClock(nil) // an answer that tells nothing changes nothing
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), `host=auth.example.com its_clock_is="5m0s behind"`) {
		t.Errorf("%d lines, want one for the host: %s", n, log.String())
	}
	if ahead, known := b.Clock(); !known || ahead != -5*time.Minute || !strings.Contains(b.clockWarning(), "5m0s behind this machine's") {
		t.Errorf("%v %t, %q", ahead, known, b.clockWarning())
	}
	heed(a, 0)
	heed(a, 5*time.Minute)
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want a second one after it was right in between", n)
	}
}

// A certificate that is out of date by a clock that is wrong is the clock's fault.
func TestACertificateAndOurClock(t *testing.T) {
	s := sourceOf(t, newTestRegistry(t), "a", options(tokenURL))
	expired := x509.CertificateInvalidError{Cert: &x509.Certificate{NotAfter: time.Now().Add(-time.Hour)}, Reason: x509.Expired}
	f := &finding{reason: check.TokenUnreachable, text: "could not be reached", tls: true, err: expired}
	if hint := s.fault(f).Hint; !strings.HasPrefix(hint, "TLS: ") {
		t.Errorf("hint %q", hint)
	}
	s.registry.o.Clocks = machine.NewClocks(time.Now().Add(24*time.Hour), nil)
	if hint := s.fault(f).Hint; !strings.HasPrefix(hint, "this machine's clock is wrong: it says ") {
		t.Errorf("hint %q", hint)
	}
	heedless := 5 * time.Minute
	s.heedClock(&heedless)
	if w := s.clockWarning(); !strings.HasPrefix(w, "this machine's clock is wrong: ") {
		t.Errorf("warning %q", w)
	}
}
