package kuma

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// desk is where a reader of YAML makes its document.
type desk struct {
	doc         *Document
	hide        *hider
	credentials map[string]*Entry // by what they are
	names       namer             // of credentials
	dir         string            // of the foreign file
}

func newDesk(source, command string) *desk {
	d := &Document{Source: source, Command: command}
	return &desk{doc: d, hide: newHider(&d.Vault), credentials: map[string]*Entry{}, names: namer{}}
}

// raw writes a text so that it means itself, and its variables stay ones.
func (k *desk) raw(s string) any {
	if !marked(s) {
		return s
	}
	parts := strings.Split(s, markBegin)
	out := string(Escape(parts[0]))
	for _, p := range parts[1:] {
		name, rest, _ := strings.Cut(p, markEnd)
		k.doc.takes(name)
		if strings.HasSuffix(out, "$") { // $${ is no reference here, and there is no other way to write it
			k.doc.look("a dollar sign right before ${%s} cannot be written here: put it into the variable", name)
			out = strings.TrimSuffix(out, "$")
		}
		out += "${" + name + "}" + string(Escape(rest))
	}
	return Raw(out)
}

func (k *desk) raws(all []string) any {
	if !slices.ContainsFunc(all, marked) {
		return all
	}
	out := make([]Raw, len(all))
	for i, s := range all {
		switch x := k.raw(s).(type) {
		case Raw:
			out[i] = x
		case string:
			out[i] = Escape(x)
		}
	}
	return out
}

// secret keeps a value apart, unless a variable is what it is made of.
func (k *desk) secret(owner, kind, s string) any {
	if marked(s) || s == "" {
		return k.raw(s)
	}
	return k.doc.Vault.Secret(owner, kind, s)
}

// header writes the value of a header.
func (k *desk) header(owner, name, s string) any {
	if marked(s) {
		return k.raw(s)
	}
	return k.hide.header(owner, name, s)
}

func (k *desk) url(owner, s string) any {
	if marked(s) {
		return k.raw(s)
	}
	return k.hide.url(owner, s)
}

func (k *desk) body(owner, s string) any {
	if marked(s) {
		return k.raw(s)
	}
	return k.hide.body(owner, s)
}

// file names a file of the foreign configuration by its whole path. One that is
// not on this machine would not pass check: false says so.
func (k *desk) file(path string) (string, bool) {
	whole := k.whole(path)
	info, err := os.Stat(whole)
	return whole, err == nil && !info.IsDir()
}

func (k *desk) whole(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(k.dir, path)
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// setFile sets a key to a file, or tells that it has to be set.
func (k *desk) setFile(e *Entry, f *Fields, key, path string) {
	switch whole, there := k.file(path); {
	case path == "":
	case marked(path):
		k.object(e, "%s: %s has a variable in its path: set it", key, path)
	case !there:
		k.object(e, "%s: %s is not on this machine, or cannot be read: set it where it is", key, path)
	default:
		f.Set(key, whole)
	}
}

// secretFile is a reference to a file that holds a secret.
func (k *desk) secretFile(path string) Raw {
	whole, there := k.file(path)
	k.doc.elsewhere = k.doc.elsewhere || !there
	return Raw("${file:" + whole + "}")
}

// object tells of trouble with an entry: above it, and in the summary.
func (k *desk) object(e *Entry, format string, args ...any) {
	line := unmarked(fmt.Sprintf(format, args...))
	e.Comment("LOOK: " + line)
	k.doc.look("%s: %s", e.Name, line)
}

// stay notes what stays where it is.
func (k *desk) stay(what, name, kind, why string) {
	k.doc.Stays = append(k.doc.Stays, Stay{what, unmarked(name), kind, why})
}

// unmarked writes variables of a text as a person knows them.
func unmarked(s string) string {
	return strings.NewReplacer(markBegin, "${", markEnd, "}").Replace(s)
}

// credential gives an entry the credential that is made of fields, which is the
// same for all that are made of equal ones.
func (k *desk) credential(e *Entry, name string, fields Fields) {
	w := &writer{layout: newLayout("", nil)}
	w.fields(0, fields)
	same := w.b.String()
	c := k.credentials[same]
	if c == nil {
		if name = slug(unmarked(name)); name == "" {
			name = "credential"
		}
		c = &Entry{Name: k.names.take(name, func(n int) string { return fmt.Sprintf("%s-%d", name, n) }), Fields: fields}
		k.credentials[same] = c
		k.doc.Credentials = append(k.doc.Credentials, c)
	}
	e.Fields.Set("credential", c.Name)
}
