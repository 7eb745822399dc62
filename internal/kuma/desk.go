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
	k := &desk{doc: d, hide: newHider(&d.Vault), credentials: map[string]*Entry{}, names: namer{}}
	k.hide.plain, k.hide.variables = k.plain, true
	return k
}

// raw writes a text so that it means itself, and its variables stay ones.
func (k *desk) raw(s string) any {
	if !marked(s) {
		return s
	}
	return k.plain(s)
}

func (k *desk) plain(s string) Raw {
	out := ""
	for _, p := range pieces(s) {
		if !marked(p) {
			out += string(Escape(p))
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(p, markBegin), markEnd)
		k.doc.takes(name)
		if strings.HasSuffix(out, "$") { // $${ is no reference here, and there is no other way to write it
			k.doc.look("a dollar sign right before ${%s} cannot be written here: put it into the variable", name)
			out = strings.TrimSuffix(out, "$")
		}
		out += "${" + name + "}"
	}
	return Raw(out)
}

func (k *desk) raws(all []string) any {
	if !slices.ContainsFunc(all, marked) {
		return all
	}
	out := make([]Raw, len(all))
	for i, s := range all {
		out[i] = k.plain(s)
	}
	return out
}

// secret keeps a value apart, but for the variables in it.
func (k *desk) secret(owner, kind, s string) any {
	if s == "" {
		return s
	}
	return k.hide.keep(owner, kind, s)
}

// header writes the value of a header.
func (k *desk) header(owner, name, s string) any { return k.written(k.hide.header(owner, name, s)) }

func (k *desk) url(owner, s string) any { return k.written(k.hide.url(owner, s)) }

func (k *desk) body(owner, s string) any { return k.written(k.hide.body(owner, s)) }

// written is what the hider made of a text; where it hid nothing, variables are
// written still.
func (k *desk) written(v any) any {
	if s, ok := v.(string); ok {
		return k.raw(s)
	}
	return v
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
	k.doc.object(e, unmarked(fmt.Sprintf(format, args...)))
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
