package check

import (
	"encoding/json"
	"fmt"
	"time"
)

// Kind is what an event announces; the values stand in messages and in the
// `event` member of the webhook's body.
type Kind string

// The kinds of events.
const (
	KindDown        Kind = "down"
	KindUp          Kind = "up"
	KindReminder    Kind = "reminder" // still down
	KindExposed     Kind = "exposed"
	KindCertificate Kind = "certificate"
	KindClosed      Kind = "closed" // the incident ended because its monitors are no longer watched, or paused
)

// Severity says how loud an event is.
type Severity string

// The severities.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Member is a monitor that an event is about.
type Member struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Group string    `json:"group,omitempty"`
	Since time.Time `json:"since,omitzero"` // first failure

	// Paused says of what is over, a KindUp or KindClosed, that the monitor did not
	// recover: it was paused, and nobody knows how it stands.
	Paused bool `json:"paused,omitempty"`
}

// Event is one change of one incident, as one notifier is told of it. It
// survives JSON and holds neither errors nor configuration.
type Event struct {
	Incident string    `json:"incident"` // id
	Kind     Kind      `json:"kind"`
	At       time.Time `json:"at"`    // when it became due
	Since    time.Time `json:"since"` // when the outage began: the first failure of its members
	Ended    time.Time `json:"ended,omitzero"`
	Cause    Cause     `json:"cause"`
	Severity Severity  `json:"severity"`
	Fault    FaultText `json:"fault"`
	Members  []Member  `json:"members"`           // those of this notifier; all of them
	Failing  []Member  `json:"failing,omitempty"` // of an Up: those who still fail, for another reason
	Held     []Member  `json:"held,omitempty"`    // of a Down or reminder: those who depend on its members, fail too and are not announced
	Joined   bool      `json:"joined,omitempty"`  // of a Down: the incident was announced before, these came later
	Link     string    `json:"link,omitempty"`    // page of the incident or monitor, "" without server.external_url
}

// Delivery is one message to one notifier: chat channels get what was due
// together as several events, keyed channels get one event each.
type Delivery struct {
	ID       int64     `json:"id"`
	Notifier string    `json:"notifier"`
	Kind     Kind      `json:"kind"` // of all its events
	At       time.Time `json:"at"`
	Events   []Event   `json:"events"`
}

// Receipt is what a service answered to a delivered message.
type Receipt struct {
	Status int    // HTTP status
	Text   string // short, redacted
}

// DeliveryError is why a message was not delivered. Its text holds neither the
// URL nor a token.
type DeliveryError struct {
	Status     int           // HTTP status, 0 when no answer came
	RetryAfter time.Duration // what the service asked for, 0 for nothing
	Permanent  bool          // sending it again cannot help
	Message    string
	Err        error // for errors.Is; never shown
}

func (e *DeliveryError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("answered %d: %s", e.Status, e.Message)
	}
	return e.Message
}

func (e *DeliveryError) Unwrap() error { return e.Err }

// IncidentRecord is an incident as it is stored and shown.
type IncidentRecord struct {
	ID      string
	Cause   Cause
	Fault   FaultText
	Opened  time.Time
	Closed  time.Time       // zero while open
	Members []Member        // those who fail now; of a closed incident all who ever belonged to it
	Ledger  json.RawMessage // what the tracker keeps for itself: who was told what
}

// Change is what a result or the passing of time brought about; it is committed
// in one transaction.
type Change struct {
	States     []MonitorState
	Removed    []string // ids of monitors whose state is to be forgotten
	Incidents  []IncidentRecord
	Deliveries []Delivery
	Probe      []string // ids of monitors that are to be run now; nothing to commit
}

// Empty says whether there is nothing to commit.
func (c Change) Empty() bool {
	return len(c.States)+len(c.Removed)+len(c.Incidents)+len(c.Deliveries) == 0
}
