package kuma

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/watchword/watchword/internal/machine"
)

// source is what was read of an Uptime Kuma.
type source struct {
	what     string // "kuma.db of Uptime Kuma 1.x"
	files    []string
	backup   bool // it is no database
	tables   map[string][]row
	settings map[string]string // values are JSON
}

// FromKuma reads the database of an Uptime Kuma 1.x or 2.x, the folder that it is
// in, or a backup of 1.x. The file is only read, also where Kuma is running: a
// copy of it is opened. Errors are fit to be shown.
func FromKuma(ctx context.Context, path string) (*Document, error) {
	path, err := inFolder(path)
	if err != nil {
		return nil, err
	}
	s, err := readSource(ctx, path)
	if err != nil {
		return nil, err
	}
	s.files = []string{path, path + "-wal", path + "-shm", path + "-journal"}
	return newKumaReader(s).read()
}

// readSource tells by its content what a file is.
func readSource(ctx context.Context, path string) (*source, error) {
	head, err := headOf(path)
	switch {
	case err != nil:
		return nil, errors.New(machine.Unusable(path, "read", err))
	case len(head) == 0:
		return nil, fmt.Errorf("%s is empty: is it the kuma.db that Uptime Kuma writes to? It is in the folder data of the container, /app/data", path)
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return readDatabase(ctx, path)
	case isJSON(head):
		return readBackup(path)
	}
	return nil, fmt.Errorf("%s is %s", path, stranger(head))
}

// inFolder finds the database in a folder.
func inFolder(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return path, nil // what is wrong is said by who reads it
	}
	for _, name := range []string{"kuma.db", filepath.Join("data", "kuma.db")} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return filepath.Join(path, name), nil
		}
	}
	if b, err := os.ReadFile(filepath.Join(path, "db-config.json")); err == nil && bytes.Contains(b, []byte("mariadb")) {
		return "", fmt.Errorf("the Uptime Kuma of %s keeps its data in MariaDB, which is not read here: %s", path, fromMariaDB)
	}
	return "", fmt.Errorf("there is no kuma.db in the folder %s: it is in the folder data of Uptime Kuma, in its container /app/data", path)
}

const fromMariaDB = "set up an Uptime Kuma with SQLite, enter there what is to move, and import its kuma.db"

const headBytes = 4096

func headOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headBytes))
	return head, err
}

func isJSON(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	return bytes.HasPrefix(head, []byte("{")) || bytes.HasPrefix(head, []byte("["))
}

// stranger says what a file is that is neither database nor backup.
func stranger(head []byte) string {
	text := strings.ToLower(string(head))
	switch {
	case strings.Contains(text, "mariadb dump") || strings.Contains(text, "mysql dump") || strings.Contains(text, "insert into") || strings.Contains(text, "create table"):
		return "a dump in SQL, which is not read here: give the kuma.db itself; or, where Uptime Kuma runs on MariaDB, " + fromMariaDB
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), bytes.Contains(head, []byte("ustar")):
		return "an archive: unpack it, and give the kuma.db in it"
	case bytes.HasPrefix(head, []byte{0x37, 0x7f, 0x06, 0x82}), bytes.HasPrefix(head, []byte{0x37, 0x7f, 0x06, 0x83}):
		return "the write-ahead log of a database: give the kuma.db beside it"
	}
	return "neither the database of an Uptime Kuma (SQLite) nor a backup of 1.x (JSON)"
}
