package incident

import (
	"maps"
	"slices"

	"github.com/watchword/watchword/internal/check"
)

// State returns the standing of one monitor.
func (t *Tracker) State(id string) (check.MonitorState, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[id]
	if e == nil {
		return check.MonitorState{}, false
	}
	return e.shown(), true
}

// States returns the standing of all monitors, sorted by id.
func (t *Tracker) States() []check.MonitorState {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ss []check.MonitorState
	for _, id := range slices.Sorted(maps.Keys(t.entries)) {
		ss = append(ss, t.entries[id].shown())
	}
	return ss
}

// Open returns the open incidents, oldest first.
func (t *Tracker) Open() []check.IncidentRecord {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rs []check.IncidentRecord
	for _, inc := range t.incidents {
		if inc.ended.IsZero() {
			rs = append(rs, inc.record())
		}
	}
	slices.SortFunc(rs, func(a, b check.IncidentRecord) int { return a.Opened.Compare(b.Opened) })
	return rs
}
