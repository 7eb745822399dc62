package kuma

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writer writes a Document as YAML.
type writer struct {
	b      strings.Builder
	layout layout
}

// render writes an arranged document.
func (d *Document) render(l layout, head []string) string {
	w := &writer{layout: l}
	w.comment(0, head...)
	if d.Timezone != "" {
		w.b.WriteString("\n")
		w.fields(0, Fields{{Key: "timezone", Value: d.Timezone}})
	}
	w.named("credentials", d.Credentials)
	w.named("notifiers", d.Notifiers)
	w.named("modules", d.Modules)
	if len(d.defaults) > 0 {
		w.section("defaults", "what holds for every monitor that says nothing else")
		w.fields(1, d.defaults)
	}
	for _, s := range d.Sections {
		w.b.WriteString("\n")
		w.fields(0, Fields{s})
	}
	w.monitors(d.Monitors)
	w.windows(d.Maintenance)
	w.stays(d.Stays)
	return w.b.String()
}

func (w *writer) section(name, what string) {
	if what != "" {
		what = "  # " + what
	}
	fmt.Fprintf(&w.b, "\n%s:%s\n", name, what)
}

func (w *writer) comment(depth int, lines ...string) {
	for _, line := range lines {
		w.b.WriteString(strings.Repeat("  ", depth) + strings.TrimRight("# "+line, " ") + "\n")
	}
}

// named writes a mapping of names.
func (w *writer) named(section string, all []*Entry) {
	if len(all) == 0 {
		return
	}
	w.section(section, "")
	for i, e := range all {
		if i > 0 {
			w.b.WriteString("\n")
		}
		w.comment(1, e.Comments...)
		w.fields(1, Fields{{Key: e.Name, Value: e.Fields}})
	}
}

// monitors writes the monitors under the headings of their groups.
func (w *writer) monitors(all []*Entry) {
	if len(all) == 0 {
		return
	}
	w.section("monitors", "")
	group := ""
	for i, e := range all {
		if e.Group != group {
			group = e.Group
			if i > 0 {
				w.b.WriteString("\n")
			}
			w.comment(1, oneLine("=== "+e.Group+" ==="))
		}
		if i > 0 || group != "" {
			w.b.WriteString("\n")
		}
		w.comment(1, e.Comments...)
		fields := Fields{{Key: "name", Value: e.Name}}
		if e.ID != "" {
			fields.Set("id", e.ID)
		}
		if e.Group != "" {
			fields.Set("group", e.Group)
		}
		w.item(append(fields, e.Fields...))
	}
}

func (w *writer) windows(all []*Entry) {
	var live int
	for _, e := range all {
		if e.Fields != nil {
			live++
		}
	}
	if len(all) == 0 {
		return
	}
	if live > 0 {
		w.section("maintenance", "")
	} else {
		w.b.WriteString("\n")
	}
	for i, e := range all {
		if i > 0 {
			w.b.WriteString("\n")
		}
		w.comment(1, e.Comments...)
		if e.Fields != nil { // else it is told of in a comment only
			w.item(append(Fields{{Key: "name", Value: e.Name}}, e.Fields...))
		}
	}
}

// item writes a mapping as an entry of a list.
func (w *writer) item(f Fields) {
	var inner writer
	inner.layout = w.layout
	inner.fields(2, f)
	w.b.WriteString("  - " + strings.TrimPrefix(inner.b.String(), "    "))
}

func (w *writer) fields(depth int, f Fields) {
	indent := strings.Repeat("  ", depth)
	for _, x := range f {
		key := indent + scalar(x.Key, false) + ":"
		if s, ok := w.inline(x.Value, false); ok {
			if x.Note != "" {
				s += "  # " + x.Note
			}
			w.b.WriteString(key + " " + s + "\n")
			continue
		}
		w.b.WriteString(key)
		w.nested(depth, x.Value)
	}
}

// nested writes what takes lines of its own.
func (w *writer) nested(depth int, value any) {
	switch v := value.(type) {
	case Fields:
		w.b.WriteString("\n")
		w.fields(depth+1, v)
	case []Fields:
		w.b.WriteString("\n")
		for _, f := range v {
			var inner writer
			inner.layout = w.layout
			inner.fields(depth+2, f)
			indent := strings.Repeat("  ", depth+1)
			w.b.WriteString(indent + "- " + strings.TrimPrefix(inner.b.String(), indent+"  "))
		}
	case string:
		w.lines(depth, string(Escape(v)))
	case Raw:
		w.lines(depth, w.layout.expand(v))
	default:
		all, _ := elementsOf(value)
		w.entries(depth, all)
	}
}

func (w *writer) entries(depth int, all []any) {
	w.b.WriteString("\n")
	for _, x := range all {
		s, ok := w.inline(x, false)
		if !ok {
			s, _ = w.inline(x, true)
		}
		w.b.WriteString(strings.Repeat("  ", depth+1) + "- " + s + "\n")
	}
}

// lines writes a text as a block.
func (w *writer) lines(depth int, s string) {
	mark := " |-\n"
	if whole, ended := strings.CutSuffix(s, "\n"); ended {
		mark, s = " |\n", whole
	}
	w.b.WriteString(mark)
	for line := range strings.SplitSeq(s, "\n") {
		w.b.WriteString(strings.TrimRight(strings.Repeat("  ", depth+1)+line, " ") + "\n")
	}
}

// stays writes what stayed behind, by reason.
func (w *writer) stays(all []Stay) {
	if len(all) == 0 {
		return
	}
	w.b.WriteString("\n")
	w.comment(0, "What stays behind:", "")
	for _, why := range reasons(all) {
		w.comment(0, sentence(why)+":")
		for _, s := range all {
			if s.Why == why {
				w.comment(0, "  - "+s.label())
			}
		}
	}
}

// label names what stays: `"DNS of the shop" (monitor, dns)`.
func (s Stay) label() string {
	what := s.What
	if s.Kind != "" {
		what += ", " + s.Kind
	}
	return oneLine(fmt.Sprintf("%s (%s)", s.Name, what))
}

// sentence begins a line in upper case.
func sentence(s string) string {
	s = oneLine(s)
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// reasons returns why things stay, each once, in the order of the first.
func reasons(all []Stay) []string {
	var list []string
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s.Why] {
			seen[s.Why] = true
			list = append(list, s.Why)
		}
	}
	return list
}
