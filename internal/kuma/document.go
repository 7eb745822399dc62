package kuma

import (
	"slices"
	"strings"
	"unicode"

	"github.com/watchword/watchword/internal/secret"
)

// Document is a configuration in the making. A reader fills it in any order;
// Place orders it, makes names and ids unique, and factors out the defaults.
type Document struct {
	Source   string   // what it was made of, for its head: "kuma.db of Uptime Kuma 1.x"
	Command  string   // that made it: "watchword import kuma"
	Timezone string   // of the top level; "" leaves it out
	Read     []string // the files that it was made of, which are never replaced

	Credentials []*Entry
	Notifiers   []*Entry
	Monitors    []*Entry
	Modules     []*Entry
	Maintenance []*Entry
	Sections    []Field // further sections of the top level, before the monitors

	Stays []Stay   // what has no counterpart here
	Look  []string // what a person should look at, one line each
	Notes []string // what is good to know and needs nobody, one line each

	Vault      Vault
	outside    []string // variables that the environment has to bring
	elsewhere  bool     // a secret file that it names is not on this machine
	defaults   Fields
	identified bool
}

// takes notes a variable that the environment has to bring, as it did where the
// document comes from.
func (d *Document) takes(name string) {
	if !slices.Contains(d.outside, name) {
		d.outside = append(d.outside, name)
	}
}

// Entry is one credential, notifier, monitor, module or maintenance window.
type Entry struct {
	Name     string
	ID       string   // of a monitor: the spare id, where its name makes none or one that is taken
	Group    string   // of a monitor: the heading that it stands under
	Comments []string // above it, one line each
	Fields   Fields   // without name, id and group
}

// Comment adds a line above the entry, made fit to be one.
func (e *Entry) Comment(line string) {
	if line = oneLine(line); line != "" && !slices.Contains(e.Comments, line) {
		e.Comments = append(e.Comments, line)
	}
}

const longestComment = 400 // runes

// oneLine makes a line of a text, of what is seen.
func oneLine(s string) string {
	return secret.Line(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || unicode.IsSpace(r) {
			return r
		}
		return -1
	}, s), longestComment)
}

// Fields is a mapping in the order in which it is written.
type Fields []Field

// Field is one key with its value: a string (written so that it means itself,
// ${ included), a Raw, a Path, a bool, an int, a time.Duration, a list of
// strings, Raws or durations, or Fields.
type Field struct {
	Key   string
	Value any
	Note  string // a comment at the end of its line
}

// Set gives a key a value. A key such as "expect.keyword" is one of a mapping,
// which is made where there is none.
func (f *Fields) Set(key string, value any) {
	outer, inner, nested := strings.Cut(key, ".")
	i := slices.IndexFunc(*f, func(x Field) bool { return x.Key == outer })
	if i < 0 {
		*f = append(*f, Field{Key: outer})
		i = len(*f) - 1
	}
	if !nested {
		(*f)[i].Value = value
		return
	}
	sub, _ := (*f)[i].Value.(Fields)
	sub.Set(inner, value)
	(*f)[i].Value = sub
}

// SetNote is Set with a comment at the end of the line.
func (f *Fields) SetNote(key string, value any, note string) {
	f.Set(key, value)
	for i := range *f {
		if (*f)[i].Key == key {
			(*f)[i].Note = note
		}
	}
}

// Get returns the value of a key, nil for none.
func (f Fields) Get(key string) any {
	outer, inner, nested := strings.Cut(key, ".")
	for _, x := range f {
		if x.Key != outer {
			continue
		}
		if sub, ok := x.Value.(Fields); ok && nested {
			return sub.Get(inner)
		}
		if !nested {
			return x.Value
		}
	}
	return nil
}

// Drop takes a key out.
func (f *Fields) Drop(key string) {
	*f = slices.DeleteFunc(*f, func(x Field) bool { return x.Key == key })
}

// Stay is something that stays where it was.
type Stay struct {
	What string // "monitor"
	Name string
	Kind string // "port": what it is there
	Why  string // one clause, without a full stop
}

// Raw is a text of the configuration in which ${…} stands for a secret. Strings
// go into it by Escape only.
type Raw string

// Bare is a text of digits and dashes that our loader takes as a text without
// quotes, such as 404.
type Bare string

// Path is a file of the Vault by its name, written as a path.
type Path string

// Escape writes a text so that it means itself: only ${ is special.
func Escape(s string) Raw { return Raw(strings.ReplaceAll(s, "${", "$${")) }

// Join puts texts together. A text that ends in a dollar sign right before a
// reference would hide it; false says so.
func Join(parts ...Raw) (Raw, bool) {
	var b strings.Builder
	for _, p := range parts {
		if strings.HasPrefix(string(p), "${") && strings.HasSuffix(b.String(), "$") {
			return "", false
		}
		b.WriteString(string(p))
	}
	return Raw(b.String()), true
}
