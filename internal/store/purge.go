package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"time"
)

// How long things are kept.
const (
	keepRuns       = 24 * time.Hour
	keepDeliveries = 7 * 24 * time.Hour // after they were finished
	keepIncidents  = 90 * 24 * time.Hour
	tenMinutes     = 10 * time.Minute
	day            = 24 * time.Hour
	keepTenMinutes = 8 * day
	keepHours      = 100 * day
	keepDays       = 2 * 365 * day
	checkpointOver = 1 << 20 // bytes of log
)

// purge is how far the keeping of the house has come. It goes in steps of one
// small transaction, so that state never waits for it.
type purge struct {
	due  bool
	task int
}

// keepHouse does one step of what is to be done after each flush: forget what
// is old, make room, checkpoint, look how large the files are.
func (w *writer) keepHouse(ctx context.Context) (bool, error) {
	if !w.purge.due || w.last { // the next start has time for it
		return false, nil
	}
	if err := w.stillThere(); err != nil {
		return false, err
	}
	tasks := w.db.forgetful(w.s.o.Now(), w.s.o.MaxBytes)
	if w.purge.task < len(tasks) {
		var n int64
		err := w.measured("purge", func() (err error) {
			n, err = tasks[w.purge.task](ctx)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("purge: %w", err)
		}
		if n < txRows {
			w.purge.task++
		}
		return true, nil
	}
	w.purge = purge{}
	_, log := w.look()
	if log < checkpointOver {
		return false, nil
	}
	err := w.measured("checkpoint", func() error { return w.db.checkpoint(ctx, "PASSIVE") })
	w.look()
	return true, err
}

// forgetful returns the tasks of a purge. Each forgets up to txRows rows and
// returns how many it did.
func (d *database) forgetful(now time.Time, limit int64) []func(context.Context) (int64, error) {
	del := func(query string, args ...any) func(context.Context) (int64, error) {
		return func(ctx context.Context) (n int64, err error) {
			err = d.tx(ctx, false, func() error {
				n, err = d.affect(ctx, query, append(args, txRows)...)
				return err
			})
			return n, err
		}
	}
	rolls := func(span, keep time.Duration) func(context.Context) (int64, error) {
		return del(`DELETE FROM rollups WHERE (span, start, mon) IN
			(SELECT span, start, mon FROM rollups WHERE span = ? AND start < ? LIMIT ?)`, int64(span/time.Second), now.Add(-keep).Unix())
	}
	return []func(context.Context) (int64, error){
		func(ctx context.Context) (int64, error) { return d.forgetRuns(ctx, now) },
		func(ctx context.Context) (int64, error) { return d.makeRoom(ctx, limit) },
		rolls(tenMinutes, keepTenMinutes), rolls(time.Hour, keepHours), rolls(day, keepDays),
		del(`DELETE FROM incidents WHERE rowid IN
			(SELECT rowid FROM incidents WHERE closed <> 0 AND closed < ? LIMIT ?)`, nanos(now.Add(-keepIncidents))),
		// The last one stays: the numbers of deliveries go on from it.
		del(`DELETE FROM deliveries WHERE id IN
			(SELECT id FROM deliveries WHERE status NOT IN ('queued', 'sending') AND changed < ?
				AND id < (SELECT max(id) FROM deliveries) LIMIT ?)`, nanos(now.Add(-keepDeliveries))),
	}
}

// forgetRuns forgets what is old, and what was written while the clock was more
// than a day ahead: it would be kept until that time comes, and so would all
// that is written after it.
func (d *database) forgetRuns(ctx context.Context, now time.Time) (int64, error) {
	ahead := now.Add(day).Unix()
	n, err := d.forgetSlot(ctx, now.Add(-keepRuns).Unix(), ahead)
	if err == nil && n == 0 && d.slot > ahead {
		err = d.conn.QueryRowContext(ctx, `SELECT coalesce(max(slot), 0) FROM slots`).Scan(&d.slot)
	}
	return n, err
}

// forgetSlot forgets rows of the oldest slot that is older than before or newer
// than after (seconds since 1970), and says to come again as long as there may
// be more.
func (d *database) forgetSlot(ctx context.Context, before, after int64) (int64, error) {
	more := int64(0)
	err := d.tx(ctx, false, func() error {
		var slot sql.NullInt64
		if err := d.conn.QueryRowContext(ctx, `SELECT min(slot) FROM slots WHERE slot < ? OR slot > ?`, before, after).Scan(&slot); err != nil || !slot.Valid {
			return err
		}
		more = txRows
		n, err := d.affect(ctx, `DELETE FROM runs WHERE (slot, mon, ts) IN (SELECT slot, mon, ts FROM runs WHERE slot = ? LIMIT ?)`, slot.Int64, txRows)
		if err != nil || n == txRows {
			return err
		}
		return d.exec(ctx, `DELETE FROM slots WHERE slot = ?`, slot.Int64)
	})
	return more, err
}

// makeRoom forgets the oldest runs while the database uses more than limit
// bytes. The slot in progress stays.
func (d *database) makeRoom(ctx context.Context, limit int64) (int64, error) {
	pages, err := d.number(ctx, "page_count")
	if err != nil {
		return 0, err
	}
	free, err := d.number(ctx, "freelist_count")
	if err != nil {
		return 0, err
	}
	size, err := d.number(ctx, "page_size")
	if err != nil || (pages-free)*size <= limit {
		return 0, err
	}
	return d.forgetSlot(ctx, d.slot, math.MaxInt64)
}

// checkpoint moves the log into the database.
func (d *database) checkpoint(ctx context.Context, mode string) error {
	_, err := d.conn.ExecContext(ctx, "PRAGMA wal_checkpoint("+mode+")")
	return err
}

// look notes how large the database and its log are and returns that.
func (w *writer) look() (main, log int64) {
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	main, log = size(w.s.o.Path), size(w.s.o.Path+"-wal")
	w.s.mu.Lock()
	w.s.stats.Bytes = main + log
	w.s.mu.Unlock()
	return main, log
}
