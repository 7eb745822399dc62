package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/secret"
)

// longest is more than any configuration takes: what goes on beyond it is a
// device that never ends, or no configuration.
const longest = 64 << 20

// readText reads a file of the configuration; pipes are files too. The error is
// fit to be shown and says what to do.
func readText(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && info.Mode()&os.ModeSocket != 0 {
		return nil, errors.New("this is a socket, and should be a YAML file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.New(machine.Unusable(name, "read", err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, longest+1))
	switch {
	case err != nil:
		return nil, errors.New(machine.Unusable(name, "read", err))
	case len(b) > longest:
		return nil, fmt.Errorf("this goes on beyond %d MiB: it is no configuration", longest>>20)
	}
	if what := notText(b); what != "" {
		return nil, errors.New("this is " + what + ", and should be a YAML file")
	}
	return b, nil
}

// notText says what a file is that is no text, "" for one that may be.
func notText(b []byte) string {
	head := b[:min(len(b), 512)]
	switch {
	case bytes.HasPrefix(head, []byte("SQLite format 3")):
		return "a database"
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")): // UTF-16, which YAML may be
		return ""
	case bytes.IndexByte(head, 0) >= 0:
		return "not a text"
	}
	return ""
}

// noFile says what is wrong with a path that leads nowhere, and which files
// there are that may have been meant.
func noFile(path string, err error) string {
	text := machine.Unusable(path, "read", err)
	if !errors.Is(err, fs.ErrNotExist) {
		return text
	}
	text += machine.InContainer(" (in a container: is it mounted, and at this path?)")
	all, _ := os.ReadDir(filepath.Dir(path)) //nolint:errcheck // a folder that is not there was named already
	var names []string
	for _, e := range all {
		if isYAML(e.Name()) {
			names = append(names, e.Name())
		}
	}
	base := filepath.Base(path)
	near := nearest(base, names)
	if near == "" { // another ending
		near = nearest(strings.TrimSuffix(base, filepath.Ext(base))+".yaml", names)
	}
	switch {
	case near != "":
		text += fmt.Sprintf("; did you mean %q?", filepath.Join(filepath.Dir(path), near))
	case len(names) > 0:
		text += "; there are: " + few(names)
	}
	return text
}

// noYAML is a folder without a configuration. Docker makes an empty folder where
// a file was to be mounted that is not there.
func noYAML(all []os.DirEntry) string {
	if len(all) == 0 {
		return "the folder is empty; where a file was meant: Docker makes a folder of what is mounted and is not there on the host"
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return "the folder holds no *.yaml or *.yml file; it holds: " + few(names)
}

// few lists the first of some names.
func few(names []string) string {
	const most = 5
	more := ""
	if len(names) > most {
		names, more = names[:most], " …"
	}
	return strings.Join(names, ", ") + more
}

// unread says why a secret cannot be had, and what would mend it.
func unread(err error) string {
	if e, ok := errors.AsType[*secret.MissingError](err); ok && e.Err != nil {
		if p, ok := errors.AsType[*fs.PathError](e.Err); ok {
			return "secret file: " + machine.Unusable(p.Path, "read", p)
		}
	}
	return err.Error()
}
