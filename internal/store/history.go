package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const (
	txRows     = 1000 // rows of history in one transaction
	insertRows = 25   // runs in one statement
	runColumns = 15
)

// runRow is a run as it waits for its flush: half the size of a check.Run.
type runRow struct {
	monitor  string
	num      int64 // of the monitor, known when it is flushed
	start    int64 // ms
	took     int64 // µs
	phases   [6]uint32
	status   uint16
	state    check.State
	fault    *runFault // nil: passed
	location string
}

type runFault struct {
	reason  check.Reason
	message string
}

func packRun(r check.Run) runRow {
	row := runRow{monitor: r.Monitor, start: r.Start.UnixMilli(), took: r.Took.Microseconds(), status: uint16(r.Status), state: r.State, location: r.Location}
	for i, d := range r.Phases.Values() {
		row.phases[i] = uint32(min(d.Microseconds(), 1<<32-1))
	}
	if r.Reason != "" {
		row.fault = &runFault{r.Reason, r.Message}
	}
	return row
}

func (r *runRow) unpack() check.Run {
	run := check.Run{Monitor: r.monitor, Start: time.UnixMilli(r.start).UTC(), Took: micros(r.took), Status: int(r.status), State: r.state, Location: r.location,
		Phases: phases([6]int64{int64(r.phases[0]), int64(r.phases[1]), int64(r.phases[2]), int64(r.phases[3]), int64(r.phases[4]), int64(r.phases[5])})}
	if r.fault != nil {
		run.Reason, run.Class, run.Message = r.fault.reason, check.ClassOf(r.fault.reason), r.fault.message
	}
	return run
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func phases(v [6]int64) check.Phases {
	return check.Phases{Token: micros(v[0]), Resolve: micros(v[1]), Connect: micros(v[2]), TLS: micros(v[3]), Processing: micros(v[4]), Transfer: micros(v[5])}
}

// numberMonitors makes sure that every id has a number. The numbers are learnt
// only when they are committed.
func (d *database) numberMonitors(ctx context.Context, ids []string) error {
	learnt := map[string]int64{}
	err := d.tx(ctx, false, func() error {
		for _, id := range ids {
			var num int64
			err := d.conn.QueryRowContext(ctx, `INSERT INTO monitors (id) VALUES (?) RETURNING num`, id).Scan(&num)
			if err != nil {
				return fmt.Errorf("number monitor %q: %w", id, err)
			}
			learnt[id] = num
		}
		return nil
	})
	if err != nil {
		return err
	}
	maps.Copy(d.monitors, learnt)
	return nil
}

// unnumbered returns up to txRows ids of next that have no number yet.
func (d *database) unnumbered(n int, next func(int) string) []string {
	var ids []string
	seen := map[string]bool{}
	for i := 0; i < n && len(ids) < txRows; i++ {
		id := next(i)
		if _, known := d.monitors[id]; !known && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// beginSlot sorts a flush and gives it its slot.
func (d *database) beginSlot(rows []runRow, now time.Time) {
	for i := range rows {
		rows[i].num = d.monitors[rows[i].monitor]
	}
	slices.SortFunc(rows, func(a, b runRow) int {
		return cmp.Or(cmp.Compare(a.num, b.num), cmp.Compare(a.start, b.start))
	})
	d.slot = max(d.slot+1, now.Unix())
}

// writeRuns writes rows of the current slot in one transaction.
func (d *database) writeRuns(ctx context.Context, rows []runRow) error {
	return d.tx(ctx, false, func() error {
		if err := d.exec(ctx, `INSERT OR IGNORE INTO slots (slot) VALUES (?)`, d.slot); err != nil {
			return err
		}
		args := make([]any, 0, insertRows*runColumns)
		for part := range slices.Chunk(rows, insertRows) {
			args = args[:0]
			for i := range part {
				args = part[i].args(args, d.slot)
			}
			if err := d.exec(ctx, insertRuns(len(part)), args...); err != nil {
				return fmt.Errorf("write runs: %w", err)
			}
		}
		return nil
	})
}

func insertRuns(n int) string {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	return `INSERT OR REPLACE INTO runs (slot, mon, ts, took, token, resolve, connect, tls, processing, transfer, status, state, reason, message, location)
		VALUES ` + strings.Repeat(row+", ", n-1) + row
}

func (r *runRow) args(args []any, slot int64) []any {
	args = append(args, slot, r.num, r.start, r.took)
	for _, p := range r.phases {
		args = append(args, int64(p))
	}
	args = append(args, int64(r.status), string(r.state))
	if r.fault == nil {
		return append(args, "", "", r.location)
	}
	return append(args, string(r.fault.reason), r.fault.message, r.location)
}

// writeRollups writes up to txRows roll-ups in one transaction. What was saved
// before of the same span is replaced.
func (d *database) writeRollups(ctx context.Context, rs []check.Rollup) error {
	return d.tx(ctx, false, func() error {
		for i := range rs {
			r := &rs[i]
			p := r.Phases.Values()
			err := d.exec(ctx, `INSERT OR REPLACE INTO rollups (span, start, mon, runs, failures, up, known, took, token, resolve, connect, tls, processing, transfer)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				int64(r.Span/time.Second), r.Start.Unix(), d.monitors[r.Monitor], r.Runs, r.Failures, r.Up.Microseconds(), r.Known.Microseconds(), r.Took.Microseconds(),
				p[0].Microseconds(), p[1].Microseconds(), p[2].Microseconds(), p[3].Microseconds(), p[4].Microseconds(), p[5].Microseconds())
			if err != nil {
				return fmt.Errorf("write roll-up of %q: %w", r.Monitor, err)
			}
		}
		return nil
	})
}
