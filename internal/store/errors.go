package store

import (
	"errors"
	"fmt"
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
	if e.Holder.PID == 0 {
		return fmt.Sprintf("open database %q: another agent holds it; two agents cannot share a database", e.Path)
	}
	return fmt.Sprintf("open database %q: held since %s by the agent with pid %d on host %q (version %q); two agents cannot share a database",
		e.Path, e.Holder.Since.Format(time.RFC3339), e.Holder.PID, e.Holder.Host, e.Holder.Version)
}

// NewerError says that the database was written by a newer program.
type NewerError struct {
	Path   string
	Schema int // of the database
	Known  int // the newest that this program knows
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("open database %q: its schema %d is newer than this program, which knows up to %d; run the newer version, or begin another database",
		e.Path, e.Schema, e.Known)
}

// ForeignError says that the file is a database of another program; it is left
// as it is.
type ForeignError struct{ Path string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("open database %q: it is a database of another program", e.Path)
}

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
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xff // extended codes carry the primary one in the low byte
	return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB
}
