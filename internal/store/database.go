package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // registers the driver
)

// database is the one connection that writes. It belongs to one goroutine.
type database struct {
	db         *sql.DB
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	monitors   map[string]int64 // number of each monitor that has history
	slot       int64            // the last one given out
	durable    bool             // whether a commit now waits for the disk
}

// dsn names a database file for the driver with pragmas that every connection
// of it needs.
func dsn(path string, pragmas url.Values, more string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	return u.String() + "?" + pragmas.Encode() + more
}

func writerDSN(path string, more ...string) string {
	return dsn(path, url.Values{"_pragma": append([]string{
		"busy_timeout(1000)",
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"cache_size(-1024)",
		"temp_store(MEMORY)",
		"journal_size_limit(4194304)",
		// Checkpoints are the writer's own, between transactions; this is
		// only the net below it.
		"wal_autocheckpoint(4000)",
	}, more...)}, "")
}

func readerDSN(path string) string {
	return dsn(path, url.Values{"_pragma": {
		"busy_timeout(1000)",
		"query_only(1)",
		"cache_size(-512)",
		"temp_store(MEMORY)",
	}}, "")
}

// openDatabase opens or creates the file, brings it to the newest schema and
// proves that it can be written.
func openDatabase(ctx context.Context, o Options) (*database, error) {
	path := o.Path
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !os.IsExist(err) {
		return nil, fmt.Errorf("create database: %w", err)
	}
	d, err := connect(ctx, writerDSN(path, o.pragmas()...))
	if err != nil {
		return nil, fmt.Errorf("open database %q: %w", path, err)
	}
	if err := d.prepare(ctx, path, o.Version); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func connect(ctx context.Context, name string) (*database, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return &database{db: db, conn: conn, statements: map[string]*sql.Stmt{}, monitors: map[string]int64{}, durable: true}, nil
}

func (d *database) prepare(ctx context.Context, path, version string) error {
	if err := d.migrate(ctx, path, migrations()); err != nil {
		return err
	}
	if err := d.readNumbers(ctx); err != nil {
		return fmt.Errorf("read database %q: %w", path, err)
	}
	err := d.tx(ctx, true, func() error {
		return d.exec(ctx, `INSERT INTO meta (key, value) VALUES ('version', ?) ON CONFLICT DO UPDATE SET value = excluded.value`, version)
	})
	if err != nil {
		return fmt.Errorf("write database %q: %w", path, err)
	}
	return nil
}

// readNumbers reads what must be known before history can be written.
func (d *database) readNumbers(ctx context.Context) error {
	if err := d.conn.QueryRowContext(ctx, `SELECT coalesce(max(slot), 0) FROM slots`).Scan(&d.slot); err != nil {
		return err
	}
	rows, err := d.conn.QueryContext(ctx, `SELECT id, num FROM monitors`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var (
			id  string
			num int64
		)
		if err := rows.Scan(&id, &num); err != nil {
			return err
		}
		d.monitors[id] = num
	}
	return rows.Err()
}

// close closes the connection. The last one to close also checkpoints.
func (d *database) close() {
	for _, s := range d.statements {
		_ = s.Close()
	}
	_ = d.conn.Close()
	_ = d.db.Close()
}

// tx runs f in one transaction. A durable one is on disk when tx returns; the
// others are when the next durable one is, or the next checkpoint.
func (d *database) tx(ctx context.Context, durable bool, f func() error) error {
	if durable != d.durable {
		level := "PRAGMA synchronous = NORMAL"
		if durable {
			level = "PRAGMA synchronous = FULL"
		}
		// Pragmas may run when they are prepared: never from the cache.
		if _, err := d.conn.ExecContext(ctx, level); err != nil {
			return err
		}
		d.durable = durable
	}
	if err := d.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = d.exec(ctx, "COMMIT")
	}
	if err != nil {
		// SQLite may have rolled back already; then this fails and changes nothing.
		_, _ = d.conn.ExecContext(ctx, "ROLLBACK")
		return err
	}
	return nil
}

// exec runs a statement, prepared the first time.
func (d *database) exec(ctx context.Context, query string, args ...any) error {
	_, err := d.affect(ctx, query, args...)
	return err
}

// affect is exec and returns how many rows it touched.
func (d *database) affect(ctx context.Context, query string, args ...any) (int64, error) {
	s := d.statements[query]
	if s == nil {
		var err error
		if s, err = d.conn.PrepareContext(ctx, query); err != nil {
			return 0, err
		}
		d.statements[query] = s
	}
	res, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// number is the number that a pragma answers.
func (d *database) number(ctx context.Context, pragma string) (int64, error) {
	var n int64
	err := d.conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&n)
	return n, err
}
