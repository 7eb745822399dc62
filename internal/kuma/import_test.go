package kuma_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/kuma"
	"github.com/watchword/watchword/internal/lab"
)

func newPEMs(t testing.TB) pems {
	ca := must(lab.NewCA())
	c := must(ca.Server(lab.CertOptions{Names: []string{"probe"}}))
	dir := t.TempDir()
	cert, key, err := c.Write(dir, "probe")
	if err != nil {
		t.Fatal(err)
	}
	return pems{string(must(os.ReadFile(cert))), string(must(os.ReadFile(key))), string(must(os.ReadFile(cert)))}
}

// imported is an import, loaded.
type imported struct {
	doc    *kuma.Document
	cfg    *config.Config
	yaml   string
	tell   string // the summary
	placed kuma.Placed
}

// fatal is what of a test a helper needs, rapid's among them.
type fatal interface{ Fatalf(string, ...any) }

// bring imports a file and loads what comes of it with its env file.
func bring(t testing.TB, r fatal, path string) imported {
	doc, err := kuma.FromKuma(context.Background(), path)
	if err != nil {
		r.Fatalf("%v", err)
	}
	dir, err := os.MkdirTemp(t.TempDir(), "out")
	if err != nil {
		r.Fatalf("%v", err)
	}
	if len(doc.Monitors) == 0 {
		return imported{doc: doc, cfg: &config.Config{}}
	}
	p, err := doc.Place(context.Background(), kuma.Target{YAML: filepath.Join(dir, "watchword.yaml")})
	if err != nil {
		r.Fatalf("%v", err)
	}
	got := imported{doc: doc, placed: p, yaml: string(must(os.ReadFile(p.YAML))), tell: doc.Summary(p, false)}
	if p.Env != "" {
		for line := range strings.Lines(string(must(os.ReadFile(p.Env)))) {
			if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok && !strings.HasPrefix(line, "#") {
				if err := os.Setenv(name, value); err != nil {
					r.Fatalf("%v", err)
				}
			}
		}
	}
	cfg, problems := config.Load([]string{p.YAML}, config.LoadOptions{})
	if cfg == nil {
		r.Fatalf("%v\n%s", problems, got.yaml)
	}
	got.cfg = cfg
	return got
}

// TestImport draws databases of both versions and compares what comes of each,
// field by field, with what is in it.
func TestImport(t *testing.T) {
	p := newPEMs(t)
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			some(t, 20, func(r *rapid.T) {
				s := genSite(r, version, p)
				got := bring(t, r, s.database(t))
				s.compare(r, got)
				for _, secret := range s.secrets {
					if strings.Contains(got.yaml, secret) || strings.Contains(got.tell, secret) {
						r.Fatalf("the secret %q is in the YAML or the summary:\n%s\n%s", secret, got.yaml, got.tell)
					}
				}
			})
		})
	}
}

// TestLog: what was written lately is only in the log of changes beside the
// database, which Uptime Kuma has open.
func TestLog(t *testing.T) {
	s := rapid.Custom(func(r *rapid.T) *site { return genSite(r, 2, newPEMs(t)) }).Example(7)
	s.monitors = append(s.monitors, object{"id": 100, "type": "http", "name": "Only in the log", "url": "https://a.example/", "accepted_statuscodes_json": `["200-299"]`})
	dir := t.TempDir()
	path := filepath.Join(dir, "kuma.db")
	closed := s.write(t, path, true)
	defer closed()
	before := contents(t, dir)
	for _, mode := range []os.FileMode{0o700, 0o500} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		got := bring(t, t, path)
		if !strings.Contains(got.yaml, "Only in the log") {
			t.Errorf("the log was not read:\n%s", got.yaml)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if after := contents(t, dir); before != after {
		t.Error("the files of Uptime Kuma were changed")
	}
	if err := os.Remove(path + "-shm"); err != nil {
		t.Fatal(err)
	}
	if got := bring(t, t, dir); !strings.Contains(got.yaml, "Only in the log") { // a folder, and no -shm
		t.Error("the log was not read without its index")
	}
}

// TestLogThatGrows: Uptime Kuma adds to its log all the while, and the database
// is read nevertheless.
func TestLogThatGrows(t *testing.T) {
	s := rare(object{"name": "There before"})
	path := filepath.Join(t.TempDir(), "kuma.db")
	closed := s.write(t, path, true)
	defer closed()
	db := must(sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)&_pragma=wal_autocheckpoint(0)"))
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`INSERT INTO setting (key, value) VALUES ('long to copy', zeroblob(32 << 20))`); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := db.Exec(`INSERT INTO setting (key, value) VALUES (hex(randomblob(16)), '1')`); err != nil {
				<-stop
				done <- err
				return
			}
		}
	}()
	_, err := kuma.FromKuma(t.Context(), path)
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Error(err)
	}
}

