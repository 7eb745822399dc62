package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/watchword/watchword/internal/secret"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// ours stands in the header of every database of this program (SQLite's
// application_id), so that nobody else's is ever changed: "Wwrd".
const ours = 0x57777264

// migrations returns the steps of the schema; step i leads from version i to
// i+1. A step that was released is never changed.
func migrations() []string {
	var steps []string
	names, _ := fs.Glob(migrationFiles, "migrations/*.sql") // sorted; the pattern is good
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err == nil { // always, for an embedded file
			steps = append(steps, string(text))
		}
	}
	return steps
}

// migrate brings the database to the newest schema, one transaction a step.
// The version stands in the header (user_version) and changes with its step.
func (d *database) migrate(ctx context.Context, path string, steps []string) error {
	at, err := d.version(ctx, path)
	if err != nil {
		return err
	}
	if at > len(steps) {
		return &NewerError{Path: path, By: d.writtenBy(ctx), Schema: at, Known: len(steps)}
	}
	for ; at < len(steps); at++ {
		err := d.tx(ctx, true, func() error {
			if _, err := d.conn.ExecContext(ctx, steps[at]); err != nil {
				return err
			}
			_, err := d.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", ours, at+1))
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate database %q from schema %d to %d: %w", path, at, at+1, err)
		}
	}
	return nil
}

// version returns the schema of the database, 0 for an empty one.
func (d *database) version(ctx context.Context, path string) (int, error) {
	id, err := d.number(ctx, "application_id")
	if err != nil {
		return 0, fmt.Errorf("read database %q: %w", path, err)
	}
	at, err := d.number(ctx, "user_version")
	if err != nil {
		return 0, fmt.Errorf("read database %q: %w", path, err)
	}
	if id == ours {
		return int(at), nil
	}
	var tables int
	if err := d.conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return 0, fmt.Errorf("read database %q: %w", path, err)
	}
	if id != 0 || tables != 0 {
		return 0, &ForeignError{Path: path, Is: "a database of another program"}
	}
	return 0, nil
}

// writtenBy returns the version of the program that opened the database last, ""
// where that cannot be told: it may stand elsewhere in a newer schema.
func (d *database) writtenBy(ctx context.Context) string {
	var version string
	if err := d.conn.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'version'`).Scan(&version); err != nil {
		return ""
	}
	return secret.Line(version, 60)
}
