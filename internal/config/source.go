package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/machine"
)

// source is one file of the configuration, read and parsed.
type source struct {
	name   string // as given on the command line, or joined to the folder given
	dir    string // what paths within the file are relative to
	shared bool   // others than its owner can read it
	root   *yaml.Node
	budget int // how many more values aliases may expand to
	merged map[*yaml.Node][]entry
}

func (s *source) at(n *yaml.Node) Position {
	return Position{s.name, max(n.Line, 1), max(n.Column, 1)}
}

// Digest sums up the names and contents of all YAML files that paths stand for,
// so that a change can be noticed where file events do not arrive; Config.Digest
// is that of what was loaded. Secret files do not belong to it: they are read
// when they are used.
func Digest(paths []string) ([sha256.Size]byte, error) {
	h := sha256.New()
	var sum [sha256.Size]byte
	for _, p := range paths {
		names, err := expand(p)
		if err != nil {
			return sum, err
		}
		for _, name := range names {
			var b []byte
			if isRegular(name) {
				if b, err = os.ReadFile(name); err != nil {
					return sum, fmt.Errorf("read configuration: %w", err)
				}
			}
			digest(h, name, b)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

func digest(h hash.Hash, name string, content []byte) {
	if !isRegular(name) {
		content = nil
	}
	fmt.Fprintf(h, "%q %d\n", name, len(content))
	h.Write(content)
}

// isRegular tells files from pipes, which can be read once only.
func isRegular(name string) bool {
	info, err := os.Stat(name)
	return err != nil || info.Mode().IsRegular()
}

// expand returns the files that a path stands for: itself, or every YAML file
// in the folder, sorted.
func expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.New(noFile(path, err))
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	all, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return nil, errors.New(machine.Unusable(path, "read", err))
	}
	var names []string
	for _, e := range all {
		name := filepath.Join(path, e.Name())
		if isYAML(e.Name()) && !isDir(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New(noYAML(all))
	}
	return names, nil
}

func isYAML(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".")
}

func isDir(name string) bool {
	info, err := os.Stat(name) // through links: Kubernetes mounts every file as one
	return err == nil && info.IsDir()
}

// open reads and parses all files. What cannot be read or parsed is a problem.
func (l *loader) open(paths []string) []*source {
	var all []*source
	var seen []string
	for _, p := range paths {
		names, err := expand(p)
		if err != nil {
			l.complain(Position{File: p}, err.Error())
		}
		for _, name := range names {
			if slices.Contains(seen, filepath.Clean(name)) {
				l.complain(Position{File: name}, "this file is given twice")
				continue
			}
			seen = append(seen, filepath.Clean(name))
			if s := l.read(name); s != nil {
				all = append(all, s)
			}
		}
	}
	return all
}

func (l *loader) read(name string) *source {
	l.files[name] = len(l.files)
	b, err := readText(name)
	if err != nil {
		l.complain(Position{File: name}, err.Error())
		return nil
	}
	digest(l.digest, name, b)
	s := &source{name: name, dir: filepath.Dir(name), merged: map[*yaml.Node][]entry{}}
	if info, err := os.Stat(name); err == nil {
		s.shared = info.Mode().Perm()&0o077 != 0
	}
	s.root = l.parse(s, b)
	return s
}
