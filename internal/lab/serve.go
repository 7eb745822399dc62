package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server serves a handler on a loopback address that it can leave and come
// back to, so that dials are refused in between.
type Server struct {
	handler http.Handler
	tls     *tls.Config
	addr    string
	ln      net.Listener

	mu     sync.Mutex
	http   *http.Server // nil while refusing
	closed bool
	wg     sync.WaitGroup
}

// Listen starts a server on addr ("127.0.0.1:0" for any port), with TLS unless
// conf is nil. The context bounds the start alone.
func Listen(ctx context.Context, addr string, handler http.Handler, conf *tls.Config) (*Server, error) {
	s, err := bind(ctx, addr, conf)
	if err != nil {
		return nil, err
	}
	s.start(handler)
	return s, nil
}

// bind takes the port without serving it, for handlers that need to know it.
func bind(ctx context.Context, addr string, conf *tls.Config) (*Server, error) {
	s := &Server{tls: conf, addr: addr}
	return s, s.open(ctx)
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.addr }

// URL returns the server's URL without trailing slash.
func (s *Server) URL() string {
	if s.tls != nil {
		return "https://" + s.addr
	}
	return "http://" + s.addr
}

func (s *Server) open(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", s.addr, err)
	}
	s.ln, s.addr = ln, ln.Addr().String()
	return nil
}

func (s *Server) start(handler http.Handler) {
	s.handler = handler
	srv := &http.Server{
		Handler: handler, TLSConfig: s.tls.Clone(), ReadHeaderTimeout: 30 * time.Second, ConnState: s.count,
		// Handshakes that clients break off on purpose are not worth a line.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s.http = srv
	ln := s.ln
	s.wg.Go(func() {
		if s.tls != nil {
			srv.ServeTLS(ln, "", "") //nolint:errcheck // ends with ErrServerClosed
			return
		}
		srv.Serve(ln) //nolint:errcheck // ends with ErrServerClosed
	})
}

// count keeps the connections in the wait group: http.Server.Close does not
// wait for handlers. StateNew comes before Serve can return.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.wg.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.wg.Done()
	}
}

// SetRefusing closes the port and all connections, or opens it again on the
// same address.
func (s *Server) SetRefusing(on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errors.New("refuse or mend: the server is closed")
	case on && s.http != nil:
		s.http.Close() //nolint:errcheck // closing is all that is wanted
		s.http = nil
		s.wg.Wait()
	case !on && s.http == nil:
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.open(ctx); err != nil {
			return err
		}
		s.start(s.handler)
	}
	return nil
}

// Close ends the server: requests get until the context's end, then their
// connections are closed, which is the error. It returns when nothing of the
// server runs any more.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var err error
	switch {
	case s.http == nil && s.handler == nil: // bound and never served
		err = s.ln.Close()
	case s.http != nil:
		if err = s.http.Shutdown(ctx); err != nil {
			s.http.Close() //nolint:errcheck // Shutdown's error tells more
		}
		s.http = nil
	}
	s.wg.Wait()
	return err
}
