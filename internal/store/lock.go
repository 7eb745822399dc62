package store

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// lock takes the lock file beside the database and writes into it who holds
// it. The file stays when the lock is given up: another agent may be at the old
// inode.
func lock(path, version string, now time.Time) (*flock.Flock, error) {
	name := path + ".lock"
	l := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	got, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock database %q: %w", path, err)
	}
	if !got {
		_ = l.Close()
		return nil, &HeldError{Path: path, Holder: holder(name)}
	}
	host, _ := os.Hostname()
	text, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Version: version, Since: now.UTC().Truncate(time.Second)})
	if err == nil {
		// On a full disk the lock is held all the same; it is only anonymous.
		_ = os.WriteFile(name, append(text, '\n'), 0o600)
	}
	return l, nil
}

// holder reads who holds a lock; the zero Holder when that cannot be told.
func holder(name string) Holder {
	var h Holder
	text, err := os.ReadFile(name)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// HolderOf says who has the database at path open, if anybody has and that can
// be told.
func HolderOf(path string) (Holder, bool) {
	path, err := resolve(path)
	if err != nil {
		return Holder{}, false
	}
	name := path + ".lock"
	if _, err := os.Stat(name); err != nil { // else it would be made
		return Holder{}, false
	}
	l := flock.New(name, flock.SetFlag(os.O_RDONLY))
	free, err := l.TryRLock()
	defer func() { _ = l.Close() }()
	if err != nil || free {
		return Holder{}, false
	}
	h := holder(name)
	return h, h.PID != 0
}
