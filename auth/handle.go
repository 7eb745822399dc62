package auth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Handle is how one monitor uses a Source. A monitor runs one check at a time;
// calls that share a deadline belong to one run.
type Handle struct {
	source *Source
	origin *url.URL // nil: nowhere

	mu       sync.Mutex
	deadline time.Time // of the run
	began    time.Time // the run
	sent     *token    // the token last put on a request
	refused  uint64    // the generation for which this monitor had its second chance
	waiting  *flight   // the replacement it was promised
	promised uint64    // the generation that is being replaced
	failed   int       // replacements in a row that stayed refused here
	until    time.Time // no replacement for this monitor before
}

// Handle returns the handle of a monitor at origin, "scheme://host[:port]". It
// puts nothing on requests to anywhere else.
func (s *Source) Handle(origin string) *Handle {
	h := &Handle{source: s}
	if u, err := url.Parse(origin); err == nil && u.Host != "" {
		h.origin = u
	}
	return h
}

// Authorize puts the credential on req if req goes to the handle's origin, and
// returns the generation of the token for Judged, 0 if it is none that could be
// replaced. It waits for a token until ctx ends at the latest. The error is a
// *check.Fault.
func (h *Handle) Authorize(ctx context.Context, req *http.Request) (uint64, error) {
	if h.origin == nil || !sameOrigin(req.URL, h.origin) {
		return 0, nil
	}
	s := h.source
	if s.tokens == nil {
		if f := s.put(req); f != nil {
			return 0, s.fault(f)
		}
		return 0, nil
	}
	t, f := h.token(ctx)
	if t == nil {
		return 0, s.fault(f)
	}
	req.Header.Set(s.field(), "Bearer "+t.value)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = t
	return t.generation, nil
}

// token returns the token to send: the one promised by Judged, else the current.
func (h *Handle) token(ctx context.Context) (*token, *finding) {
	h.mu.Lock()
	if end, ok := ctx.Deadline(); !ok || !end.Equal(h.deadline) {
		h.deadline, h.began = end, time.Now()
	}
	f, promised := h.waiting, h.promised
	h.mu.Unlock()
	if f == nil {
		return h.source.tokens.get(ctx)
	}
	t, why := f.wait(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = nil
	if t != nil { // a replacement that failed leaves the chance for another day
		h.refused = promised
		h.failed++
		h.until = time.Now().Add(patience(h.failed))
	}
	return t, why
}

// Judged is told what the gate said to the token of a generation. It returns
// whether one more try is due: the token is older than this run, this monitor
// had no second chance with it, and another token is there or can be fetched.
// Authorize then waits for that one.
func (h *Handle) Judged(generation uint64, refused bool) (again bool) {
	if h.source.tokens == nil || generation == 0 {
		return false
	}
	if !refused {
		h.mu.Lock()
		h.failed, h.until = 0, time.Time{}
		h.mu.Unlock()
		h.source.tokens.accepted(generation)
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	young := h.sent != nil && h.sent.generation == generation && !h.sent.got.Before(h.began)
	if generation == h.refused || young {
		return false
	}
	f, newer := h.source.tokens.replace(generation, !time.Now().Before(h.until))
	if newer {
		h.refused = generation
	}
	h.waiting, h.promised = f, generation
	return newer || f != nil
}

// IsAuthelia says whether the token last put on a request is Authelia's own
// opaque kind.
func (h *Handle) IsAuthelia() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent != nil && strings.HasPrefix(h.sent.value, "authelia_at_")
}

// Token tells about the token last put on a request, nil if there was none.
func (h *Handle) Token() *check.TokenInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.sent
	if t == nil {
		return nil
	}
	return &check.TokenInfo{
		Credential: h.source.name, Fetched: !t.got.Before(h.began), Expires: t.expires,
		Scope: t.answer.scope, Warning: t.answer.warning,
	}
}

// field is the header that carries the credential.
func (s *Source) field() string {
	if s.o.SendAs == sendProxy {
		return "Proxy-Authorization"
	}
	return "Authorization"
}

// put sets the header of a credential that is no token of ours.
func (s *Source) put(req *http.Request) *finding {
	switch s.o.Type {
	case TypeBasic:
		v, f := s.headerValue("password", s.o.Password)
		if f != nil {
			return f
		}
		carrier := http.Request{Header: http.Header{}}
		carrier.SetBasicAuth(s.o.Username, v)
		req.Header.Set(s.field(), carrier.Header.Get("Authorization"))
	case TypeBearer:
		v, f := s.headerValue("token", s.o.Token)
		if f != nil {
			return f
		}
		req.Header.Set(s.field(), "Bearer "+v)
	case TypeHeader:
		v, f := s.headerValue("value", s.o.Value)
		if f != nil {
			return f
		}
		req.Header.Set(s.o.Name, v)
	}
	return nil
}
