package server

import (
	"io"
	"net/http"
	"time"
)

const (
	mostRequests = 128
	mostProbes   = 256      // that run or wait to
	maxBody      = 64 << 10 // of a request; none of ours is longer
	bodyTime     = 2 * time.Second
	mostDrained  = 256 << 10
)

// limit bounds how many requests are answered at once and how long their
// bodies are. The agent's own health can be asked whatever else goes on.
func (s *Server) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.ContentLength != 0: // -1: of unknown length
			defer s.hurry(w, r)()
		case isHealth(r.URL.Path):
			s.conns.note(r.Context(), asksHealth)
		}
		if isHealth(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		places := s.places
		if r.URL.Path == probePath {
			places = s.probing
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			busy("too many requests are being answered at once", time.Second).answer(w)
			return
		}
		if r.ContentLength > maxBody {
			fail(w, problem{Status: http.StatusRequestEntityTooLarge, Detail: "the body of a request has at most 64 KiB"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// hurry bounds how long a body keeps its connection. Most of our routes read
// none, and net/http waits for what is left of it, after the answer; but not for
// who wanted the connection to be closed: what it returns does. A client that is
// still sending when its connection is closed does not get to see the answer.
func (s *Server) hurry(w http.ResponseWriter, r *http.Request) (after func()) {
	s.conns.note(r.Context(), sending)
	w.Header().Set("Connection", "close") // else the wait is before the answer
	c, body := http.NewResponseController(w), r.Body
	err := c.SetReadDeadline(time.Now().Add(bodyTime))
	return func() {
		if err == nil && r.Close && c.Flush() == nil {
			_, _ = io.CopyN(io.Discard, body, mostDrained)
		}
	}
}
