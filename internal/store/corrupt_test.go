package store

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

func asides(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + ".corrupt-*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestGarbageIsMovedAside(t *testing.T) {
	path := file(t)
	garbage := make([]byte, 20_000)
	copy(garbage, "this is no database")
	for name, text := range map[string][]byte{path: garbage, path + ".lock": nil} { // it was ours
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := newLines()
	s := open(t, Options{Path: path, Log: slog.New(slog.NewTextHandler(log, nil))})
	log.await(t, "moved aside")
	commit(t, s, change(1))
	if found := asides(t, path); len(found) != 1 {
		t.Errorf("moved aside: %v", found)
	} else if text, err := os.ReadFile(found[0]); err != nil || string(text) != string(garbage) {
		t.Errorf("what was moved aside is not what was there (%v)", err)
	}
}

// damage overwrites the page that a table begins with.
func damage(t *testing.T, path, table string) {
	t.Helper()
	d := raw(t, path)
	if err := d.checkpoint(t.Context(), "TRUNCATE"); err != nil {
		t.Fatal(err)
	}
	var page int64
	if err := d.conn.QueryRowContext(t.Context(), `SELECT rootpage FROM sqlite_schema WHERE name = ?`, table).Scan(&page); err != nil {
		t.Fatal(err)
	}
	d.close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	junk := make([]byte, 4096)
	for i := range junk {
		junk[i] = 0xee
	}
	if _, err := f.WriteAt(junk, (page-1)*4096); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsReadableOfACorruptDatabaseIsSaved(t *testing.T) {
	path := file(t)
	s := openPlain(t, path)
	for n := 1; n < 20; n++ {
		commit(t, s, change(n))
	}
	if err := s.Sending(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(t.Context(), order("a", `{}`)); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	damage(t, path, "states")

	s = openPlain(t, path)
	found := load1(t, s)
	equal(t, "orders saved", found.Orders, []check.Order{order("a", `{}`)})
	if len(found.Deliveries) != 19 || !found.Deliveries[0].Sending || len(found.Open) != 19 || len(found.States) != 0 || found.LastDelivery < 1e15 {
		t.Errorf("saved %d deliveries, %d incidents, %d states, number %d", len(found.Deliveries), len(found.Open), len(found.States), found.LastDelivery)
	}
	closeStore(t, s) // what was saved is in the new database
	if found := load1(t, openPlain(t, path)); len(found.Deliveries) != 19 || len(found.Open) != 19 || len(found.Orders) != 1 {
		t.Errorf("kept %d deliveries, %d incidents", len(found.Deliveries), len(found.Open))
	}
}

func TestADatabaseThatBecomesCorruptIsReplaced(t *testing.T) {
	// A genuine error of the library.
	broken := file(t)
	if err := os.WriteFile(broken, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, reason := openDatabase(t.Context(), Options{Path: broken, pragmas: func() []string { return nil }})
	if !corrupt(reason) {
		t.Fatalf("%v is not seen as corruption", reason)
	}
	g := &gate{}
	path := file(t)
	s := open(t, Options{Path: path, retry: 10 * time.Millisecond, before: g.before})
	commit(t, s, change(1))
	g.fail(reason)
	unwritten(t, time.Now(), s.Commit(t.Context(), change(2)))
	g.fail(nil)
	until(t, "everything is written", func() bool { st := s.Stats(); return st.Writable && st.Unwritten == 0 })
	if len(asides(t, path)) == 0 {
		t.Error("nothing was moved aside")
	}
	closeStore(t, s)
	if found := load1(t, openPlain(t, path)); len(found.Open) != 2 || len(found.Deliveries) != 2 {
		t.Errorf("%d incidents and %d deliveries, want 2", len(found.Open), len(found.Deliveries))
	}
}

func TestADeletedDatabaseIsBegunAgain(t *testing.T) {
	path := file(t)
	s := open(t, Options{Path: path, retry: 10 * time.Millisecond, flushEvery: 10 * time.Millisecond})
	commit(t, s, change(1))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	until(t, "there is a new one", func() bool {
		_, err := os.Stat(path)
		st := s.Stats()
		return err == nil && st.Writable && st.Unwritten == 0 && st.Errors > 0
	})
	if err := s.Commit(t.Context(), change(2)); err != nil && !errors.As(err, new(*UnwrittenError)) {
		t.Fatal(err)
	}
	closeStore(t, s)
	if found := load1(t, openPlain(t, path)); len(found.Open) != 2 {
		t.Errorf("%d incidents, want 2", len(found.Open))
	}
}

// SQLite has no checksums: what is damaged within a text is found by us alone.
func TestARowThatMakesNoSenseKeepsNoOther(t *testing.T) {
	path := file(t)
	s := openPlain(t, path)
	for n := 1; n <= 3; n++ {
		commit(t, s, change(n))
	}
	closeStore(t, s)
	d := raw(t, path)
	for _, damage := range []string{
		`UPDATE deliveries SET body = replace(body, '{', '[') WHERE id = (SELECT min(id) FROM deliveries)`,
		`UPDATE incidents SET ledger = ledger || '}' WHERE id = (SELECT min(id) FROM incidents)`,
		`UPDATE states SET fault = '{', warned = '{' WHERE fault <> ''`,
	} {
		if n, err := d.affect(t.Context(), damage); err != nil || n == 0 {
			t.Fatalf("%s: %d rows, %v", damage, n, err)
		}
	}
	d.close()
	log := newLines()
	s = open(t, Options{Path: path, Log: slog.New(slog.NewTextHandler(log, nil))})
	log.await(t, "make no sense")
	found, err := s.Load(t.Context())
	if err != nil || len(found.Deliveries) != 2 || len(found.Open) != 2 || len(found.States) != 3 || found.Unreadable != 2 {
		t.Errorf("found %d deliveries, %d incidents, %d states and %d that make no sense: %v", len(found.Deliveries), len(found.Open), len(found.States), found.Unreadable, err)
	}
	if is, err := s.Incidents(t.Context(), "all", 10); err != nil || len(is) != 2 {
		t.Errorf("%d incidents are shown, %v", len(is), err)
	}
	commit(t, s, change(4))
}
