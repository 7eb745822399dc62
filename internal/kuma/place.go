package kuma

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/watchword/watchword/internal/config"
)

// Target says where a document goes.
type Target struct {
	YAML  string    // the file; "" for Out
	Out   io.Writer // for the YAML without a file
	Env   string    // the file of the variables; "": beside the YAML, with its name
	Force bool      // whether files that are there may be replaced
	// Build makes everything of a configuration but sends nothing; nil: nothing
	// beyond loading is tried.
	Build func(*config.Config) error
}

// Placed says where things are.
type Placed struct {
	YAML     string // "" on Out
	Env      string // "" without variables
	Folder   string // "" without files
	Warnings []string
}

// Place arranges the document, loads it once in a folder of its own, as `check`
// would, and then puts it in place: all of it or, as far as the system allows,
// nothing.
func (d *Document) Place(ctx context.Context, t Target) (Placed, error) {
	d.arrange()
	p := d.places(t)
	if err := p.free(t.Force, d.Read); err != nil {
		return Placed{}, err
	}
	var moves moves
	defer moves.forget()
	if p.Folder != "" {
		moves.folder(p.Folder, d.Vault.files)
	}
	head := d.head(p)
	warnings, err := d.try(head, moves, t.Build)
	if err != nil {
		return Placed{}, err
	}
	text := d.render(newLayout(p.seen(), nil), head)
	if p.Env != "" {
		moves.file(p.Env, d.env(p), 0o600)
	}
	if p.YAML != "" {
		moves.file(p.YAML, text, 0o644)
	}
	if err := ctx.Err(); err != nil {
		return Placed{}, fmt.Errorf("nothing was written: %w", err)
	}
	if err := moves.carryOut(); err != nil {
		return Placed{}, err
	}
	if p.YAML == "" {
		if _, err := io.WriteString(t.Out, text); err != nil {
			return Placed{}, fmt.Errorf("write the YAML: %w", err)
		}
	}
	p.Warnings = warnings
	return p, nil
}

// places decides the paths. Without a file for the YAML, it is taken to be
// saved in the working directory.
func (d *Document) places(t Target) Placed {
	stem := strings.TrimSuffix(cmp.Or(t.YAML, "watchword.yaml"), filepath.Ext(cmp.Or(t.YAML, "watchword.yaml")))
	env := cmp.Or(t.Env, stem+".env")
	p := Placed{YAML: t.YAML}
	if len(d.Vault.vars) > 0 {
		p.Env = env
	}
	if len(d.Vault.files) > 0 {
		p.Folder = strings.TrimSuffix(env, filepath.Ext(env)) + ".secrets"
		if t.YAML != "" {
			p.Folder = stem + ".secrets"
		}
	}
	return p
}

// seen is the folder of the files as the YAML names it.
func (p Placed) seen() string {
	if rel, err := filepath.Rel(filepath.Dir(p.YAML), p.Folder); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(p.Folder)
}

// try loads the document as `check` does, with every secret in its place: the
// files lie ready already. It returns the warnings with the lines that they have
// in the end.
func (d *Document) try(head []string, ready moves, build func(*config.Config) error) ([]string, error) {
	if ready.err != nil {
		return nil, ready.err
	}
	dir, err := os.MkdirTemp("", "watchword-import-") // 0700
	if err != nil {
		return nil, fmt.Errorf("make a folder to try the configuration in: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing can be done about it
	files, err := ready.first()
	if err != nil {
		return nil, fmt.Errorf("find the files to try the configuration with: %w", err)
	}
	path, text := filepath.Join(dir, "watchword.yaml"), d.render(newLayout(files, d.Vault.vars), head)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration to try it: %w", err)
	}
	cfg, problems := config.Load([]string{path}, config.LoadOptions{AllowMissingSecrets: len(d.outside) > 0 || d.elsewhere})
	warnings, wrong := sort(problems, text)
	if cfg != nil && build != nil {
		if err := build(cfg); err != nil {
			wrong = append(wrong, strings.ReplaceAll(err.Error(), path, "the YAML"))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("what was made does not pass check, so nothing was written. Set right what is wrong in what was to be imported; if nothing is, please report these lines:\n  %s", strings.Join(wrong, "\n  "))
	}
	return warnings, nil
}

// sort tells warnings from errors. A warning of several lines is one. What is
// wrong with a text that nobody gets to see is told by the name of what it is in.
func sort(problems config.Problems, text string) (warnings, wrong []string) {
	lines, written := map[string][]string{}, strings.Split(text, "\n")
	var said []string
	for _, p := range problems {
		if !p.Warning {
			wrong = append(wrong, within(written, p.Line)+p.Message)
			continue
		}
		if lines[p.Message] == nil {
			said = append(said, p.Message)
		}
		lines[p.Message] = append(lines[p.Message], strconv.Itoa(p.Line))
	}
	for _, message := range said {
		warnings = append(warnings, onLines(lines[message])+": "+message)
	}
	return warnings, wrong
}

// onLines names lines, not more than some of them.
func onLines(lines []string) string {
	const most = 5
	switch n := len(lines); {
	case n == 1:
		return "line " + lines[0]
	case n > most:
		return fmt.Sprintf("lines %s and %d more", strings.Join(lines[:most], ", "), n-most)
	}
	return "lines " + strings.Join(lines, ", ")
}

// within names the entry that a line is in, as it was written: "Wiki: ".
func within(lines []string, line int) string {
	for i := min(line, len(lines)) - 1; i >= 0; i-- {
		inner, entry := strings.CutPrefix(lines[i], "  ")
		if name, ok := strings.CutPrefix(inner, "- name: "); entry && ok {
			return name + ": "
		}
		if name, ok := strings.CutSuffix(inner, ":"); entry && ok && !strings.HasPrefix(inner, " ") {
			return name + ": "
		}
		if !entry && strings.HasSuffix(lines[i], ":") { // of the top level
			break
		}
	}
	return ""
}

// env writes the env file.
func (d *Document) env(p Placed) string {
	var b bytes.Buffer
	for _, line := range d.envHead(p) {
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	for _, x := range d.Vault.vars {
		b.WriteString(x.name + "=" + x.value + "\n")
	}
	return b.String()
}
