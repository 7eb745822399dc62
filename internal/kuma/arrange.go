package kuma

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// arrange orders the document for people, makes names and ids unique and
// factors out the defaults. Doing it again changes nothing.
func (d *Document) arrange() {
	nameEntries(d.Credentials, "credential")
	nameEntries(d.Notifiers, "notifier")
	d.Identify()
	for _, e := range slices.Concat(d.Monitors, d.Modules) {
		d.fitHead(e)
	}
	byName := func(a, b *Entry) int { return fold(a.Name, b.Name) }
	slices.SortStableFunc(d.Credentials, byName)
	slices.SortStableFunc(d.Notifiers, byName)
	slices.SortStableFunc(d.Modules, byName)
	slices.SortStableFunc(d.Monitors, func(a, b *Entry) int {
		return cmp.Or(fold(a.Group, b.Group), fold(a.Name, b.Name))
	})
	slices.SortStableFunc(d.Stays, func(a, b Stay) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Kind, b.Kind), fold(a.Name, b.Name))
	})
	d.factor()
}

// fold compares names as people order them: without case, web2 before web10.
func fold(a, b string) int {
	return cmp.Or(natural(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
}

// natural compares texts, and the numbers in them as numbers.
func natural(a, b string) int {
	const digits = "0123456789"
	for a != "" && b != "" {
		m, n := len(a)-len(strings.TrimLeft(a, digits)), len(b)-len(strings.TrimLeft(b, digits))
		if m == 0 || n == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, y := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = a[m:], b[n:]
	}
	return cmp.Compare(len(a), len(b))
}

// clean makes a name that can be shown: one line, nothing invisible.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '\u200b' || r == '\u2060' || r == '\ufeff' { // of no width, and not what emoji are joined by
			return -1
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, " "))
	return strings.Join(strings.Fields(name), " ")
}

// namer gives names that nobody has yet.
type namer map[string]bool

// take returns name, else what again makes of it with the first number that is
// free, from 2.
func (n namer) take(name string, again func(n int) string) string {
	try := name
	for i := 2; n[try]; i++ {
		try = again(i)
	}
	n[try] = true
	return try
}

func nameEntries(all []*Entry, spare string) {
	taken := namer{}
	for _, e := range all {
		name := cmp.Or(clean(e.Name), spare)
		e.Name = taken.take(name, func(n int) string { return name + "-" + strconv.Itoa(n) })
	}
}

// Identify gives the monitors names and ids of their own, once, in the order
// that they are in. An id is written only where the name does not make it.
func (d *Document) Identify() {
	if d.identified {
		return
	}
	d.identified = true
	all := d.Monitors
	names, wanted := namer{}, map[string]int{}
	for i, e := range all {
		name := cmp.Or(clean(e.Name), "Monitor "+strconv.Itoa(i+1))
		e.Name = names.take(name, func(n int) string { return fmt.Sprintf("%s (%d)", name, n) })
		e.Group = clean(e.Group)
		wanted[slug(e.Name)]++
	}
	ids := namer{"": true}
	for id := range wanted { // those that names make are for their own
		ids[id] = true
	}
	first := map[string]bool{}
	for _, e := range all {
		id := slug(e.Name)
		if id != "" && !first[id] {
			first[id] = true
			e.ID = ""
			continue
		}
		base := cmp.Or(id, slug(e.ID), "monitor")
		e.ID = ids.take(base, func(n int) string { return base + "-" + strconv.Itoa(n) })
	}
}

// IDOf returns the id that an arranged monitor has.
func IDOf(e *Entry) string { return cmp.Or(e.ID, slug(e.Name)) }

// look notes what a person should look at.
func (d *Document) look(format string, args ...any) {
	line := oneLine(fmt.Sprintf(format, args...))
	if !slices.Contains(d.Look, line) {
		d.Look = append(d.Look, line)
	}
}
