package server

import (
	"net/http"
	"time"
)

const (
	mostRequests = 128
	maxBody      = 64 << 10 // of a request; none of ours is longer
)

// limit bounds how many requests are answered at once and how long their
// bodies are. The agent's own health can be asked whatever else goes on.
func (s *Server) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isHealth(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		select {
		case s.places <- struct{}{}:
			defer func() { <-s.places }()
		default:
			busy("too many requests are being answered at once", time.Second).answer(w)
			return
		}
		if r.ContentLength > maxBody {
			w.Header().Set("Connection", "close")
			fail(w, problem{Status: http.StatusRequestEntityTooLarge, Detail: "the body of a request has at most 64 KiB"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
