package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a file of the configuration. Line and Col count from
// one, Col in characters; both are 0 where a whole file is meant.
type Position struct {
	File      string
	Line, Col int
}

// String returns file:line:col, or the file alone.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Problem is one thing wrong with the configuration, at its place. A warning
// does not keep the configuration from being used.
type Problem struct {
	File      string
	Line, Col int
	Message   string // one line, without any secret
	Warning   bool
}

// String returns file:line:col: message, with "warning:" before the message of
// a warning.
func (p Problem) String() string {
	at := Position{p.File, p.Line, p.Col}.String()
	if at != "" {
		at += ": "
	}
	if p.Warning {
		at += "warning: "
	}
	return at + p.Message
}

// Problems are all that is wrong, sorted by file in the order of loading, line
// and column.
type Problems []Problem

// HasErrors says whether there is more than warnings.
func (ps Problems) HasErrors() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning })
}

// String returns one problem a line.
func (ps Problems) String() string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String())
		b.WriteByte('\n')
	}
	return b.String()
}

func (ps Problems) sort(files map[string]int) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(files[a.File], files[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}
