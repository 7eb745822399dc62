package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What was never ours is neither moved nor touched, and nothing is left beside it.
func TestWhatIsNoDatabaseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{"watchword.yaml": "a file of another kind", "folder": "a folder", "others.db": "a database of another program"} {
		path := filepath.Join(dir, name)
		switch name {
		case "folder":
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		case "others.db":
			d := raw(t, path)
			sqlExec(t, d, "PRAGMA application_id = 7; CREATE TABLE a (b)")
			d.close()
		default:
			if err := os.WriteFile(path, []byte("monitors: []\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(t.Context(), Options{Path: path})
		if f, ok := errors.AsType[*ForeignError](err); !ok || f.Is != want {
			t.Errorf("%s: got %v, want that it is %s", name, err, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestNewerSaysWhoWroteIt(t *testing.T) {
	path := file(t)
	closeStore(t, open(t, Options{Path: path, Version: "9.8.7"}))
	d := raw(t, path)
	sqlExec(t, d, "PRAGMA user_version = 99")
	d.close()
	_, err := Open(t.Context(), Options{Path: path, Version: "1.0.0"})
	if err == nil || !strings.Contains(err.Error(), "written by watchword 9.8.7 (schema 99)") {
		t.Errorf("got %v", err)
	}
}

func TestPlaceNamesTheFolderThatIsMissing(t *testing.T) {
	dir := t.TempDir()
	err := place(filepath.Join(dir, "a", "b", "watchword.db"), os.ErrNotExist)
	if want := "there is no folder " + filepath.Join(dir, "a"); !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "mkdir -p "+filepath.Join(dir, "a", "b")) {
		t.Errorf("got %q, want %q and how to make it", err, want)
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

// A database that another program has locked says so, before the first write
// and after, and is written once it is free.
func TestLockedByAnotherProgram(t *testing.T) {
	for _, before := range []bool{true, false} {
		path := file(t)
		closeStore(t, open(t, Options{Path: path}))
		other := raw(t, path)
		o := Options{Path: path, retry: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
		var s *Store
		if before {
			sqlExec(t, other, "BEGIN EXCLUSIVE")
			s = open(t, o)
		} else {
			s = open(t, o)
			sqlExec(t, other, "BEGIN EXCLUSIVE")
		}
		_ = s.Commit(t.Context(), change(1))
		deadline := time.After(20 * time.Second)
		for s.Stats().LastError == "" {
			select {
			case <-deadline:
				t.Fatal("nothing is said")
			case <-time.After(10 * time.Millisecond):
			}
		}
		if got := s.Stats().LastError; !strings.Contains(got, "another program has the database "+path+" locked") || strings.Contains(got, "SQLITE") {
			t.Errorf("got %q", got)
		}
		sqlExec(t, other, "ROLLBACK")
		other.close()
		for !s.Stats().Writable || s.Stats().Unwritten > 0 {
			select {
			case <-deadline:
				t.Fatalf("not written once it is free: %+v", s.Stats())
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

func TestWhereNoDatabaseCanBe(t *testing.T) {
	err := place(filepath.Join(t.TempDir(), "x.db"), &fs.PathError{Op: "open", Path: "x.db.lock", Err: syscall.ENOENT})
	if !strings.Contains(err.Error(), "set storage.path to a folder of an ordinary file system") || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v", err)
	}
	if err := plain("x.db", place(filepath.Join(t.TempDir(), "x.db"), &fs.PathError{Op: "write", Path: "x.db", Err: syscall.ENOSPC})); !strings.Contains(err.Error(), "no room left") {
		t.Errorf("got %v", err)
	}
}
