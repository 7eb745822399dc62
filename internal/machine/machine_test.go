package machine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestUnusable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	_, folder := os.ReadFile(dir)
	for name, tt := range map[string]struct {
		path string
		err  error
		want []string
	}{
		"no file":           {filepath.Join(dir, "none"), fs.ErrNotExist, []string{"there is no file " + filepath.Join(dir, "none")}},
		"no folder":         {filepath.Join(dir, "a", "b", "c"), fs.ErrNotExist, []string{"there is no folder " + filepath.Join(dir, "a") + ", on the way to"}},
		"a file on the way": {filepath.Join(file, "b", "c"), syscall.ENOTDIR, []string{file + " is a file, and should be a folder"}},
		"a folder":          {dir, folder, []string{dir + " is a folder, and should be a file"}},
		"not allowed":       {file, fs.ErrPermission, []string{"may not read " + file + " (mode -rw-r-----, owner ", "uid "}},
		"something else":    {file, &fs.PathError{Op: "read", Path: file, Err: errors.New("input/output error")}, []string{"read " + file + ": input/output error"}},
	} {
		got := Unusable(tt.path, "read", tt.err)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	}
}

func TestNameServers(t *testing.T) {
	const conf = "# here\nsearch home\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1 # mine\nnameserver\noptions ndots:1\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
	if got, want := nameServers(conf), []string{"192.0.2.1", "2001:db8::1", "192.0.2.3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if AskedForNames() == "" {
		t.Error("nobody is asked for names")
	}
}

func TestContainer(t *testing.T) {
	t.Setenv("container", "podman")
	if !Container() || InContainer("words") != "words" {
		t.Error("a container is not seen as one")
	}
}
