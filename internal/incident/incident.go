package incident

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// incident is one cause and those who fail for it.
type incident struct {
	id      string
	cause   check.Cause
	fault   check.FaultText
	opened  time.Time
	ended   time.Time // zero while open
	members map[string]*member
	past    map[string]check.Member // who recovered or is no longer monitored
	span    time.Duration           // the longest that one of its members takes from one failure to down
	said    map[string]*said        // by notifier
	seen    time.Time               // when the cause was last seen in a result
	healed  time.Time               // when a member last recovered
	shared  bool                    // whether it ever had two members
}

// member is a monitor that fails.
type member struct {
	check.Member
	Cause check.Cause `json:"cause"` // of its last failure, which may be another than the incident's
	Off   int         `json:"off"`   // failures in a row for another cause
}

// said is what one notifier was told of one incident.
type said struct {
	Announce []string       `json:"announce,omitempty"` // members whose Down is due
	Told     []string       `json:"told,omitempty"`     // members whose Down went out or was covered by it: an Up is owed
	Due      time.Time      `json:"due,omitzero"`
	Last     time.Time      `json:"last,omitzero"` // the last Down or reminder
	Since    time.Time      `json:"since,omitzero"`
	Remind   bool           `json:"remind,omitempty"` // a reminder is due
	Up       bool           `json:"up,omitempty"`     // an Up is due
	Gone     bool           `json:"gone,omitempty"`   // as a note that they are no longer monitored
	Failing  []check.Member `json:"failing,omitempty"`

	hold    time.Time // not before
	queued  bool
	in      map[string]bool // who stands in Told or Announce
	failing int             // how many of them fail now
	every   time.Duration   // no member wants to be reminded more often; 0: none at all
}

// add takes a member that fails in; it returns false if the notifier knows of
// it already.
func (s *said) add(id string, every time.Duration) bool {
	s.hurry(every)
	s.failing++
	if s.in[id] {
		return false
	}
	if s.in == nil {
		s.in = map[string]bool{}
	}
	s.in[id] = true
	return true
}

// hurry has the notifier reminded at least so often; 0 asks for nothing.
func (s *said) hurry(every time.Duration) {
	if every > 0 && (s.every == 0 || every < s.every) {
		s.every = every
	}
}

// index works out what is not stored.
func (s *said) index(members map[string]*member) {
	s.in, s.failing = map[string]bool{}, 0
	for _, id := range s.owed() {
		if !s.in[id] && members[id] != nil {
			s.failing++
		}
		s.in[id] = true
	}
}

// ledger is what an incident keeps beside its record.
type ledger struct {
	Members map[string]*member      `json:"members"`
	Past    map[string]check.Member `json:"past,omitempty"`
	Said    map[string]*said        `json:"said"`
	Ended   time.Time               `json:"ended,omitzero"`
	Seen    time.Time               `json:"seen"`
	Healed  time.Time               `json:"healed,omitzero"`
	Span    time.Duration           `json:"span"`
	Shared  bool                    `json:"shared,omitempty"`
}

func (i *incident) pending(s *said) bool { return len(s.Announce) > 0 || s.Up || s.Remind }

// finished says whether nothing is left to be told.
func (i *incident) finished() bool {
	if i.ended.IsZero() {
		return false
	}
	for _, s := range i.said {
		if i.pending(s) {
			return false
		}
	}
	return true
}

// record returns the incident as it is stored. Until its last Up is on its way
// it counts as open there, so that a restart finds it.
func (i *incident) record() check.IncidentRecord {
	r := check.IncidentRecord{ID: i.id, Cause: i.cause, Fault: i.fault, Opened: i.opened}
	for _, id := range slices.Sorted(maps.Keys(i.members)) {
		r.Members = append(r.Members, i.members[id].Member)
	}
	if i.finished() {
		r.Closed = i.ended
		for _, id := range slices.Sorted(maps.Keys(i.past)) {
			r.Members = append(r.Members, i.past[id])
		}
	}
	l := ledger{Members: i.members, Past: i.past, Said: i.said, Ended: i.ended, Seen: i.seen, Healed: i.healed, Span: i.span, Shared: i.shared}
	if b, err := json.Marshal(l); err == nil { // a ledger is plain data: it always marshals
		r.Ledger = b
	}
	return r
}

func restoreIncident(r check.IncidentRecord) (*incident, error) {
	var l ledger
	if err := json.Unmarshal(r.Ledger, &l); err != nil {
		return nil, fmt.Errorf("restore incident %q: %w", r.ID, err)
	}
	i := &incident{
		id: r.ID, cause: r.Cause, fault: r.Fault, opened: r.Opened, ended: l.Ended, members: l.Members, past: l.Past,
		span: l.Span, said: l.Said, seen: l.Seen, healed: l.Healed, shared: l.Shared,
	}
	if i.members == nil {
		i.members = map[string]*member{}
	}
	if i.past == nil {
		i.past = map[string]check.Member{}
	}
	if i.said == nil {
		i.said = map[string]*said{}
	}
	for _, s := range i.said {
		s.index(i.members)
	}
	return i, nil
}

// owed returns the members that a notifier was told of, or is about to be.
func (s *said) owed() []string { return append(slices.Clone(s.Told), s.Announce...) }

// people returns the members with the given ids, whether they still fail or not.
func (i *incident) people(ids []string) []check.Member {
	var ms []check.Member
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if m := i.members[id]; m != nil {
			ms = append(ms, m.Member)
		} else if p, ok := i.past[id]; ok {
			ms = append(ms, p)
		}
	}
	return ms
}

// begun returns the first failure of any of ms.
func begun(ms []check.Member, or time.Time) time.Time {
	first := or
	for _, m := range ms {
		if !m.Since.IsZero() && m.Since.Before(first) {
			first = m.Since
		}
	}
	return first
}