func contents(t *testing.T, dir string) string {
	var b strings.Builder
	for _, e := range must(os.ReadDir(dir)) {
		b.WriteString(e.Name())
		if !strings.HasSuffix(e.Name(), "-shm") {
			b.Write(must(os.ReadFile(filepath.Join(dir, e.Name()))))
		}
	}
	return b.String()
}

// TestBackup: a backup of 1.x gives the same YAML as the database, but for what
// a backup does not hold: proxies, maintenance and settings.
func TestBackup(t *testing.T) {
	p := newPEMs(t)
	some(t, 15, func(r *rapid.T) {
		s := genSite(r, 1, p)
		s.proxies, s.maintenance, s.settings = nil, nil, nil
		for _, m := range s.monitors {
			m["proxy_id"] = nil
		}
		path := filepath.Join(t.TempDir(), "backup.json")
		if err := os.WriteFile(path, s.backup(), 0o600); err != nil {
			r.Fatalf("%v", err)
		}
		a, err := kuma.FromKuma(t.Context(), s.database(t))
		b, err2 := kuma.FromKuma(t.Context(), path)
		if err != nil || err2 != nil {
			r.Fatalf("%v, %v", err, err2)
		}
		if a, b := a.Render("files"), b.Render("files"); a != b {
			r.Fatalf("of the database:\n%s\nof the backup:\n%s", a, b)
		}
	})
}

// TestFiles: what is none of ours is named for what it is.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	s := &site{version: 1, monitors: []object{{"id": 1, "type": "http", "name": "a", "url": "https://a.example/"}}}
	good := must(os.ReadFile(s.database(t)))
	for name, content := range map[string]string{
		"empty.db": "", "noise.db": "hello", "dump.sql": "-- MariaDB dump 10.19\nCREATE TABLE x;", "cut.db": string(good[:len(good)/2]), "head.db": string(good[:50]),
		"zip.zip": "PK\x03\x04...", "kuma.db-wal": "\x37\x7f\x06\x82xxx", "cut.json": `{"version":"1.23","monitorList":[{`, "other.json": `{"a":1}`, "list.json": `[1]`,
		"garbled.db": string(good[:100]) + strings.Repeat("x", len(good)-100), "mariadb/db-config.json": `{"type":"mariadb"}`, "bare/x": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(dir, "other.db")
	foreign(t, other)
	for name, want := range map[string]string{
		"empty.db": "is empty", "noise.db": "neither", "dump.sql": "dump in SQL", "cut.db": "cut off", "head.db": "cut off", "zip.zip": "archive", "kuma.db-wal": "write-ahead log",
		"cut.json": "cut off", "other.json": "no monitorList", "list.json": "another shape", "garbled.db": "damaged", "mariadb": "MariaDB", "bare": "no kuma.db", "other.db": "not that of an Uptime Kuma",
		"nowhere.db": "there is no file",
	} {
		_, err := kuma.FromKuma(t.Context(), filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestSite: what a person gets of an Uptime Kuma that was filled in by its own
// forms.
func TestSite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kuma.db")
	db := must(sql.Open("sqlite", path))
	for _, file := range []string{"testdata/v1.sql", "testdata/site-1.23.sql"} {
		if _, err := db.Exec(string(must(os.ReadFile(file)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	got := bring(t, t, path)
	dir := filepath.Dir(got.placed.YAML) + "/"
	for file, text := range map[string]string{"testdata/site-1.23.yaml": got.yaml, "testdata/site-1.23.txt": got.tell} {
		if text = strings.ReplaceAll(text, dir, ""); text != string(must(os.ReadFile(file))) {
			t.Errorf("it differs from %s:\n%s", file, text)
		}
	}
}
