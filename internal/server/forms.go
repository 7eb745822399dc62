package server

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/watchword/watchword/internal/board"
)

// form does what a form of the page asks for and sends the browser back to where
// do says. Addresses are relative, as all of the page's: a proxy may have put us
// below a path.
func (s *Server) form(do func(r *http.Request) (back string, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		back, err := do(r)
		if err != nil {
			s.refused(w, err)
			return
		}
		seeOther(w, back)
	}
}

// seeOther does not go by http.Redirect, which makes relative addresses absolute.
func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) formMonitor(do action) http.HandlerFunc {
	return s.form(func(r *http.Request) (string, error) {
		id := r.PathValue("id")
		return "../../#m-" + id, do(r, id)
	})
}

func (s *Server) formGroup(paused bool) http.HandlerFunc {
	return s.form(func(r *http.Request) (string, error) {
		_, err := s.group(r, paused)
		return "../../#mon-h", err
	})
}

// maintenanceView is the page on which a maintenance is ordered. It does not
// reload itself, so that nobody types in vain.
type maintenanceView struct {
	Windows  []windowRow
	Writes   bool
	Version  string
	Location string
	Zone     string
	Who      []choice // "monitor:id" and so on, by kind
	Chosen   string
	Order    MaintenanceOrder // as it was typed
	Wrong    []string
}

// choice is a group of choices of whom a maintenance is about.
type choice struct {
	Kind string
	All  []option
}

type option struct {
	Value, Text string
	Chosen      bool
}

func (s *Server) maintenancePage(w http.ResponseWriter, r *http.Request) {
	s.showMaintenance(w, r, http.StatusOK, &maintenanceView{Order: MaintenanceOrder{For: "1h"}})
}

func (s *Server) showMaintenance(w http.ResponseWriter, r *http.Request, status int, v *maintenanceView) {
	v.Windows = s.windowRows(s.o.Now())
	v.Writes, v.Version, v.Location, v.Zone = visitOf(r.Context()).writes, s.o.Version, s.o.Location, s.o.Zone.String()
	v.Who = s.choices(v.Chosen)
	var b bytes.Buffer
	if err := s.template.ExecuteTemplate(&b, "maintenance.html", v); err != nil {
		s.refused(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// mostChoices bounds the list of monitors.
const mostChoices = 2000

// choices offers all monitors, groups and labels that there are.
func (s *Server) choices(chosen string) []choice {
	groups, labels, monitors := choice{Kind: "Groups"}, choice{Kind: "Labels"}, choice{Kind: "Monitors"}
	seen := map[string]bool{}
	add := func(to *choice, value, text string) {
		if !seen[value] {
			seen[value] = true
			to.All = append(to.All, option{value, text, value == chosen})
		}
	}
	s.o.Each(func(v *board.View) bool {
		m := v.Monitor
		for _, g := range m.Groups() {
			add(&groups, "group:"+g, g)
		}
		for _, l := range m.Labels {
			add(&labels, "label:"+l.Name+"="+l.Value, l.Name+"="+l.Value)
		}
		add(&monitors, "monitor:"+m.ID, m.Name)
		return true
	})
	if len(monitors.All) > mostChoices { // a list that nobody can use, and heavy
		monitors.All = nil
	}
	var all []choice
	for _, c := range []choice{groups, labels, monitors} {
		if len(c.All) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// beginByForm orders a maintenance. What is wrong with it is said beside what was
// typed.
func (s *Server) beginByForm(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.refused(w, &Refusal{Status: http.StatusBadRequest, Detail: "the form cannot be read"})
		return
	}
	chosen := r.PostForm.Get("who")
	o := orderOf(chosen, r.PostForm.Get("for"), r.PostForm.Get("reason"))
	_, err := s.o.Actions.Begin(r.Context(), o)
	if err == nil {
		seeOther(w, "maintenance")
		return
	}
	no, ok := errors.AsType[*Refusal](err)
	if !ok {
		s.refused(w, err)
		return
	}
	wrong := no.Errors
	if len(wrong) == 0 {
		wrong = []string{no.Detail}
	}
	s.showMaintenance(w, r, no.Status, &maintenanceView{Order: o, Chosen: chosen, Wrong: wrong})
}

func orderOf(who, length, reason string) MaintenanceOrder {
	o := MaintenanceOrder{For: strings.TrimSpace(length), Reason: strings.TrimSpace(reason)}
	switch kind, name, _ := strings.Cut(who, ":"); kind {
	case "all":
		o.All = true
	case "group":
		o.Groups = []string{name}
	case "monitor":
		o.Monitors = []string{name}
	case "label":
		label, value, _ := strings.Cut(name, "=")
		o.Labels = map[string]string{label: value}
	}
	return o
}
