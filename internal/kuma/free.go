package kuma

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/watchword/watchword/internal/machine"
)

// free refuses to replace what is there; what was read, always.
func (p Placed) free(force bool, read []string) error {
	if err := p.apart(); err != nil {
		return err
	}
	for _, path := range []string{p.YAML, p.Env, p.Folder} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return errors.New(machine.Unusable(path, "write", err))
		}
		if err := p.replaceable(path, info, read); err != nil {
			return err
		}
		if !force {
			return fmt.Errorf("%s is there already, and nothing was written: move it away, name another file with -o, or replace it with --force", path)
		}
	}
	return nil
}

// replaceable says why something that is there must not be replaced.
func (p Placed) replaceable(path string, info fs.FileInfo, read []string) error {
	same := func(source string) bool {
		is, err := os.Stat(source)
		return err == nil && os.SameFile(is, info)
	}
	switch {
	case slices.ContainsFunc(read, same):
		return fmt.Errorf("%s is what was read, and nothing was written: name another file with -o", path)
	case path == p.Folder && !info.IsDir():
		return fmt.Errorf("%s is a file, and files such as keys were to go into a folder of that name: move it away", path)
	case path != p.Folder && info.IsDir():
		return fmt.Errorf("%s is a folder: name a file with -o", path)
	case path != p.Folder && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no ordinary file: name one with -o, or - for stdout", path)
	}
	return nil
}

// apart refuses one path for two things, of which the second would replace the
// first.
func (p Placed) apart() error {
	what := map[string]string{}
	for _, x := range [][2]string{{p.YAML, "the YAML"}, {p.Env, "the secrets"}, {p.Folder, "the folder of keys"}} {
		if x[0] == "" {
			continue
		}
		path := filepath.Clean(x[0])
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		if other := what[path]; other != "" {
			return fmt.Errorf("%s and %s would both be %s, and nothing was written: name another file with -o or --env", other, x[1], x[0])
		}
		what[path] = x[1]
	}
	return nil
}
