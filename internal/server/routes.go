package server

import (
	"net/http"
	"slices"
	"strings"
)

// methods are the handlers of one path.
type methods map[string]http.HandlerFunc

// ServeHTTP answers HEAD as GET; net/http drops the body.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, found := m[method]; found {
		h(w, r)
		return
	}
	allow := []string{}
	for name := range m {
		allow = append(allow, name)
		if name == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	fail(w, problem{Status: http.StatusMethodNotAllowed, Detail: "this address takes " + strings.Join(allow, ", ")})
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/{$}", methods{"GET": s.page})
	mux.Handle("/assets/{file}", methods{"GET": s.asset})
	mux.Handle("/login", methods{"GET": s.login})
	mux.Handle(metricsPath, methods{"GET": s.o.Metrics.ServeHTTP})
	if s.o.Probe != nil {
		mux.Handle(probePath, methods{"GET": s.probe})
	}
	mux.Handle("/healthz", methods{"GET": healthy})
	mux.Handle("/readyz", methods{"GET": s.ready})
	mux.Handle("/api/v1/monitors", methods{"GET": s.monitors})
	mux.Handle("/api/v1/monitors/{id}", methods{"GET": s.monitor})
	mux.Handle("/api/v1/incidents", methods{"GET": s.incidents})
	mux.Handle("/-/reload", methods{"POST": s.reload})
	s.handleActions(mux)
	mux.HandleFunc("/", missing)
	return s.watch(s.headers(s.limit(s.gate(mux))))
}

func missing(w http.ResponseWriter, _ *http.Request) {
	fail(w, problem{Status: http.StatusNotFound, Detail: "there is nothing at this address"})
}

// healthy answers as long as the agent can answer at all.
func healthy(w http.ResponseWriter, _ *http.Request) { plain(w, "ok\n") }

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.o.Ready() {
		fail(w, problem{Status: http.StatusServiceUnavailable, Detail: "the agent is starting"})
		return
	}
	plain(w, "ready\n")
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}

// reload answers when the configuration is in force, or with all that is wrong
// with it.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.untilShutdown(r.Context())
	defer cancel()
	if errs := s.o.Reload(ctx); len(errs) > 0 {
		fail(w, problem{
			Status: http.StatusUnprocessableEntity, Errors: errs,
			Detail: "the configuration was not taken over; the one before stays in force",
		})
		return
	}
	ok(w, struct {
		Reloaded bool `json:"reloaded"`
	}{true})
}
