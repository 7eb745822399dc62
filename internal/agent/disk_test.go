package agent_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// mount puts a file system of its own at dir and says whether that is allowed.
func mount(t *testing.T, dir string, flags uintptr, options string) bool {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := mountTmpfs(dir, flags, options); err != nil {
		t.Logf("no file system of its own: %v", err)
		return false
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return true
}

// fill writes until nothing fits any more.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		_, err := f.Write(block)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			block = block[:len(block)/2] // to the last byte
		case err != nil:
			t.Fatal(err)
		}
	}
}

// onDisk is pages with the database elsewhere.
func (w *world) onDisk(dir, database string, names ...string) string {
	return strings.Replace(w.pages(dir, "", names...), filepath.Join(dir, "watch.db"), database, 1)
}

// saysUnwritable holds the agent to what it has to tell of its disk.
func (a *watch) saysUnwritable() bool {
	a.t.Helper()
	if v, ok := a.metric("watchword_store_writable"); !ok || v != 0 {
		return false
	}
	for _, path := range []string{"/api/v1/monitors", "/api/v1/incidents"} {
		var list struct {
			Storage *struct {
				Writable bool
				Message  string
			}
		}
		_, body := a.ask(http.MethodGet, path)
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			a.t.Fatal(err)
		}
		if list.Storage == nil || list.Storage.Writable || list.Storage.Message == "" {
			return false
		}
	}
	_, page := a.ask(http.MethodGet, "/")
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, _ := a.ask(http.MethodGet, path); code != http.StatusOK {
			a.t.Errorf("%s answers %d: it must not depend on the disk", path, code)
		}
	}
	return strings.Contains(page, "The database cannot be written:") && strings.Contains(a.log.String(), "the database cannot be written")
}

// alertsGoOn breaks and mends a page and waits for what is told.
func (a *watch) alertsGoOn(w *world, name string) {
	a.t.Helper()
	downs, ups := w.said("[Down] "+name), w.said("[Up] "+name)
	w.Application.SetFailing("/m/"+name, true)
	until(a.t, 15*time.Second, "a Down without a disk", func() bool { return w.said("[Down] "+name) == downs+1 })
	w.Application.SetFailing("/m/"+name, false)
	until(a.t, 15*time.Second, "an Up without a disk", func() bool { return w.said("[Up] "+name) == ups+1 })
}

// On a full disk probes and alerts go on, it is said, and what happened
// meanwhile is written when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	file, filler := filepath.Join(dir, "watch.yaml"), filepath.Join(disk, "filler")
	full, mend := func() { fill(t, filler) }, func() { _ = os.Remove(filler) }
	if !mount(t, disk, 0, "size=2m") { // the nearest to it: a disk that cannot be reached
		_ = os.RemoveAll(disk)
		save(t, disk, "no folder")
		full, mend = func() {}, func() { _ = os.Remove(disk); _ = os.Mkdir(disk, 0o700) }
	}
	save(t, file, w.onDisk(dir, filepath.Join(disk, "watch.db"), "one", "two"))
	a := start(t, file)
	until(t, 15*time.Second, "both up", func() bool { return a.all("up") })
	full()
	a.alertsGoOn(w, "one")
	w.Application.SetFailing("/m/two", true)
	until(t, 15*time.Second, "the second Down", func() bool { return w.said("[Down] two") == 1 })
	until(t, 15*time.Second, "log, metric, API and page say so", a.saysUnwritable)
	runs := w.Application.Runs("/m/one")
	until(t, 10*time.Second, "probes go on", func() bool { return w.Application.Runs("/m/one") > runs+2 })
	mend()
	until(t, 45*time.Second, "the disk is written again", func() bool { v, _ := a.metric("watchword_store_writable"); return v == 1 })
	if strings.Contains(a.body("/api/v1/monitors"), `"storage"`) {
		t.Error("the API still says that the disk fails")
	}
	if err := a.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	next := start(t, file)
	if m := next.monitors()["two"]; m.Status != "down" {
		t.Errorf("after a restart the failing one is %s: what happened on the full disk was not written later", m.Status)
	}
	if is := next.incidents("all"); len(is) != 2 {
		t.Errorf("%d incidents after a restart, want the 2 from the full disk", len(is))
	}
	during(t, 3*time.Second, "nothing is told again", func() bool { return w.said("[Down] two") == 1 })
}

func (a *watch) body(path string) string {
	a.t.Helper()
	_, body := a.ask(http.MethodGet, path)
	return body
}

