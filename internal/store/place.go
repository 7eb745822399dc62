package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/watchword/watchword/internal/machine"
)

// examine refuses what is no database of ours before anything is made of it or
// beside it. The header says so (SQLite file format, 1.3); where a lock file of
// ours lies beside, a header that makes no sense is a damaged one.
func examine(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil: // it is to be made, or the opening tells why it cannot be
		return nil
	case info.IsDir():
		return &ForeignError{Path: path, Is: "a folder"}
	case !info.Mode().IsRegular():
		return &ForeignError{Path: path, Is: "a device or pipe"}
	}
	header := headerOf(path)
	if bytes.HasPrefix(header, []byte("SQLite format 3\x00")) {
		if id := binary.BigEndian.Uint32(header[68:]); id != 0 && id != ours {
			return &ForeignError{Path: path, Is: "a database of another program"}
		}
		return nil
	}
	if _, err := os.Stat(path + ".lock"); err == nil || len(bytes.Trim(header, "\x00")) == 0 {
		return nil
	}
	return &ForeignError{Path: path, Is: "a file of another kind"}
}

// headerOf returns the 100 bytes that a database begins with, filled up with
// zeros where there are fewer or they cannot be read.
func headerOf(path string) []byte {
	header := make([]byte, 100)
	if f, err := os.Open(path); err == nil {
		defer f.Close()
		_, _ = io.ReadFull(f, header)
	}
	return header
}

// place says why a database cannot be opened where it is to be, if its place is
// the reason, and what to do.
func place(path string, err error) error {
	dir := filepath.Dir(path)
	say := func(format string, args ...any) error { return &placeError{fmt.Sprintf(format, args...), err} }
	info, bad := os.Stat(dir)
	switch {
	case errors.Is(bad, fs.ErrNotExist), errors.Is(bad, syscall.ENOTDIR):
		return say("%s: make it (mkdir -p %s), or change storage.path, which is relative to the working directory%s", machine.Unusable(path, "write", bad), dir,
			machine.InContainer("; in a container: mount a volume there, as at /data"))
	case bad != nil:
		return say("%s", machine.Unusable(dir, "enter the folder", bad))
	case !info.IsDir():
		return say("%s is a file, and storage.path has it for a folder", dir)
	}
	if bad := machine.Writable(dir); bad != nil {
		return say("%s", unwritable(dir, "write into", bad))
	}
	for _, name := range []string{path, path + ".lock", path + "-wal", path + "-shm"} {
		if bad := machine.Writable(name); bad != nil && !errors.Is(bad, fs.ErrNotExist) {
			return say("%s", unwritable(name, "write", bad))
		}
	}
	if cannotBe(err) && !isFull(err) {
		return say("%s: no database can be kept in %s: set storage.path to a folder of an ordinary file system on a disk", err, dir)
	}
	return err
}

// cannotBe says whether err is of a file that could not be made or opened.
func cannotBe(err error) bool {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return true
	}
	return codeOf(err) == sqlite3.SQLITE_CANTOPEN
}

// plain says in words what to do about an error that can come with any use of a
// database, where it is one of those.
func plain(path string, err error) error {
	say := func(format string, args ...any) error { return &placeError{fmt.Sprintf(format, args...), err} }
	if _, told := errors.AsType[*placeError](err); told {
		return err
	}
	switch {
	case isFull(err):
		return say("there is no room left on the disk of %s: make some (df -h %s)", path, filepath.Dir(path))
	case codeOf(err) == sqlite3.SQLITE_BUSY || codeOf(err) == sqlite3.SQLITE_LOCKED:
		return say("another program has the database %s locked, such as sqlite3 or a backup: end that program (on Linux, fuser -v %s names it), or let it finish; it is tried again by itself", path, path)
	}
	return err
}

func unwritable(path, verb string, err error) string {
	if errors.Is(err, syscall.EROFS) {
		return fmt.Sprintf("%s is on a file system that is read-only: remount it, or set storage.path to a place that can be written%s", path,
			machine.InContainer("; in a container with a read-only root: mount a volume, as at /data"))
	}
	return machine.Unusable(path, verb, err)
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || codeOf(err) == sqlite3.SQLITE_FULL
}
