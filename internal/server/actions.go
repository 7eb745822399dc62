package server

import (
	"context"
	"time"
)

// Actions are what may be done to the agent. Each may be called from several
// goroutines at once; the error is a *Refusal where it is who asked that is to
// change something.
type Actions struct {
	Run    func(id string) error // a monitor, at once
	Pause  func(ctx context.Context, id string) error
	Resume func(ctx context.Context, id string) error

	PauseGroup  func(ctx context.Context, name string) (Group, error)
	ResumeGroup func(ctx context.Context, name string) (Group, error)

	// Maintenance returns the windows that are in force or to come: those of the
	// configuration, in its order, then those that were ordered.
	Maintenance func() []Maintenance
	Begin       func(ctx context.Context, o MaintenanceOrder) (Maintenance, error)
	End         func(ctx context.Context, id string) error
}

// Refusal says why something is not done.
type Refusal struct {
	Status int      // of HTTP
	Detail string   // a sentence fit for strangers
	Errors []string // "field: what is wrong", of an order
}

func (e *Refusal) Error() string { return e.Detail }

// Group is what became of a group that was paused or resumed.
type Group struct {
	Group    string   `json:"group"`
	Monitors []string `json:"monitors"` // ids of all that are in it
	Paused   []string `json:"paused"`   // those of them that are paused now
}

// Maintenance is a maintenance window as the API shows it. What is not known is
// null.
type Maintenance struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Source      string            `json:"source"` // configuration or api
	Active      bool              `json:"active"`
	From        *time.Time        `json:"from"` // of the occurrence that goes on, else of the next one
	To          *time.Time        `json:"to"`
	Next        *time.Time        `json:"next"`     // when it begins or ends next
	Monitors    []string          `json:"monitors"` // ids of all that it is about
	Groups      []string          `json:"groups"`   // as it was ordered or configured
	Labels      map[string]string `json:"labels"`
	All         bool              `json:"all"`
	Reason      string            `json:"reason"`
}

// The sources of maintenance windows.
const (
	FromConfiguration = "configuration"
	FromAPI           = "api"
)

// MaintenanceOrder orders a maintenance that is not in the configuration: whom it
// is about, and from when to when. The texts are as they came.
type MaintenanceOrder struct {
	Name     string            `json:"name"`
	Monitors []string          `json:"monitors"` // ids
	Groups   []string          `json:"groups"`
	Labels   map[string]string `json:"labels"`
	All      bool              `json:"all"`
	For      string            `json:"for"`  // "2h"; from From, or from now
	From     string            `json:"from"` // RFC 3339; without an offset, in the agent's time zone
	To       string            `json:"to"`
	Reason   string            `json:"reason"`
}
