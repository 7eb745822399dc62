package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"
)

// open takes the lock, opens the database and reads what the agent begins
// with. What is corrupt is moved aside first.
func (w *writer) open(ctx context.Context) error {
	s := w.s
	if err := s.o.before("open"); err != nil {
		w.readAnyway(ctx)
		return err
	}
	if w.abandoned() {
		return errors.New("nobody waits for the database any more")
	}
	err := w.take()
	if err == nil {
		if err = w.openOnce(ctx); corrupt(err) {
			w.quarantine(ctx, err)
			err = w.openOnce(ctx)
		}
		w.withdraw(err)
	}
	if err != nil && !fatal(err) {
		w.readAnyway(ctx)
		err = plain(s.o.Path, place(s.o.Path, err))
	}
	return err
}

// take makes sure that the file is ours to open, and takes its lock.
func (w *writer) take() error {
	if w.lock != nil {
		return nil
	}
	path := w.s.o.Path
	if err := examine(path); err != nil {
		return err
	}
	_, err := os.Stat(path + ".lock")
	fresh := errors.Is(err, os.ErrNotExist)
	if w.lock, err = lock(path, w.s.o.Version, w.s.o.Now()); err != nil {
		return err
	}
	w.fresh = fresh
	return nil
}

// withdraw leaves no lock beside what turned out to be another's database, where
// there was none before.
func (w *writer) withdraw(err error) {
	if _, foreign := errors.AsType[*ForeignError](err); foreign && w.fresh {
		_ = os.Remove(w.s.o.Path + ".lock")
	}
}

func (w *writer) openOnce(ctx context.Context) error {
	s := w.s
	db, err := openDatabase(ctx, s.o)
	if err != nil {
		return err
	}
	found, err := load(ctx, db.conn)
	if err != nil {
		db.close()
		return fmt.Errorf("read database %q: %w", s.o.Path, err)
	}
	if found.Unreadable > 0 {
		s.o.Log.Error("messages or incidents in the database make no sense and are left out", slog.String("path", s.o.Path), slog.Int("count", found.Unreadable))
	}
	w.db = db
	w.file, _ = os.Stat(s.o.Path)
	w.begun = false
	w.look()
	s.read.open(s.o.Path)
	s.found(found)
	return nil
}

// found keeps what was read for Load, or hands it to those who began without.
func (s *Store) found(found Snapshot) {
	s.mu.Lock()
	first := !s.loaded
	s.loaded = true
	if first {
		s.snapshot = found
	}
	late := first && s.given
	s.mu.Unlock()
	if late && s.o.Late != nil {
		s.o.Late(found)
	}
}

// readAnyway reads what the agent begins with from a database that cannot be
// written: with the file only, then without shared memory (a full disk has no
// room for it), then, when no log is left behind, as a file that never changes.
func (w *writer) readAnyway(ctx context.Context) {
	s := w.s
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if _, err := os.Stat(s.o.Path); loaded || err != nil {
		return
	}
	pragmas := url.Values{"_pragma": {"query_only(1)", "cache_size(-512)"}}
	names := []string{
		dsn(s.o.Path, pragmas, "&mode=ro"),
		// Alone: the driver sorts pragmas, and this one must come before any
		// that reads.
		dsn(s.o.Path, url.Values{"_pragma": {"locking_mode(EXCLUSIVE)"}}, ""),
	}
	if info, err := os.Stat(s.o.Path + "-wal"); err != nil || info.Size() == 0 {
		names = append(names, dsn(s.o.Path, pragmas, "&immutable=1"))
	}
	for _, name := range names {
		found, err := readSnapshot(ctx, name, s.o.Path)
		if err == nil {
			s.found(found)
			return
		}
	}
}

// readSnapshot reads from a database of the current schema without writing.
func readSnapshot(ctx context.Context, name, path string) (Snapshot, error) {
	d, err := connect(ctx, name)
	if err != nil {
		return Snapshot{}, err
	}
	defer d.close()
	at, err := d.version(ctx, path)
	if err != nil {
		return Snapshot{}, err
	}
	if at != len(migrations()) {
		return Snapshot{}, errors.New("another schema")
	}
	return load(ctx, d.conn)
}

// quarantine moves a corrupt database aside and takes over what can still be
// read of it, so that no alert is lost that was not sent yet.
func (w *writer) quarantine(ctx context.Context, reason error) {
	s := w.s
	if w.db != nil {
		w.db.close()
		w.db = nil
	}
	saved := salvage(ctx, s.o.Path)
	aside := fmt.Sprintf("%s.corrupt-%s", s.o.Path, s.o.Now().UTC().Format("20060102T150405.000Z"))
	if err := os.Rename(s.o.Path, aside); err != nil {
		s.o.Log.Error("the database is corrupt and cannot be moved aside", slog.String("path", s.o.Path), slog.Any("error", err),
			slog.String("hint", "move it away by hand, with what begins with its name, and restart"))
		return
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(s.o.Path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			// A foreign log would be played into the new database.
			_ = os.Remove(s.o.Path + suffix)
		}
	}
	s.takeOver(saved)
	s.o.Log.Error("the database is corrupt; it was moved aside and a new one is begun", slog.String("path", s.o.Path), slog.String("moved_to", aside), slog.Any("error", reason),
		slog.Int("states_saved", len(saved.States)), slog.Int("incidents_saved", len(saved.Open)), slog.Int("deliveries_saved", len(saved.Deliveries)),
		slog.String("hint", "nothing has to be done now; what was saved goes on, older history is in the file moved aside; look at the disk (dmesg, smartctl)"))
}

// salvage reads what is readable, each table for itself.
func salvage(ctx context.Context, path string) Snapshot {
	var found Snapshot
	d, err := connect(ctx, writerDSN(path))
	if err != nil {
		return found
	}
	defer d.close()
	for _, read := range found.readers() {
		_ = read(ctx, d.conn) // whatever came before the damage is kept
	}
	return found
}

// takeOver has what was found written into the database that is opened next,
// below everything newer.
func (s *Store) takeOver(found Snapshot) {
	b := newBatch()
	now := s.o.Now()
	found.LastDelivery = max(found.LastDelivery, now.UnixMicro()) // those above it may have been lost
	for i := range found.States {
		b.states[found.States[i].ID] = &found.States[i]
	}
	b.order(found.Orders)
	for _, r := range found.Open {
		b.incidents[r.ID] = r
	}
	for _, d := range found.Deliveries {
		op := deliveryOp{insert: &d.Delivery, status: queued, at: now}
		if d.Sending {
			op.status = sending
		}
		b.deliveries[d.ID] = op
	}
	s.mu.Lock()
	s.next.under(b)
	first := !s.loaded
	s.mu.Unlock()
	if first && len(found.States)+len(found.Open)+len(found.Deliveries)+len(found.Orders) > 0 {
		s.found(found)
	}
}

// stillThere looks whether the path still leads to the file that is open; a
// deleted one would take everything in and keep nothing.
func (w *writer) stillThere() error {
	if err := w.s.o.before("look"); err != nil {
		return err
	}
	info, err := os.Stat(w.s.o.Path)
	if err == nil && os.SameFile(info, w.file) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if found, err := load(ctx, w.db.conn); err == nil {
		w.s.takeOver(found)
	}
	return errors.New("the database was deleted or replaced while it was open")
}
