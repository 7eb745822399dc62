package demo

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns returns how many columns of a terminal a text takes: two for wide
// characters (UAX #11), none for marks, and none for what sets colours.
func columns(text string) int {
	n, escape := 0, false
	for _, r := range text {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r == '[' || r < '@'
		default:
			n += columnsOf(r)
		}
	}
	return n
}

func columnsOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens a text without colours to so many columns.
func cut(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	var b strings.Builder
	used := 1 // of the sign that something was left out
	for _, r := range text {
		if used += columnsOf(r); used > most {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

func pad(text string, least int) string {
	return text + strings.Repeat(" ", max(0, least-columns(text)))
}
