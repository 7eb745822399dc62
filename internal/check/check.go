// Package check holds the words that all rooms of Watchword share: what is
// watched, what a run found, and what people are told. It imports nothing of
// ours and does nothing by itself.
package check

import (
	"context"
	"time"
)

// Monitor is one thing that is watched. It is immutable and shared by pointer:
// a result whose Monitor pointer is no longer the current one is stale.
type Monitor struct {
	ID         string
	Name       string
	Type       string // http, authz, guard, issuer
	Group      string
	URL        string // without userinfo, query and fragment: fit to be shown
	Credential string // name of the credential, "" for none
	Labels     []Label
	KumaType   string // what Uptime Kuma calls a monitor that expects the same: http, keyword, json-query; "" where it has none

	// CertificateWarn is how long before a certificate expires people are told,
	// longest first; see Chain.Due. Empty: never.
	CertificateWarn []time.Duration
}

// Label is one label of a monitor, sorted by name within it.
type Label struct{ Name, Value string }

// Result is what one run found. A nil Fault means that it passed.
type Result struct {
	Monitor    *Monitor
	Start      time.Time
	Took       time.Duration
	Phases     Phases
	StatusCode int     // of the last answer; 0 when there was none
	Remote     string  // host:port that was dialled ("192.0.2.7:443"); the name and port when it did not resolve; "" when nothing was dialled; through a proxy the name and port of the URL, and the proxy where it is the one that failed
	Certs      *Chain  // chain of the first hop, interned by fingerprint; nil without TLS
	Fault      *Fault  // nil: passed
	Detail     *Detail // nil on ordinary passes
}

// Phases says where the time of a run went, summed over its hops.
type Phases struct {
	Token, Resolve, Connect, TLS, Processing, Transfer time.Duration
}

// PhaseNames are the names of the phases in the order of Phases.Values.
func PhaseNames() [6]string {
	return [6]string{"token", "resolve", "connect", "tls", "processing", "transfer"}
}

// Values returns the phases in the order of PhaseNames.
func (p Phases) Values() [6]time.Duration {
	return [6]time.Duration{p.Token, p.Resolve, p.Connect, p.TLS, p.Processing, p.Transfer}
}

// Detail is what a person needs to follow a run that did not go the ordinary way.
type Detail struct {
	Tries []Try
	Token *TokenInfo
	Notes []string // what is worth knowing and no fault, one line each
	Known bool     // the run before had notes of the same kind: they are no news
}

// Try is one request of a run.
type Try struct {
	Method   string
	URL      string // redacted
	Status   int    // 0: no answer
	Location string // redacted target of a redirect
	Remote   string
	Took     time.Duration
	Note     string // why another request followed, for people
}

// TokenInfo tells about a token without holding it.
type TokenInfo struct {
	Credential string
	Fetched    bool // fetched within this run, not taken from the cache
	Expires    time.Time
	Scope      string
	Warning    string
}

// State is the standing of a monitor; the values are those of the API.
type State string

// The states of a monitor.
const (
	Up          State = "up"
	Down        State = "down"
	Pending     State = "pending"
	Exposed     State = "exposed"
	Maintenance State = "maintenance"
	Paused      State = "paused"
)

// Number is the value of watchword_monitor_status, the same as Uptime Kuma's.
func (s State) Number() int {
	switch s {
	case Up:
		return 1
	case Pending:
		return 2
	case Maintenance:
		return 3
	default:
		return 0
	}
}

// MonitorState is what outlives a restart of one monitor.
type MonitorState struct {
	ID       string
	Type     string // a new type of the same id is a new monitor
	State    State
	Since    time.Time // of State
	Failing  time.Time // first failure of the current failing stretch; zero while it passes
	Fails    int       // failures in a row, counted up to the first that made it down
	Passes   int       // passes in a row while down
	Fault    *FaultText
	Incident string // id of the open incident that it belongs to, "" for none
	Warned   []Warned
	Cover    *Cover // maintenance that it is in, or was in until a run has said how it stands; nil: none
}

// Cover is a maintenance that a monitor is in: what it does is recorded, and told
// to nobody.
type Cover struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"`    // when it ended; zero while it goes on
	State State     `json:"state"`          // what the monitor would be without it
	Since time.Time `json:"since,omitzero"` // of that state
}

// Order is what somebody ordered by hand: a pause, a maintenance that is not in
// the configuration. It holds until it is taken back, over restarts too.
type Order struct {
	Kind string // what it is about, for those who gave it
	Name string // unique within Kind
	Body []byte // JSON; nil: it is taken back
}

// Hold is why a monitor that is down was not announced.
type Hold struct {
	By      []string // ids of the monitors that it depends on
	Failing bool     // they fail; else it waits for their answer, or for a run of its own after their recovery
}

// Warned is a certificate of which people were told that it is about to expire.
type Warned struct {
	Fingerprint string        `json:"fingerprint"` // of the certificate that expires
	Threshold   time.Duration `json:"threshold"`   // the smallest that was told
	NotAfter    time.Time     `json:"not_after"`
	Told        []string      `json:"told,omitempty"` // names of notifiers
}

// Run is one row of the history.
type Run struct {
	Monitor  string // id
	Start    time.Time
	Took     time.Duration
	Phases   Phases
	Status   int
	State    State // after the run
	Class    Class // "" when it passed
	Reason   Reason
	Message  string
	Location string // agent.location
}

// Rollup sums the runs of one monitor in one span of time.
type Rollup struct {
	Monitor  string // id
	Span     time.Duration
	Start    time.Time // aligned to Span, UTC
	Runs     int
	Failures int
	Up       time.Duration // time spent up
	Known    time.Duration // time for which the state was known: up, pending and down
	Took     time.Duration // sum over runs that got an answer
	Phases   Phases        // sums
}

// ProbeFunc runs one check once, within ctx, and returns exactly one result.
type ProbeFunc func(ctx context.Context) Result
