package auth

import (
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/transport"
)

// Clock returns how far the clock of the identity provider is ahead of this
// machine's, as the last answer of the token endpoint told; known is false where
// none did. The Date may be that of a proxy before the provider.
func (s *Source) Clock() (ahead time.Duration, known bool) {
	if d := s.ahead.Load(); d != nil {
		return *d, true
	}
	return 0, false
}

// heedClock keeps what an answer told of the provider's clock, and logs once for
// each host that it differs. It is no fault: tokens are held by the length of
// their life, whatever the clocks say.
func (s *Source) heedClock(ahead *time.Duration) {
	if ahead == nil {
		return
	}
	s.ahead.Store(ahead)
	differs := ahead.Abs() > machine.Apart
	r := s.registry
	r.mu.Lock()
	told := r.clocks[s.host]
	r.clocks[s.host] = differs
	r.mu.Unlock()
	if _, ours := r.o.Clocks.Ours(); differs && !told && !ours { // ours is logged as such
		r.o.Log.Warn("the identity provider's clock differs from this machine's", "credential", s.name, "host", s.host,
			"its_clock_is", machine.Ahead(*ahead), "hint", oneIsWrong)
	}
}

const oneIsWrong = "one of the two is wrong: keep both set by NTP; a gate whose clock is not the provider's refuses tokens as not yet valid or as expired"

// clockWarning says that the clocks differ, "" where they agree or nothing is
// known.
func (s *Source) clockWarning() string { return s.apart(s.ahead.Load()) }

// apart says what a difference of clocks means, "" for one that is small or not
// known.
func (s *Source) apart(ahead *time.Duration) string {
	if ahead == nil || ahead.Abs() <= machine.Apart {
		return ""
	}
	if why, ours := s.registry.o.Clocks.Ours(); ours {
		return why
	}
	return fmt.Sprintf("the clock of %s, or of the proxy before it, is %s this machine's: %s", s.host, machine.Against(*ahead), oneIsWrong)
}

// oddClock says that it is our clock that makes a certificate look out of date,
// "" where there is no reason to think so.
func (s *Source) oddClock(err error) string {
	_, reason, _ := transport.Classify(err)
	if reason != check.CertificateExpired && reason != check.CertificateNotYetValid {
		return ""
	}
	if why, ours := s.registry.o.Clocks.Ours(); ours {
		return why
	}
	return ""
}
