// Package secret keeps secrets out of everything but the request that needs
// them: a Text says where a secret lives and reads it each time it is used, so
// that a rotated file needs no reload and nothing can be printed by accident.
package secret

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// Redacted is what a secret looks like wherever it would be printed.
const Redacted = "[secret]"

// Text is a string of the configuration that may be, or hold, a secret. Its
// value is read anew by each Reveal. The zero Text is the empty string. It is
// immutable and may be copied and shared.
type Text struct{ parts []part }

type partKind int

const (
	literal partKind = iota
	env
	file
)

type part struct {
	kind     partKind
	value    string // the literal, the variable's name or the file's path
	fallback string // of a variable that is unset or empty
	optional bool   // whether fallback was given
}

// Literal returns the Text whose value is s.
func Literal(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{[]part{{kind: literal, value: s}}}
}

// Parse reads a scalar of the configuration: ${NAME} and ${NAME:-default} are
// environment variables, ${file:PATH} is a file (relative to dir), $${ is a
// literal ${. What is put in is not expanded again. Parse reads no variable and
// no file; Check does.
func Parse(s, dir string) (Text, error) {
	var t Text
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			t.add(part{kind: literal, value: s})
			break
		}
		if i > 0 && s[i-1] == '$' { // $${ is ${
			t.add(part{kind: literal, value: s[:i-1] + "${"})
			s = s[i+2:]
			continue
		}
		t.add(part{kind: literal, value: s[:i]})
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return Text{}, errors.New("\"${\" without a closing \"}\"; write $${ for a literal ${")
		}
		p, err := parseReference(s[i+2:i+end], dir)
		if err != nil {
			return Text{}, err
		}
		t.add(p)
		s = s[i+end+1:]
	}
	return t, nil
}

func parseReference(ref, dir string) (part, error) {
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		if path == "" {
			return part{}, errors.New("${file:} names no file")
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return part{kind: file, value: path}, nil
	}
	name, fallback, optional := strings.Cut(ref, ":-")
	if strings.Contains(fallback, "${") {
		return part{}, fmt.Errorf("the default of ${%s} cannot hold another reference", name)
	}
	if !isName(name) {
		return part{}, fmt.Errorf("${%s} is neither ${NAME}, ${NAME:-default} nor ${file:/path}; write $${ for a literal ${", name)
	}
	return part{kind: env, value: name, fallback: fallback, optional: optional}, nil
}

func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

func (t *Text) add(p part) {
	if p.kind != literal {
		t.parts = append(t.parts, p)
		return
	}
	if p.value == "" {
		return
	}
	if n := len(t.parts); n > 0 && t.parts[n-1].kind == literal {
		t.parts[n-1].value += p.value
		return
	}
	t.parts = append(t.parts, p)
}

// Reveal reads the value as it is now. One trailing newline of a file is
// dropped. The error names the variable or file, never a value.
func (t Text) Reveal() (string, error) {
	if len(t.parts) == 1 { // the ordinary case allocates nothing
		return t.parts[0].read()
	}
	var b strings.Builder
	for _, p := range t.parts {
		v, err := p.read()
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

func (p part) read() (string, error) {
	switch p.kind {
	case env:
		v := os.Getenv(p.value)
		if v != "" || p.optional {
			if v == "" {
				v = p.fallback
			}
			return v, nil
		}
		if _, ok := os.LookupEnv(p.value); ok {
			return "", nil
		}
		return "", &MissingError{What: "environment variable " + p.value + " is not set"}
	case file:
		b, err := os.ReadFile(p.value)
		if err != nil {
			return "", &MissingError{What: "secret file: " + err.Error(), Err: err}
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
	default:
		return p.value, nil
	}
}

// MissingError says that a secret could not be read: a variable that is not
// set, a file that is absent or unreadable.
type MissingError struct {
	What string
	Err  error
}

func (e *MissingError) Error() string { return e.What }

func (e *MissingError) Unwrap() error { return e.Err }

// Check reads the value once and throws it away.
func (t Text) Check() error { _, err := t.Reveal(); return err }

// IsZero says whether nothing was configured.
func (t Text) IsZero() bool { return len(t.parts) == 0 }

// IsLiteral says whether the value stands in the configuration itself, in plain
// text, with no reference to a variable or a file.
func (t Text) IsLiteral() bool { return len(t.parts) == 1 && t.parts[0].kind == literal }

// Files returns the paths of the files that the value is read from.
func (t Text) Files() []string {
	var fs []string
	for _, p := range t.parts {
		if p.kind == file {
			fs = append(fs, p.value)
		}
	}
	return fs
}

// String returns a placeholder, never the value.
func (t Text) String() string {
	if t.IsZero() {
		return ""
	}
	return Redacted
}

// GoString is String, for %#v.
func (t Text) GoString() string { return t.String() }

// Format prints the placeholder for every verb and flag.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// LogValue keeps the value out of logs.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText keeps the value out of JSON, YAML and XML.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Source describes where the value comes from without reading it; two Texts
// with equal sources are the same configuration. It holds literal parts in
// plain text: use it for keyed fingerprints only, never print it.
func (t Text) Source() string {
	var b strings.Builder
	for _, p := range t.parts {
		fmt.Fprintf(&b, "%d:%t:%q:%q;", p.kind, p.optional, p.value, p.fallback)
	}
	return b.String()
}
