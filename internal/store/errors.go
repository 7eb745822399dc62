package store

import (
	"errors"
	"fmt"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Holder says who holds the lock of a database.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
}

// HeldError says that another agent has the database open.
type HeldError struct {
	Path   string
	Holder Holder // zero when the holder could not be read
}

func (e *HeldError) Error() string {
	const rest = "; two agents cannot share a database: stop that one, or give this one a storage.path of its own"
	if e.Holder.PID == 0 {
		return fmt.Sprintf("the database %s is in use by another watchword", e.Path) + rest
	}
	where := ""
	if host, err := os.Hostname(); err != nil || host != e.Holder.Host { // a folder that several machines or containers share
		where = fmt.Sprintf(" on host %q", e.Holder.Host)
	}
	return fmt.Sprintf("the database %s is in use by the watchword with pid %d%s (version %s, since %s)",
		e.Path, e.Holder.PID, where, e.Holder.Version, e.Holder.Since.Format(time.RFC3339)) + rest
}

// NewerError says that the database was written by a newer program.
type NewerError struct {
	Path   string
	By     string // version of the program that opened it last, "" if that cannot be told
	Schema int    // of the database
	Known  int    // the newest that this program knows
}

func (e *NewerError) Error() string {
	by := "a newer watchword"
	if e.By != "" {
		by = "watchword " + e.By
	}
	return fmt.Sprintf("the database %s was written by %s (schema %d), and this older program knows schemas up to %d: run that version again, or set storage.path to a new file and leave this one as it is",
		e.Path, by, e.Schema, e.Known)
}

// ForeignError says that the path leads to something that is not a database of
// ours; it is left as it is.
type ForeignError struct{ Path, Is string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s is %s, and no database of Watchword: it is left as it is; set storage.path to a file that is not there yet, and it is made", e.Path, e.Is)
}

// placeError says what is wrong with the place of a database, and what to do.
type placeError struct {
	text string
	err  error
}

func (e *placeError) Error() string { return e.text }

func (e *placeError) Unwrap() error { return e.err }

// UnwrittenError says that something is not on disk yet. It is kept in memory
// and written as soon as that is possible.
type UnwrittenError struct{ Err error }

func (e *UnwrittenError) Error() string { return "not yet written: " + e.Err.Error() }

func (e *UnwrittenError) Unwrap() error { return e.Err }

// fatal says whether an agent must not start after err.
func fatal(err error) bool {
	var (
		held    *HeldError
		newer   *NewerError
		foreign *ForeignError
	)
	return errors.As(err, &held) || errors.As(err, &newer) || errors.As(err, &foreign)
}

// corrupt says whether err means that the file cannot be a database any more.
func corrupt(err error) bool {
	primary := codeOf(err)
	return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB
}

// codeOf returns the primary code of an error of SQLite, which extended codes
// carry in the low byte; 0 for none.
func codeOf(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}
