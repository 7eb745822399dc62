package kuma

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/watchword/watchword/internal/machine"
)

// moves are files and folders that lie ready under other names in the folders
// that they belong to.
type moves struct {
	all []move
	err error // the first
}

type move struct{ from, to string }

// file lays a file ready.
func (m *moves) file(to, content string, mode os.FileMode) {
	if m.err != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".watchword-*") // 0600
	if err != nil {
		m.fail(to, err)
		return
	}
	m.all = append(m.all, move{f.Name(), to})
	_, err = f.WriteString(content)
	m.fail(to, errors.Join(err, f.Chmod(mode), f.Close()))
}

// folder lays a folder with files ready.
func (m *moves) folder(to string, files []file) {
	if m.err != nil {
		return
	}
	dir, err := os.MkdirTemp(filepath.Dir(to), ".watchword-*") // 0700
	if err != nil {
		m.fail(to, err)
		return
	}
	m.all = append(m.all, move{dir, to})
	for _, f := range files {
		m.fail(to, os.WriteFile(filepath.Join(dir, f.name), []byte(f.content), 0o600))
	}
}

// first returns where the first of them lies ready, as an absolute path.
func (m *moves) first() (string, error) {
	if len(m.all) == 0 {
		return "", nil
	}
	return filepath.Abs(m.all[0].from)
}

func (m *moves) fail(path string, err error) {
	if err == nil || m.err != nil {
		return
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	m.err = errors.New(machine.Unusable(path, "write", err))
}

// carryOut renames what lies ready. A folder that is there makes room first.
func (m *moves) carryOut() error {
	for i := 0; i < len(m.all) && m.err == nil; i++ {
		x := m.all[i]
		if info, err := os.Stat(x.to); err == nil && info.IsDir() {
			m.fail(x.to, os.RemoveAll(x.to))
		}
		m.fail(x.to, os.Rename(x.from, x.to))
	}
	return m.err
}

// forget removes what still lies ready.
func (m *moves) forget() {
	for _, x := range slices.Backward(m.all) {
		_ = os.RemoveAll(x.from) // nothing is left there where all went well
	}
}
