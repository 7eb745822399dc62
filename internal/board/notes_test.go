package board

import (
	"slices"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// TestNotes are those of the last run.
func TestNotes(t *testing.T) {
	b := New(nil)
	m := &check.Monitor{ID: "a"}
	b.Set([]*check.Monitor{m})
	for _, notes := range [][]string{{"slow"}, nil} {
		r := check.Result{Monitor: m, Start: time.Now()}
		if notes != nil {
			r.Detail = &check.Detail{Notes: notes}
		}
		b.Record(r, check.MonitorState{State: check.Up})
		if v, _ := b.Get("a"); !slices.Equal(v.Last.Notes, notes) {
			t.Errorf("notes %v, want %v", v.Last.Notes, notes)
		}
	}
}
