package probes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const longestLimit = time.Hour // of a Retry-After that an issuer monitor honours

// limit is an answer that told us to wait.
type limit struct {
	origin string
	until  time.Time
	fault  *check.Fault
}

// waits returns the fault of the last answer from there, as long as that told us
// to wait; nil if u may be asked.
func (v *visit) waits(u *url.URL) *check.Fault {
	l := v.p.limits.Load()
	if l == nil || l.origin != originOf(u) || !time.Now().Before(l.until) {
		return nil
	}
	again := *l.fault
	return &again
}

// limit is the fault of a 429. Nothing at its origin is asked again before the
// time that it names.
func (v *visit) limit(a *answer, at string) *check.Fault {
	f := v.fault(v.limited(at))
	if wait := retryAfter(a.header, time.Now()); wait > 0 {
		v.p.limits.Store(&limit{originOf(a.url), time.Now().Add(wait), f})
	}
	return f
}

// retryAfter reads Retry-After, in seconds or as a date (RFC 9110, 10.2.3), 0
// without a usable one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, longestLimit.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(at.Sub(now), longestLimit))
	}
	return 0
}

func (w *Way) waits() (bool, *check.Fault) {
	if w == nil || w.Waits == nil {
		return false, nil
	}
	return w.Waits()
}

// endpoint asks the token endpoint whether somebody is there. It is a GET, which
// every provider refuses and none counts: a token request without a client would
// be one more failed login of our address.
func (v *visit) endpoint(ctx context.Context, m metadata) *check.Fault {
	raw, ours := string(m.Token), ""
	if w := v.p.way; w != nil && w.TokenURL != nil {
		ours = w.TokenURL()
	}
	same := ours == "" || ours == secret.URL(raw)
	if wait, f := v.p.way.waits(); wait && same {
		v.notes = append(v.notes, "the token endpoint was not asked: it is left alone for now")
		return f
	}
	a, f := v.get(ctx, raw, "the token endpoint")
	if f != nil && wantsCertificate(f, v.p.way != nil) {
		v.note("token endpoint: it is there, and wants a client certificate")
		v.res.Remote = ""
		return nil
	}
	if f != nil {
		return f
	}
	v.note(fmt.Sprintf("token endpoint: it is there (%d to a GET without a client)", a.status))
	if !same {
		v.note(fmt.Sprintf("token endpoint: it is there, but credential %q asks at %s", v.p.way.Credential, ours))
	}
	return nil
}

// wantsCertificate says whether a handshake failed because no client certificate
// was shown: whoever asks for one is there. With TLS 1.2 many servers say no more
// than that it failed, which is enough where a token is asked for next.
func wantsCertificate(f *check.Fault, tried bool) bool {
	if f.Class != check.TLS || f.Reason != check.Handshake {
		return false
	}
	for _, sign := range []string{"asked for a client certificate", "asks for a client certificate", "certificate required", "server ended the handshake: bad certificate"} {
		if strings.Contains(f.Message, sign) {
			return true
		}
	}
	return tried && strings.Contains(f.Message, "server ended the handshake: handshake failure")
}
