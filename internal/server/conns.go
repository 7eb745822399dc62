package server

import (
	"net"
	"net/http"
	"sync"
)

// silent holds the connections that have not asked anything yet, such as those
// a browser opens ahead. A shutdown would give each of them 5 seconds to begin.
type silent struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	ended bool
}

// track is a http.Server's ConnState.
func (s *silent) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.conns, c)
		return
	}
	if s.ended {
		_ = c.Close()
		return
	}
	s.conns[c] = true
}

func (s *silent) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for c := range s.conns {
		_ = c.Close()
	}
}
