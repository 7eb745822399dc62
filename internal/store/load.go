package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Snapshot is what an agent begins with. Roll-ups are read by EachRollup: they
// are many.
type Snapshot struct {
	States     []check.MonitorState
	Open       []check.IncidentRecord // oldest first
	Deliveries []StoredDelivery       // queued or sending, in the order of their numbers
	Orders     []check.Order          // that cover

	// LastDelivery is the highest number that a delivery may already have. It
	// is a time in microseconds when the database could not be read.
	LastDelivery int64

	// Newest is the latest time that anything was recorded at, to the second;
	// zero when there is nothing.
	Newest time.Time

	// Unreadable is how many deliveries and incidents stayed behind because
	// what the database holds of them makes no sense.
	Unreadable int

	// Unread says that there may be a database with more in it, which cannot
	// be read for the time being.
	Unread bool
}

// StoredDelivery is a delivery that had not ended when it was read.
type StoredDelivery struct {
	check.Delivery
	Sending bool // an attempt may have reached its notifier
}

// querier is what reads: a connection or a pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Load returns what the agent begins with: what was read when the database was
// opened. It reads nothing and is to be called once, before the first Commit.
func (s *Store) Load(context.Context) (Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = true
	found := s.snapshot
	if !s.loaded {
		found.LastDelivery = s.o.Now().UnixMicro()
		found.Unread = s.o.Path != ""
	}
	s.snapshot = Snapshot{}
	return found, nil
}

func load(ctx context.Context, q querier) (Snapshot, error) {
	var found Snapshot
	for _, read := range found.readers() {
		if err := read(ctx, q); err != nil {
			return Snapshot{}, err
		}
	}
	return found, nil
}

// readers are the parts of a snapshot, most precious first.
func (f *Snapshot) readers() []func(context.Context, querier) error {
	return []func(context.Context, querier) error{f.readDeliveries, f.readIncidents, f.readOrders, f.readStates, f.readLast, f.readNewest}
}

