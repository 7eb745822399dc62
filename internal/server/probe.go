package server

import (
	"net/http"
	"time"
)

// LongestProbe is how long /probe may take to answer.
const LongestProbe = 2 * time.Minute

// probe runs a check for whoever asks. It may take longer than other answers, and
// ends when the shutdown begins.
func (s *Server) probe(w http.ResponseWriter, r *http.Request) {
	end, c := time.Now().Add(LongestProbe+answerTime), http.NewResponseController(w)
	if c.SetReadDeadline(end) != nil || c.SetWriteDeadline(end) != nil {
		s.log.Debug("an answer cannot be given more time", "path", probePath)
	}
	ctx, cancel := s.untilShutdown(r.Context())
	defer cancel()
	s.o.Probe.ServeHTTP(w, r.WithContext(ctx))
}