// unwritable returns a folder that nobody can write into, and what makes it
// writable.
func unwritable(t *testing.T, dir string) (string, func()) {
	t.Helper()
	folder := filepath.Join(dir, "read-only")
	if os.Getuid() != 0 {
		if err := os.Mkdir(folder, 0o500); err != nil {
			t.Fatal(err)
		}
		return folder, func() { _ = os.Chmod(folder, 0o700) }
	}
	if mount(t, folder, readOnly, "") {
		return folder, func() {
			if err := mountTmpfs(folder, remount, ""); err != nil {
				t.Errorf("remount: %v", err)
			}
		}
	}
	_ = os.RemoveAll(folder)
	save(t, folder, "no folder")
	return folder, func() { _ = os.Remove(folder); _ = os.Mkdir(folder, 0o700) }
}

// A folder that cannot be written at start keeps nobody from watching.
func TestReadOnlyFolderAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	folder, mend := unwritable(t, dir)
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.onDisk(dir, filepath.Join(folder, "watch.db"), "one"))
	a := start(t, file)
	until(t, 15*time.Second, "it is up", func() bool { return a.all("up") })
	until(t, 15*time.Second, "log, metric, API and page say so", a.saysUnwritable)
	a.alertsGoOn(w, "one")
	mend()
	until(t, 45*time.Second, "the folder is written", func() bool { v, _ := a.metric("watchword_store_writable"); return v == 1 })
	if _, err := os.Stat(filepath.Join(folder, "watch.db")); err != nil {
		t.Errorf("no database: %v", err)
	}
}

// A database that is deleted under the agent stops nothing.
func TestDeletedDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.pages(dir, "", "one", "two"))
	a := start(t, file)
	until(t, 15*time.Second, "both up", func() bool { return a.all("up") })
	w.Application.SetFailing("/m/two", true)
	until(t, 15*time.Second, "a Down", func() bool { return w.said("[Down] two") == 1 })
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, "watch.db"+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	a.alertsGoOn(w, "one")
	until(t, 15*time.Second, "there is a database again", func() bool { _, err := os.Stat(filepath.Join(dir, "watch.db")); return err == nil })
	if log := a.log.String(); !strings.Contains(log, "was deleted or replaced while it was open") {
		t.Error("the log does not say that the database was deleted")
	}
	if err := a.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	next := start(t, file)
	if m := next.monitors()["two"]; m.Status != "down" {
		t.Errorf("after a restart the failing one is %s, want down: all was in memory to be written anew", m.Status)
	}
	during(t, 3*time.Second, "nothing is told again", func() bool { return w.said("[Down] two") == 1 })
}

// A disk that comes after the start brings messages that still wait, and no
// incident that never ends.
func TestDiskThatComesLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	dir := t.TempDir()
	folder, away := filepath.Join(dir, "disk"), filepath.Join(dir, "away")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "watch.yaml")
	save(t, file, w.onDisk(dir, filepath.Join(folder, "watch.db"), "one"))
	first := start(t, file)
	until(t, 15*time.Second, "it is up", func() bool { return first.all("up") })
	w.Application.SetFailing("/m/one", true)
	until(t, 15*time.Second, "a Down", func() bool { return w.said("[Down] one") == 1 })
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folder, away); err != nil {
		t.Fatal(err)
	}
	save(t, folder, "no folder")
	second := start(t, file)
	until(t, 15*time.Second, "a Down of one that knows of none", func() bool { return w.said("[Down] one") == 2 })
	if err := errors.Join(os.Remove(folder), os.Rename(away, folder)); err != nil {
		t.Fatal(err)
	}
	until(t, 45*time.Second, "the disk is written", func() bool { v, _ := second.metric("watchword_store_writable"); return v == 1 })
	if err := second.stop(); err != nil {
		t.Fatal(err)
	}
	third := start(t, file)
	if is := third.incidents("open"); len(is) != 1 {
		t.Errorf("after a restart %d incidents are open, want the one that goes on: %+v", len(is), is)
	}
	runs := w.Application.Runs("/m/one")
	until(t, 15*time.Second, "new runs", func() bool { return w.Application.Runs("/m/one") > runs+2 })
	if w.said("[Up] one") != 0 {
		t.Error("an Up was told of one that fails all the time")
	}
	w.Application.SetFailing("/m/one", false)
	until(t, 15*time.Second, "an Up", func() bool { return w.said("[Up] one") == 1 })
}
