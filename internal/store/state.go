package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// nanos is how a time stands in the database: nanoseconds, 0 for none.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// moment is the reverse of nanos.
func moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// writeBatch writes all of a batch in one transaction; it is on disk when it
// returns nil.
func (d *database) writeBatch(ctx context.Context, b *batch) error {
	return d.tx(ctx, true, func() error {
		for id, s := range b.states {
			if err := d.writeState(ctx, id, s); err != nil {
				return fmt.Errorf("write state of %q: %w", id, err)
			}
		}
		for _, r := range b.incidents {
			if err := d.writeIncident(ctx, r); err != nil {
				return fmt.Errorf("write incident %q: %w", r.ID, err)
			}
		}
		for _, o := range b.orders {
			if err := d.writeOrder(ctx, o); err != nil {
				return fmt.Errorf("write %s of %q: %w", o.Kind, o.Name, err)
			}
		}
		for id, op := range b.deliveries {
			if err := d.writeDelivery(ctx, id, op); err != nil {
				return fmt.Errorf("write delivery %d: %w", id, err)
			}
		}
		return nil
	})
}

func (d *database) writeState(ctx context.Context, id string, s *check.MonitorState) error {
	if s == nil {
		return d.exec(ctx, `DELETE FROM states WHERE id = ?`, id)
	}
	fault, err := textOf(s.Fault, s.Fault != nil)
	if err != nil {
		return err
	}
	warned, err := textOf(s.Warned, len(s.Warned) > 0)
	if err != nil {
		return err
	}
	cover, err := textOf(s.Cover, s.Cover != nil)
	if err != nil {
		return err
	}
	return d.exec(ctx, `INSERT OR REPLACE INTO states (id, type, state, since, failing, fails, passes, fault, incident, warned, cover)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, s.Type, string(s.State), nanos(s.Since), nanos(s.Failing), s.Fails, s.Passes, fault, s.Incident, warned, cover)
}

// textOf is how something stands in the database that may not be there: JSON, or
// "".
func textOf(v any, there bool) (string, error) {
	if !there {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func (d *database) writeOrder(ctx context.Context, o check.Order) error {
	if o.Body == nil {
		return d.exec(ctx, `DELETE FROM orders WHERE kind = ? AND name = ?`, o.Kind, o.Name)
	}
	return d.exec(ctx, `INSERT OR REPLACE INTO orders (kind, name, body) VALUES (?, ?, ?)`, o.Kind, o.Name, string(o.Body))
}

func (d *database) writeIncident(ctx context.Context, r check.IncidentRecord) error {
	fault, err := json.Marshal(r.Fault)
	if err != nil {
		return err
	}
	members, err := json.Marshal(r.Members)
	if err != nil {
		return err
	}
	return d.exec(ctx, `INSERT INTO incidents (id, cause_kind, cause_key, fault, opened, closed, members, ledger)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET cause_kind = excluded.cause_kind, cause_key = excluded.cause_key, fault = excluded.fault,
			opened = excluded.opened, closed = excluded.closed, members = excluded.members, ledger = excluded.ledger`,
		r.ID, string(r.Cause.Kind), r.Cause.Key, string(fault), nanos(r.Opened), nanos(r.Closed), string(members), string(r.Ledger))
}

func (d *database) writeDelivery(ctx context.Context, id int64, op deliveryOp) error {
	if op.insert == nil {
		return d.exec(ctx, `UPDATE deliveries SET status = ?, changed = ? WHERE id = ?`, op.status, nanos(op.at), id)
	}
	body, err := json.Marshal(op.insert)
	if err != nil {
		return err
	}
	return d.exec(ctx, `INSERT OR REPLACE INTO deliveries (id, notifier, status, changed, body) VALUES (?, ?, ?, ?, ?)`,
		id, op.insert.Notifier, op.status, nanos(op.at), string(body))
}
