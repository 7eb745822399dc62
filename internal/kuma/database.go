package kuma

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/watchword/watchword/internal/machine"
)

// readDatabase reads a copy of a database, so that neither the file nor the
// Uptime Kuma that may have it open notices anything.
func readDatabase(ctx context.Context, path string) (*source, error) {
	dir, err := os.MkdirTemp("", "watchword-import-") // 0700: the copy holds secrets
	if err != nil {
		return nil, fmt.Errorf("make a folder for a copy of the database: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing can be done about it
	copied := filepath.Join(dir, "kuma.db")
	if err := copyDatabase(ctx, path, copied); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(copied)+"?_pragma=query_only(1)&_pragma=synchronous(0)")
	if err != nil {
		return nil, fmt.Errorf("open a copy of %s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	s, err := readTables(ctx, db, path)
	if err != nil {
		return nil, damaged(path, err)
	}
	return s, nil
}

// copyDatabase copies the file with its log of changes. While Uptime Kuma runs,
// the log may be worked into the file meanwhile: then it is done again. What is
// only added to the log does no harm: its frames have sums, and one that was
// copied by half ends it (https://www.sqlite.org/walformat.html, section 2.2).
func copyDatabase(ctx context.Context, from, to string) error {
	const tries = 5
	for range tries {
		before := stamp(from)
		for _, suffix := range []string{"", "-wal", "-journal"} {
			err := copyFile(from+suffix, to+suffix)
			switch {
			case err == nil || suffix != "" && errors.Is(err, os.ErrNotExist):
			case errors.Is(err, errCopy()):
				return fmt.Errorf("copy %s to the temporary folder %s, to read it there: %w; TMPDIR names another folder", from, filepath.Dir(to), err)
			default:
				return errors.New(machine.Unusable(from+suffix, "read", err))
			}
		}
		if stamp(from) == before {
			return truncated(from, to)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s changes all the time while it is copied: stop Uptime Kuma for a moment, or copy the file with `sqlite3 kuma.db \".backup copy.db\"`", from)
}

// stamp is what changes when a database does, and not when its log grows: the
// log begins anew with other salts in its header.
func stamp(path string) string {
	const header = 32 // bytes
	var b strings.Builder
	for _, suffix := range []string{"", "-journal"} {
		if info, err := os.Stat(path + suffix); err == nil {
			fmt.Fprint(&b, suffix, info.Size(), info.ModTime().UnixNano())
		}
	}
	if head, err := headOf(path + "-wal"); err == nil {
		fmt.Fprintf(&b, "-wal%x", head[:min(len(head), header)])
	}
	return b.String()
}

type copyError struct{ error }

func (e copyError) Unwrap() error { return e.error }

func (e copyError) Is(target error) bool { _, ok := target.(copyError); return ok }

// errCopy is any trouble with the copy, as opposed to what is copied.
func errCopy() error { return copyError{} }

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return copyError{err}
	}
	if _, err = io.Copy(out, in); err != nil {
		_ = out.Close()
		return copyError{err}
	}
	if err := out.Close(); err != nil {
		return copyError{err}
	}
	return nil
}

// truncated says whether a database without a log is shorter than it says
// itself (https://www.sqlite.org/fileformat.html, section 1.3).
func truncated(from, copied string) error {
	if _, err := os.Stat(copied + "-wal"); err == nil {
		return nil
	}
	head, err := headOf(copied)
	info, statErr := os.Stat(copied)
	if err != nil || statErr != nil || len(head) < 100 {
		return fmt.Errorf("%s is cut off: it has %d bytes, fewer than any database; copy it again", from, len(head))
	}
	size := int64(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 65536
	}
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	current := binary.BigEndian.Uint32(head[24:]) == binary.BigEndian.Uint32(head[92:])
	if current && pages*size > info.Size() {
		return fmt.Errorf("%s is cut off: it has %d bytes of %d; copy it again, with its -wal beside it if there is one", from, info.Size(), pages*size)
	}
	return nil
}

// damaged says what is wrong with a database that cannot be read.
func damaged(path string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%s is damaged or cut off (%w): copy it again, with its -wal beside it if there is one; if it stays, `sqlite3 kuma.db .recover` saves what can be saved", path, err)
	}
	return fmt.Errorf("read a copy of %s: %w", path, err)
}

// readTables reads the tables that say what is watched. History is left alone.
func readTables(ctx context.Context, db *sql.DB, path string) (*source, error) {
	names, err := column(ctx, db, `SELECT name FROM sqlite_schema WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	s := &source{tables: map[string][]row{}, settings: map[string]string{}}
	for _, table := range []string{"monitor", "notification", "monitor_notification", "tag", "monitor_tag", "proxy", "maintenance", "monitor_maintenance", "setting"} {
		if !slices.Contains(names, table) {
			continue
		}
		if s.tables[table], err = readTable(ctx, db, table); err != nil {
			return nil, err
		}
	}
	columns, err := column(ctx, db, `SELECT name FROM pragma_table_info('monitor')`)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(columns, "type") || !slices.Contains(columns, "url") {
		return nil, fmt.Errorf("%s is a database, but not that of an Uptime Kuma: it has no table of monitors", path)
	}
	for _, r := range s.tables["setting"] {
		s.settings[r.text("key")] = r.text("value")
	}
	s.what = filepath.Base(path) + " of Uptime Kuma 1.x"
	if slices.Contains(names, "knex_migrations") || slices.Contains(columns, "json_path_operator") {
		s.what = filepath.Base(path) + " of Uptime Kuma 2.x"
	}
	return s, nil
}

func column(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// readTable reads a table with the columns that it has. The plus takes the type
// that a column was declared with away: the driver would make times and booleans
// of what is not always one.
func readTable(ctx context.Context, db *sql.DB, table string) ([]row, error) {
	columns, err := column(ctx, db, fmt.Sprintf(`SELECT name FROM pragma_table_info('%s')`, table))
	if err != nil {
		return nil, err
	}
	plain := make([]string, len(columns))
	for i, c := range columns {
		plain[i] = `+"` + strings.ReplaceAll(c, `"`, `""`) + `"`
	}
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`SELECT %s FROM "%s" ORDER BY rowid`, strings.Join(plain, ", "), table))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []row
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		r := row{}
		for i, c := range columns {
			r[c] = values[i]
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
