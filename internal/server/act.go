package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
)

// handleActions adds what may be done: as JSON for programs, and as forms, which
// answer with the page, for people.
func (s *Server) handleActions(mux *http.ServeMux) {
	mux.Handle("/api/v1/monitors/{id}/run", methods{"POST": s.apiRun})
	mux.Handle("/api/v1/monitors/{id}/pause", methods{"POST": s.apiMonitor(s.pause)})
	mux.Handle("/api/v1/monitors/{id}/resume", methods{"POST": s.apiMonitor(s.resume)})
	mux.Handle("/api/v1/groups/{group}/pause", methods{"POST": s.apiGroup(true)})
	mux.Handle("/api/v1/groups/{group}/resume", methods{"POST": s.apiGroup(false)})
	mux.Handle("/api/v1/maintenance", methods{"GET": s.apiMaintenance, "POST": s.apiBegin})
	mux.Handle("/api/v1/maintenance/{id}", methods{"DELETE": s.apiEnd})

	mux.Handle("/monitors/{id}/run", methods{"POST": s.form(func(r *http.Request) (string, error) {
		return "../../#m-" + r.PathValue("id"), s.o.Actions.Run(r.PathValue("id"))
	})})
	mux.Handle("/monitors/{id}/pause", methods{"POST": s.formMonitor(s.pause)})
	mux.Handle("/monitors/{id}/resume", methods{"POST": s.formMonitor(s.resume)})
	mux.Handle("/groups/{group}/pause", methods{"POST": s.formGroup(true)})
	mux.Handle("/groups/{group}/resume", methods{"POST": s.formGroup(false)})
	mux.Handle("/maintenance", methods{"GET": s.maintenancePage, "POST": s.beginByForm})
	mux.Handle("/maintenance/{id}/end", methods{"POST": s.form(func(r *http.Request) (string, error) {
		return "../../maintenance", s.o.Actions.End(r.Context(), r.PathValue("id"))
	})})
}

// action does something to the monitor or group that a request names.
type action func(r *http.Request, name string) error

func (s *Server) pause(r *http.Request, id string) error {
	return s.o.Actions.Pause(r.Context(), id)
}

func (s *Server) resume(r *http.Request, id string) error {
	return s.o.Actions.Resume(r.Context(), id)
}

func (s *Server) group(r *http.Request, paused bool) (Group, error) {
	name := r.PathValue("group")
	if paused {
		return s.o.Actions.PauseGroup(r.Context(), name)
	}
	return s.o.Actions.ResumeGroup(r.Context(), name)
}

// refused answers with what keeps something from being done.
func (s *Server) refused(w http.ResponseWriter, err error) {
	if no, ok := errors.AsType[*Refusal](err); ok {
		fail(w, problem{Status: no.Status, Detail: no.Detail, Errors: no.Errors})
		return
	}
	s.log.Error("an order was not carried out", "error", err)
	fail(w, problem{Status: http.StatusInternalServerError, Detail: "the agent failed to do it; its log says more"})
}

func (s *Server) apiRun(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.o.Actions.Run(id); err != nil {
		s.refused(w, err)
		return
	}
	answerJSON(w, http.StatusAccepted, struct {
		ID string `json:"id"`
	}{id})
}

// apiMonitor answers with the monitor as it is then.
func (s *Server) apiMonitor(do action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(r, r.PathValue("id")); err != nil {
			s.refused(w, err)
			return
		}
		s.monitor(w, r)
	}
}

func (s *Server) apiGroup(paused bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g, err := s.group(r, paused)
		if err != nil {
			s.refused(w, err)
			return
		}
		ok(w, g)
	}
}

func (s *Server) apiMaintenance(w http.ResponseWriter, _ *http.Request) {
	ok(w, struct {
		Maintenance []Maintenance `json:"maintenance"`
	}{s.maintained()})
}

// maintained returns the windows as they are shown, with times in UTC.
func (s *Server) maintained() []Maintenance {
	all := s.o.Actions.Maintenance()
	for i := range all {
		all[i] = all[i].clipped()
	}
	return all
}

func (m Maintenance) clipped() Maintenance {
	for _, t := range []**time.Time{&m.From, &m.To, &m.Next} {
		if *t != nil {
			*t = moment(**t)
		}
	}
	return m
}

func (s *Server) apiBegin(w http.ResponseWriter, r *http.Request) {
	var o MaintenanceOrder
	if no := readJSON(r, &o); no != nil {
		s.refused(w, no)
		return
	}
	m, err := s.o.Actions.Begin(r.Context(), o)
	if err != nil {
		s.refused(w, err)
		return
	}
	answerJSON(w, http.StatusCreated, m.clipped())
}

func (s *Server) apiEnd(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Actions.End(r.Context(), r.PathValue("id")); err != nil {
		s.refused(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	send(w, v)
}

// readJSON reads the body of a request, strictly: a key that is not known is
// likely one that was mistyped.
func readJSON(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &Refusal{Status: http.StatusUnsupportedMediaType, Detail: "the body is to be JSON, sent with Content-Type: application/json"}
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more follows the object")
		}
	}
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		kinds := fmt.Sprintf("%s is wanted, and this is %s", jsonKind(wrong.Type.Kind().String()), jsonKind(wrong.Value))
		if wrong.Field == "" {
			return &Refusal{Status: http.StatusBadRequest, Detail: "the body cannot be read: " + kinds}
		}
		return &Refusal{Status: http.StatusBadRequest, Detail: "the body cannot be read", Errors: []string{wrong.Field + ": " + kinds}}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Refusal{Status: http.StatusRequestTimeout, Detail: "the body did not arrive in time: it has 2 s"}
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return &Refusal{Status: http.StatusRequestEntityTooLarge, Detail: "the body of a request has at most 64 KiB"}
	}
	return &Refusal{Status: http.StatusBadRequest, Detail: "the body cannot be read: " + strings.TrimPrefix(err.Error(), "json: ")}
}

// jsonKind names what a kind of Go, or what encoding/json found, is in JSON.
func jsonKind(kind string) string {
	switch kind {
	case "slice", "array":
		return "a list"
	case "map", "struct", "object":
		return "a mapping"
	case "bool":
		return "true or false"
	default:
		return "a " + kind
	}
}
