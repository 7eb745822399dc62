package server

import (
	"bufio"
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// Monitor is a monitor as the API shows it. What is not known is null.
type Monitor struct {
	ID                 string           `json:"id"`
	Name               string           `json:"name"`
	Group              string           `json:"group"`
	Type               string           `json:"type"`
	URL                string           `json:"url"` // without userinfo and query
	Status             check.State      `json:"status"`
	Since              *time.Time       `json:"since"`    // of the status
	LastRun            *time.Time       `json:"last_run"` // when it began; null before the first run
	DurationMS         *float64         `json:"duration_ms"`
	PhasesMS           *Phases          `json:"phases_ms"`   // summed over the hops of the last run
	StatusCode         *int             `json:"status_code"` // null when no answer came
	Fault              *check.FaultText `json:"fault"`
	Uptime             Uptime           `json:"uptime"`
	CertificateExpires *time.Time       `json:"certificate_expires"`
	Notes              []string         `json:"notes,omitempty"`   // of the last run: what is worth knowing and no fault
	HeldBy             []string         `json:"held_by,omitempty"` // ids of those that it depends on: it is down, and not announced because of them
}

// Phases says where the time of a run went, in milliseconds.
type Phases struct {
	Token      float64 `json:"token"`
	Resolve    float64 `json:"resolve"`
	Connect    float64 `json:"connect"`
	TLS        float64 `json:"tls"`
	Processing float64 `json:"processing"`
	Transfer   float64 `json:"transfer"`
}

// Uptime says which share of the time a monitor was up, 0 to 1, in the last
// day, week and 30 days.
type Uptime struct {
	Day   *float64 `json:"24h"`
	Week  *float64 `json:"7d"`
	Month *float64 `json:"30d"`
}

// Incident is an incident as the API shows it.
type Incident struct {
	ID       string       `json:"id"`
	Class    check.Class  `json:"class"`
	Reason   check.Reason `json:"reason"`
	Cause    check.Cause  `json:"cause"`
	Opened   time.Time    `json:"opened"`
	Closed   *time.Time   `json:"closed"`
	Monitors []string     `json:"monitors"` // ids
	Message  string       `json:"message"`
	Hint     string       `json:"hint"`
}

// storageProblem stands in the lists only while the disk fails.
type storageProblem struct {
	Writable bool   `json:"writable"`
	Message  string `json:"message"`
}

// NewMonitor returns what the API shows of a monitor.
func NewMonitor(v *board.View) Monitor {
	m := v.Monitor
	out := Monitor{
		ID: m.ID, Name: m.Name, Group: m.Group, Type: m.Type, URL: m.URL,
		Status: stateOf(v), Since: moment(v.Since), Fault: v.Last.Fault,
		Uptime: Uptime{ratio(v.Uptime24h), ratio(v.Uptime7d), ratio(v.Uptime30d)},
	}
	if !v.Last.Has {
		return out
	}
	l := &v.Last
	out.LastRun = moment(l.Start)
	out.DurationMS = new(milliseconds(l.Took))
	p := &l.Phases
	out.PhasesMS = &Phases{
		milliseconds(p.Token), milliseconds(p.Resolve), milliseconds(p.Connect),
		milliseconds(p.TLS), milliseconds(p.Processing), milliseconds(p.Transfer),
	}
	if l.StatusCode != 0 {
		out.StatusCode = new(l.StatusCode)
	}
	out.CertificateExpires, out.Notes = moment(l.CertExpiry), l.Notes
	return out
}

// NewIncident returns what the API shows of an incident.
func NewIncident(r *check.IncidentRecord) Incident {
	out := Incident{
		ID: r.ID, Class: r.Fault.Class, Reason: r.Fault.Reason, Cause: r.Cause, Opened: clip(r.Opened), Closed: moment(r.Closed),
		Monitors: make([]string, 0, len(r.Members)), Message: r.Fault.Message, Hint: r.Fault.Hint,
	}
	for i := range r.Members {
		out.Monitors = append(out.Monitors, r.Members[i].ID)
	}
	return out
}

func stateOf(v *board.View) check.State {
	if v.State == "" {
		return check.Pending
	}
	return v.State
}

func clip(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(clip(t))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// ratio cuts what is unknown and what nobody can read: a share that is not 1 is
// never shown as 1.
func ratio(u float64) *float64 {
	if math.IsNaN(u) {
		return nil
	}
	return new(math.Floor(u*1e6) / 1e6)
}

// monitors takes everything off the board before the first byte is written: a
// slow reader must not hold the board. Then it streams, since the list is
// several MB at 10 000 monitors.
func (s *Server) monitors(w http.ResponseWriter, _ *http.Request) {
	var list []Monitor
	held := s.o.Held()
	s.o.Each(func(v *board.View) bool {
		m := NewMonitor(v)
		m.HeldBy = held[m.ID].By
		list = append(list, m)
		return true
	})
	w.Header().Set("Content-Type", "application/json")
	b := bufio.NewWriterSize(w, 32<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_, _ = b.WriteString(`{"monitors":[`)
	for i := range list {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		if err := enc.Encode(&list[i]); err != nil {
			return // who asked has gone
		}
	}
	_, _ = b.WriteString("]")
	if p := s.storage(); p != nil {
		_, _ = b.WriteString(`,"storage":`)
		_ = enc.Encode(p)
	}
	_, _ = b.WriteString("}\n")
	_ = b.Flush()
}

func (s *Server) storage() *storageProblem {
	st := s.o.Storage()
	if st.Writable {
		return nil
	}
	return &storageProblem{Message: st.Message}
}

func (s *Server) monitor(w http.ResponseWriter, r *http.Request) {
	v, found := s.o.Get(r.PathValue("id"))
	if !found {
		fail(w, problem{Status: http.StatusNotFound, Detail: "no monitor has this id"})
		return
	}
	m := NewMonitor(&v)
	m.HeldBy = s.o.Held()[m.ID].By
	ok(w, m)
}

func (s *Server) incidents(w http.ResponseWriter, r *http.Request) {
	state := "open"
	if q := r.URL.Query(); q.Has("state") {
		state = q.Get("state")
	}
	if state != "open" && state != "all" {
		fail(w, problem{Status: http.StatusBadRequest, Detail: `state is "open" or "all"`})
		return
	}
	records, err := s.o.Incidents(r.Context(), state)
	if err != nil {
		s.log.Warn("read incidents", "state", state, "error", err)
		fail(w, problem{Status: http.StatusServiceUnavailable, Detail: "the incidents cannot be read from disk; state=open is held in memory"})
		return
	}
	list := struct {
		Incidents []Incident      `json:"incidents"`
		Storage   *storageProblem `json:"storage,omitempty"`
	}{make([]Incident, 0, len(records)), s.storage()}
	for i := range records {
		list.Incidents = append(list.Incidents, NewIncident(&records[i]))
	}
	ok(w, list)
}