// each calls f for every row that a query finds. What f needs of a row it must
// copy.
func each(ctx context.Context, q querier, f func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err says what went wrong
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (f *Snapshot) readDeliveries(ctx context.Context, q querier) error {
	return each(ctx, q, func(rows *sql.Rows) error {
		var (
			d      StoredDelivery
			status string
			body   []byte
		)
		if err := rows.Scan(&status, &body); err != nil {
			return err
		}
		if json.Unmarshal(body, &d.Delivery) != nil { // one bad row must not keep the others
			f.Unreadable++
			return nil
		}
		d.Sending = status == sending
		f.Deliveries = append(f.Deliveries, d)
		return nil
	}, `SELECT status, body FROM deliveries WHERE status IN ('queued', 'sending') ORDER BY id`)
}

func (f *Snapshot) readIncidents(ctx context.Context, q querier) error {
	return each(ctx, q, func(rows *sql.Rows) error {
		r, err := scanIncident(rows)
		if errors.Is(err, errUnreadable) {
			f.Unreadable++
			return nil
		}
		f.Open = append(f.Open, r)
		return err
	}, `SELECT `+incidentColumns+` FROM incidents WHERE closed = 0 ORDER BY opened`)
}

// errUnreadable says that a row is not what this program writes: SQLite has no
// checksums, and a bit that flips within a text is no corruption to it.
var errUnreadable = errors.New("it makes no sense") //nolint:gochecknoglobals // an error value

const incidentColumns = "id, cause_kind, cause_key, fault, opened, closed, members, ledger"

func scanIncident(rows *sql.Rows) (check.IncidentRecord, error) {
	var (
		r                      check.IncidentRecord
		fault, members, ledger []byte
		opened, closed         int64
	)
	if err := rows.Scan(&r.ID, &r.Cause.Kind, &r.Cause.Key, &fault, &opened, &closed, &members, &ledger); err != nil {
		return r, err
	}
	if json.Unmarshal(fault, &r.Fault) != nil || json.Unmarshal(members, &r.Members) != nil || len(ledger) > 0 && !json.Valid(ledger) {
		return r, fmt.Errorf("read incident %q: %w", r.ID, errUnreadable)
	}
	if len(ledger) > 0 {
		r.Ledger = ledger
	}
	r.Opened, r.Closed = moment(opened), moment(closed)
	return r, nil
}

func (f *Snapshot) readStates(ctx context.Context, q querier) error {
	return each(ctx, q, func(rows *sql.Rows) error {
		var (
			s              check.MonitorState
			since, failing int64
			fault, warned  []byte
			cover          []byte
		)
		if err := rows.Scan(&s.ID, &s.Type, &s.State, &since, &failing, &s.Fails, &s.Passes, &fault, &s.Incident, &warned, &cover); err != nil {
			return err
		}
		if len(fault) > 0 {
			s.Fault = &check.FaultText{}
			_ = json.Unmarshal(fault, s.Fault) // it is to be shown, and the next run brings another
		}
		if len(warned) > 0 && json.Unmarshal(warned, &s.Warned) != nil {
			s.Warned = nil // a warning twice is better than none
		}
		if len(cover) > 0 && json.Unmarshal(cover, &s.Cover) != nil {
			s.Cover = nil // the monitor is judged anew
		}
		s.Since, s.Failing = moment(since), moment(failing)
		f.States = append(f.States, s)
		return nil
	}, `SELECT id, type, state, since, failing, fails, passes, fault, incident, warned, cover FROM states ORDER BY id`)
}

func (f *Snapshot) readOrders(ctx context.Context, q querier) error {
	return each(ctx, q, func(rows *sql.Rows) error {
		var o check.Order
		if err := rows.Scan(&o.Kind, &o.Name, &o.Body); err != nil {
			return err
		}
		f.Orders = append(f.Orders, o)
		return nil
	}, `SELECT kind, name, body FROM orders ORDER BY kind, name`)
}

func (f *Snapshot) readLast(ctx context.Context, q querier) error {
	return each(ctx, q, func(rows *sql.Rows) error { return rows.Scan(&f.LastDelivery) },
		`SELECT coalesce(max(id), 0) FROM deliveries`)
}

func (f *Snapshot) readNewest(ctx context.Context, q querier) error {
	return each(ctx, q, func(rows *sql.Rows) error {
		var seconds int64
		err := rows.Scan(&seconds)
		f.Newest = moment(seconds * int64(time.Second))
		return err
	}, `SELECT max(coalesce((SELECT max(slot) FROM slots), 0), coalesce((SELECT max(opened) FROM incidents), 0) / 1000000000,
		coalesce((SELECT max(since) FROM states), 0) / 1000000000)`)
}

// EachRollup calls f with the roll-ups that the board begins with, a batch at a
// time and oldest first: ten-minute ones of the last 24 hours, hours of the
// last 30 days. f is called from another goroutine and the slice is used again
// after it returns.
func (s *Store) EachRollup(ctx context.Context, f func([]check.Rollup) error) error {
	now := s.o.Now()
	return s.read.do(ctx, longRead, func(ctx context.Context, q querier) error {
		batch := make([]check.Rollup, 0, txRows)
		add := func(rows *sql.Rows) error {
			r, err := scanRollup(rows)
			if err != nil {
				return err
			}
			if batch = append(batch, r); len(batch) < txRows || ctx.Err() != nil {
				return ctx.Err()
			}
			err = f(batch)
			batch = batch[:0]
			return err
		}
		for _, part := range []struct{ span, back time.Duration }{{time.Hour, 30 * day}, {tenMinutes, day}} {
			err := each(ctx, q, add, `SELECT span, start, id, runs, failures, up, known, took, token, resolve, connect, tls, processing, transfer
				FROM rollups CROSS JOIN monitors ON num = mon WHERE span = ? AND start >= ? ORDER BY start`,
				int64(part.span/time.Second), now.Add(-part.back).Truncate(part.span).Unix())
			if err != nil {
				return fmt.Errorf("read roll-ups: %w", err)
			}
		}
		if len(batch) == 0 {
			return nil
		}
		return f(batch)
	})
}

func scanRollup(rows *sql.Rows) (check.Rollup, error) {
	var (
		r                            check.Rollup
		span, start, up, known, took int64
		p                            [6]int64
	)
	err := rows.Scan(&span, &start, &r.Monitor, &r.Runs, &r.Failures, &up, &known, &took, &p[0], &p[1], &p[2], &p[3], &p[4], &p[5])
	r.Span, r.Start = time.Duration(span)*time.Second, time.Unix(start, 0).UTC()
	r.Up, r.Known, r.Took, r.Phases = micros(up), micros(known), micros(took), phases(p)
	return r, err
}
