package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	shortRead = 5 * time.Second
	longRead  = 2 * time.Minute
	readers   = 2
)

// reader reads through connections of its own, so that neither waits for the
// writer nor makes it wait. They are opened when they are needed.
type reader struct {
	mu     sync.Mutex
	db     *sql.DB
	wg     sync.WaitGroup
	closed bool
}

// open has the next reads go to the file that path names now.
func (r *reader) open(path string) {
	db, err := sql.Open("sqlite", readerDSN(path))
	if err != nil {
		return
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(1)
	db.SetConnMaxIdleTime(time.Minute)
	r.mu.Lock()
	old := r.db
	r.db = db
	r.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
}

// do runs f within ctx and limit. It returns in time even when the disk hangs:
// f goes on alone then, and what it gathered must not be touched.
func (r *reader) do(ctx context.Context, limit time.Duration, f func(context.Context, querier) error) error {
	r.mu.Lock()
	db := r.db
	if db == nil || r.closed {
		r.mu.Unlock()
		return nil
	}
	r.wg.Add(1)
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, limit)
	result := make(chan error, 1)
	go func() {
		defer r.wg.Done()
		defer cancel()
		result <- f(ctx, db)
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		// The result may be there as well, and then it counts.
		select {
		case err := <-result:
			return err
		default:
			return ctx.Err()
		}
	}
}

func (r *reader) close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	db := r.db
	r.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.wg.Wait()
		if db != nil {
			_ = db.Close()
		}
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Incidents returns incidents, newest first: those that are open, or with
// state "all" the closed ones of the last 90 days as well. What only memory
// has is included. limit is at least 1.
func (s *Store) Incidents(ctx context.Context, state string, limit int) ([]check.IncidentRecord, error) {
	if state != "open" && state != "all" {
		return nil, fmt.Errorf("read incidents: unknown state %q", state)
	}
	newer := s.unwrittenIncidents()
	query := `SELECT ` + incidentColumns + ` FROM incidents ORDER BY opened DESC LIMIT ?`
	if state == "open" {
		query = `SELECT ` + incidentColumns + ` FROM incidents WHERE closed = 0 ORDER BY opened DESC LIMIT ?`
	}
	found := make(chan []check.IncidentRecord, 1)
	err := s.read.do(ctx, shortRead, func(ctx context.Context, q querier) error {
		var records []check.IncidentRecord
		err := each(ctx, q, func(rows *sql.Rows) error {
			r, err := scanIncident(rows)
			if errors.Is(err, errUnreadable) {
				return nil
			}
			records = append(records, r)
			return err
		}, query, limit+len(newer))
		found <- records
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	var records []check.IncidentRecord
	select {
	case records = <-found:
	default: // there is no database
	}
	return overlay(records, newer, state == "open", limit), nil
}

// overlay puts what is newer in place of what was read.
func overlay(records []check.IncidentRecord, newer map[string]check.IncidentRecord, open bool, limit int) []check.IncidentRecord {
	records = slices.DeleteFunc(records, func(r check.IncidentRecord) bool {
		_, replaced := newer[r.ID]
		return replaced
	})
	for _, r := range newer {
		if !open || r.Closed.IsZero() {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b check.IncidentRecord) int {
		return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(b.ID, a.ID))
	})
	return records[:min(len(records), limit)]
}

func (s *Store) unwrittenIncidents() map[string]check.IncidentRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	newer := map[string]check.IncidentRecord{}
	for _, b := range []*batch{s.flying, s.next} {
		if b == nil {
			continue
		}
		maps.Copy(newer, b.incidents)
	}
	return newer
}

// Runs returns the last runs of a monitor, newest first, at most those of the
// last 24 hours. What waits for its flush is included.
func (s *Store) Runs(ctx context.Context, monitor string, limit int) ([]check.Run, error) {
	runs := s.unwrittenRuns(monitor)
	found := make(chan []check.Run, 1)
	err := s.read.do(ctx, shortRead, func(ctx context.Context, q querier) error {
		var read []check.Run
		err := each(ctx, q, func(rows *sql.Rows) error {
			r, err := scanRun(rows, monitor)
			read = append(read, r)
			return err
		}, runsQuery, monitor, limit)
		found <- read
		return err
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read runs of %q: %w", monitor, err)
	}
	select {
	case read := <-found:
		runs = append(runs, read...)
	default: // there is no database
	}
	slices.SortStableFunc(runs, func(a, b check.Run) int { return b.Start.Compare(a.Start) })
	// A row that was being written may have been read in both places.
	runs = slices.CompactFunc(runs, func(a, b check.Run) bool { return a.Start.Equal(b.Start) })
	return runs[:min(len(runs), limit)], nil
}

// The newest slots come first and each is looked up by (slot, mon): nothing is
// sorted, and nothing is read beyond the limit.
const runsQuery = `SELECT ts, took, token, resolve, connect, tls, processing, transfer, status, state, reason, message, location
	FROM monitors CROSS JOIN slots CROSS JOIN runs ON runs.slot = slots.slot AND runs.mon = monitors.num
	WHERE monitors.id = ? ORDER BY slots.slot DESC, runs.ts DESC LIMIT ?`

func scanRun(rows *sql.Rows, monitor string) (check.Run, error) {
	var (
		r        = check.Run{Monitor: monitor}
		ts, took int64
		p        [6]int64
	)
	err := rows.Scan(&ts, &took, &p[0], &p[1], &p[2], &p[3], &p[4], &p[5], &r.Status, &r.State, &r.Reason, &r.Message, &r.Location)
	r.Start, r.Took, r.Phases = time.UnixMilli(ts).UTC(), micros(took), phases(p)
	if r.Reason != "" {
		r.Class = check.ClassOf(r.Reason)
	}
	return r, err
}

func (s *Store) unwrittenRuns(monitor string) []check.Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	var runs []check.Run
	for _, rows := range [][]runRow{s.flight, s.runs} {
		for i := range rows {
			if rows[i].monitor == monitor {
				runs = append(runs, rows[i].unpack())
			}
		}
	}
	return runs
}
