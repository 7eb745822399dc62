// Package server is the door for people and programs: it listens, checks who
// asks, and answers with metrics, JSON and a plain page. It holds no state of
// its own; what it shows and does comes in as funcs and the live table.
package server

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

const (
	shutdownTime   = 5 * time.Second
	headerTime     = 10 * time.Second
	requestTime    = 30 * time.Second
	answerTime     = time.Minute
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	mostStreams    = 64 // of one HTTP/2 connection
)

// Each walks the live table in the order of the configuration until f returns
// false. The View is only valid during the call.
type Each func(f func(*board.View) bool)

// Get returns a monitor of the live table by its id.
type Get func(id string) (board.View, bool)

// Options says where to listen, what to show and what may be done. All funcs
// may be called from several goroutines at once.
type Options struct {
	Listen      string // host:port
	ExternalURL string // "" for none; its host is accepted as Host, its origin for writes
	Version     string
	Location    string         // agent.location, "" for none
	Zone        *time.Location // of times on the page; nil is UTC
	Rules       *Rules         // who may look; nil: everybody, over plain http
	MostConns   int            // connections that are open at once; 0: 512

	Each Each
	Get  Get
	// Incidents returns the incidents of a state, "open" or "all", newest first.
	Incidents func(ctx context.Context, state string) ([]check.IncidentRecord, error)
	// Held returns who is down and not announced because of those that it depends
	// on, by id; nil: nobody is.
	Held func() map[string]check.Hold
	// Reload takes the configuration over and returns all that is wrong with it;
	// then nothing has changed.
	Reload  func(ctx context.Context) []string
	Actions Actions
	Metrics http.Handler
	// Probe answers /probe. It ends with the context of the request, and within
	// LongestProbe. Nil: nobody does.
	Probe   http.Handler
	Ready   func() bool    // whether runs are being scheduled
	Storage func() Storage // nil: there is nothing to tell
	Log     *slog.Logger   // nil: slog.Default
	Now     func() time.Time
}

// Storage says whether what happens can be written to disk.
type Storage struct {
	Writable bool
	Message  string // what is wrong, one line fit to be shown; "" while writable
}

// Server listens from New on and serves while Run runs.
type Server struct {
	o        Options
	log      *slog.Logger
	listener net.Listener
	loopback bool   // only this machine can connect
	external string // host of the external URL, lower case
	held     string // host that browsers are held to https for, "" for none
	origin   *http.CrossOriginProtection
	template *template.Template
	files    map[string]file
	http     *http.Server
	conns    *conns
	rules    atomic.Pointer[Rules]
	attempts attempts
	bench    bench
	places   chan struct{} // of requests that are being answered
	probing  chan struct{} // the same of /probe: targets that hang are not to keep out anybody else
	arrived  chan struct{} // somebody connects: the certificate is looked at

	ending context.Context // ends when the shutdown begins
	end    context.CancelFunc
}

// New listens, so that an address that cannot be had is an error at start. The
// error names the address and what can be done. Connections are accepted by Run.
func New(o Options) (*Server, error) {
	s := &Server{
		o: withDefaults(o), origin: http.NewCrossOriginProtection(), conns: newConns(o.MostConns), bench: newBench(), places: make(chan struct{}, mostRequests), probing: make(chan struct{}, mostProbes),
		arrived: make(chan struct{}, 1),
	}
	s.log = s.o.Log
	if err := s.begin(); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	s.ending, s.end = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: s.handler(), ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeaderBytes, ConnState: s.conns.track, ConnContext: inContext,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: mostStreams},
	}
	s.http.RegisterOnShutdown(s.end) // what waits ends at once, not at the deadline
	s.http.RegisterOnShutdown(s.conns.close)
	return s, nil
}

// begin makes what needs no address.
func (s *Server) begin() error {
	rules := s.o.Rules
	if rules == nil {
		var err error
		if rules, err = NewRules(Access{}, s.log); err != nil {
			return err
		}
	}
	s.rules.Store(rules)
	if err := s.trustExternal(); err != nil {
		return err
	}
	var err error
	if s.template, err = parsePage(); err != nil {
		return err
	}
	s.files, err = readAssets()
	return err
}

func (s *Server) listen() error {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.o.Listen)
	if err != nil {
		return fmt.Errorf("server.listen %q: %w", s.o.Listen, err)
	}
	s.listener = entrance{ln, &s.rules, s.arrived}
	if addr, ok := ln.Addr().(*net.TCPAddr); ok {
		s.loopback = addr.IP.IsLoopback()
	}
	return nil
}

// Use puts rules in force, for connections and requests from now on.
func (s *Server) Use(k *Rules) {
	if was := s.rules.Swap(k); (was.pair != nil) != (k.pair != nil) {
		s.log.Info("the address has changed", "address", s.URL())
	}
}

// Secure says whether the agent speaks https.
func (s *Server) Secure() bool { return s.rules.Load().pair != nil }

// URL returns the address of the page as this machine reaches it.
func (s *Server) URL() string {
	scheme := "http://"
	if s.Secure() {
		scheme = "https://"
	}
	return scheme + s.reachable() + "/"
}

// reachable is the address that was asked for, with the port that was had: the
// system calls every address [::], also where 0.0.0.0 was meant.
func (s *Server) reachable() string {
	host, _, asked := net.SplitHostPort(s.o.Listen)
	_, port, had := net.SplitHostPort(s.Addr().String())
	if asked != nil || had != nil {
		return s.Addr().String()
	}
	return machine.Reachable(net.JoinHostPort(host, port))
}

func withDefaults(o Options) Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Held == nil {
		o.Held = func() map[string]check.Hold { return nil }
	}
	if o.Storage == nil {
		o.Storage = func() Storage { return Storage{Writable: true} }
	}
	return o
}

// trustExternal accepts writes from the page as it is reached through a proxy,
// whatever Host the proxy sends on.
func (s *Server) trustExternal() error {
	if s.o.ExternalURL == "" {
		return nil
	}
	u, err := url.Parse(s.o.ExternalURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("server.external_url: not an http or https URL")
	}
	s.external, s.held = lowerHost(u.Host), heldTo(u)
	if err := s.origin.AddTrustedOrigin(originOf(u)); err != nil {
		return fmt.Errorf("server.external_url: %w", err)
	}
	return nil
}

// originOf spells an origin as browsers do (RFC 6454, 6.2): in lower case,
// without the port that goes without saying.
func originOf(u *url.URL) string {
	port := ":443"
	if u.Scheme == "http" {
		port = ":80"
	}
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), port)
}

// Addr returns the address that is listened on; it tells the port when that
// was asked for as 0.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, then lets requests in flight finish for at most 5
// seconds and closes all connections. It returns nil after an ordinary end.
func (s *Server) Run(ctx context.Context) error {
	served, fresh := make(chan error, 1), make(chan struct{})
	keep, stop := context.WithCancel(ctx)
	go func() { defer close(fresh); s.keepFresh(keep) }()
	defer func() {
		stop()
		select {
		case <-fresh:
		case <-time.After(shutdownTime): // it is with a disk that hangs
		}
	}()
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		s.end()
		return fmt.Errorf("serve on %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := s.http.Shutdown(limited); err != nil {
		s.log.Warn("requests were cut off at shutdown", "error", err)
		_ = s.http.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", s.Addr(), err)
	}
	return nil
}

// Close gives the address back where Run was never called.
func (s *Server) Close() error {
	s.end()
	return s.listener.Close()
}
