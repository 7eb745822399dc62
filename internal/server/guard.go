package server

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
)

// No script, no inline style, no frame, no foreign host.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// watch logs the request, without its query, and turns a panic into a 500.
func (s *Server) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w}
		begin := time.Now()
		defer func() {
			s.rescue(a, r, recover())
			s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", a.status, "took", time.Since(begin), "remote", r.RemoteAddr)
		}()
		next.ServeHTTP(a, r)
	})
}

func (s *Server) rescue(a *answer, r *http.Request, cause any) {
	if cause == nil {
		return
	}
	s.log.Error("a handler failed", "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
	if a.status != 0 { // too late for an answer: the connection is cut, so that nobody takes the half for the whole
		panic(http.ErrAbortHandler)
	}
	fail(a, problem{Status: http.StatusInternalServerError, Detail: "the agent failed to answer; its log says more"})
}

func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers send Origin: null with our own forms
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		if r.TLS != nil && s.held != "" && lowerHost(r.Host) == s.held {
			h.Set("Strict-Transport-Security", "max-age=15552000") // RFC 6797; 180 days
		}
		if (r.TLS != nil) != s.Secure() { // opened before a reload that turned https on or off
			h.Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// heldTo returns the host of an external URL for which browsers may be held to
// https, "" for none. That binds every port of the name: one with a port has
// neighbours under it, which may speak plain http, and so has localhost.
func heldTo(external *url.URL) string {
	origin, err := url.Parse(originOf(external))
	if err != nil || origin.Scheme != "https" || origin.Port() != "" || isLocalhost(origin.Hostname()) {
		return ""
	}
	return origin.Hostname()
}

func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

const (
	metricsPath = "/metrics"
	probePath   = "/probe"
)

// isScraped says whether a path is for Prometheus, with the credential that it has.
func isScraped(path string) bool { return path == metricsPath || path == probePath }

// isHealth says whether a path is answered to everybody, whatever goes on.
func isHealth(path string) bool { return path == "/healthz" || path == "/readyz" }

// open says whether a path is for machines that come by any name.
func open(path string) bool { return path == metricsPath || isHealth(path) }

// gate decides who may ask. A page of a stranger can make a browser on this
// machine ask us by a name that the stranger's DNS points here: so the Host is
// checked, and writes must come from our own page or from no page at all.
func (s *Server) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if no := s.misdirected(r); no != nil {
			no.answer(w)
			return
		}
		k := s.rules.Load()
		who, no := s.identify(r, k)
		if no == nil {
			no = s.admit(r, k, who)
		}
		if no != nil {
			no.answer(w)
			return
		}
		next.ServeHTTP(w, withVisit(r, visit{
			reduced: k.asks && who.role < viewer, writes: k.asks && who.role >= admin || !k.asks && s.loopback,
		}))
	})
}

// misdirected refuses what comes by a wrong name or from a foreign page,
// whoever asks: browsers send a login along by themselves.
func (s *Server) misdirected(r *http.Request) *refusal {
	if s.loopback && !open(r.URL.Path) && !s.ours(r.Host) {
		return &refusal{problem: problem{
			Status: http.StatusMisdirectedRequest,
			Detail: "this agent listens on loopback and answers to localhost, 127.0.0.1, [::1] and the host of server.external_url only",
		}}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); r.URL.Path == probePath && site != "" && site != "same-origin" && site != "none" { // a GET that does something
		return &refusal{problem: problem{Status: http.StatusForbidden, Detail: "no page of another site may have this agent send requests"}}
	}
	if err := s.origin.Check(r); err != nil {
		return &refusal{problem: problem{Status: http.StatusForbidden, Detail: "writes are not taken from pages of another origin"}}
	}
	return nil
}

// shut refuses what is for nobody: what an agent does for whoever reaches it,
// where others can and nobody logs in.
func (s *Server) shut(r *http.Request, k *Rules) *refusal {
	if !k.asks && !s.loopback && writes(r.Method) {
		return &refusal{problem: problem{
			Status: http.StatusForbidden,
			Detail: "writes are refused because the agent listens off loopback and has no login. To allow them, set server.auth (type: basic) and log in as a user with role admin, " +
				"or set server.listen to 127.0.0.1:9640 and ask there. A reload needs no request: a changed file or SIGHUP does it",
		}}
	}
	if r.URL.Path == probePath && !s.loopback && !k.asks && !k.apart {
		return &refusal{problem: problem{
			Status: http.StatusForbidden,
			Detail: "/probe is refused because the agent listens off loopback and has no login: whoever reaches it could have it send requests. To allow it, set server.auth.metrics " +
				"(the credential of Prometheus) or server.auth (type: basic), or set server.listen to 127.0.0.1:9640 and ask there",
		}}
	}
	return nil
}

// admit compares what somebody may do with what the request wants.
func (s *Server) admit(r *http.Request, k *Rules, who identity) *refusal {
	if no := s.shut(r, k); no != nil {
		return no
	}
	switch need := s.need(r, k); {
	case who.role >= need:
		return nil
	case who.role == viewer:
		return &refusal{problem: problem{Status: http.StatusForbidden, Detail: "the role viewer reads only: writes need a user with role: admin under server.auth.users"}}
	case need == scraper && k.apart && !k.asks:
		return k.challenge(r, "this needs the credential of server.auth.metrics")
	case need == scraper && k.apart:
		return k.challenge(r, "this needs a login: the credential of server.auth.metrics, or a user of server.auth.users")
	default:
		return k.challenge(r, "this needs a login: a user of server.auth.users")
	}
}

// need returns what role a request takes. What is not named here takes a
// login.
func (s *Server) need(r *http.Request, k *Rules) role {
	path := r.URL.Path
	switch {
	case isHealth(path):
		return stranger
	case path == metricsPath && k.apart, path == probePath && (k.apart || k.asks):
		return scraper
	case !k.asks:
		return stranger
	case writes(r.Method):
		return admin
	case k.status && s.isPage(path):
		return stranger
	default:
		return viewer
	}
}

// isPage says whether a path is the page or a part of it.
func (s *Server) isPage(path string) bool {
	if name, found := strings.CutPrefix(path, "/assets/"); found {
		_, found = s.files[name]
		return found
	}
	return path == "/"
}

func writes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// ours says whether a Host header names this machine's loopback or our
// external URL.
func (s *Server) ours(hostport string) bool {
	host := lowerHost(hostport)
	if host == "localhost" || host != "" && host == s.external {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// lowerHost returns the host of host[:port], without brackets, in lower case.
func lowerHost(hostport string) string {
	return strings.ToLower((&url.URL{Host: hostport}).Hostname())
}

// untilShutdown returns a context that also ends when the shutdown begins, for
// requests that wait for something.
func (s *Server) untilShutdown(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ending, cancel)
	return ctx, func() { stop(); cancel() }
}
