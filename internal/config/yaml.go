package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse returns the top-level mapping of a file, nil if there is none.
func (l *loader) parse(s *source, b []byte) *yaml.Node {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	text, unmask := mask(b)
	r := &lineReader{rest: text}
	d := yaml.NewDecoder(r)
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) { // EOF: nothing but comments
			l.syntax(s, b, r.lines, err)
		}
		return nil
	}
	var second yaml.Node
	switch err := d.Decode(&second); {
	case err == nil:
		l.complain(s.at(&second), "a second YAML document: put it into a file of its own, or take the --- away")
	case !errors.Is(err, io.EOF):
		l.syntax(s, b, r.lines, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	l.inspect(s, root, unmask)
	switch {
	case root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null":
		return nil
	case root.Kind != yaml.MappingNode:
		l.complain(s.at(root), "the top level has to be a mapping, not "+kind(root))
		return nil
	}
	return root
}

// mask replaces the marks of YAML's flow style within ${…} by characters that
// stand nowhere else in the file: {password: ${PASSWORD}} is a mistake to YAML
// and plain to people. Positions stay as they are.
func mask(b []byte) ([]byte, *strings.Replacer) {
	const marks = "{},[]"
	ref := regexp.MustCompile(`\$\{[^{}"'\n\r]*\}`)
	if !bytes.Contains(b, []byte("${")) {
		return b, strings.NewReplacer()
	}
	base := unused(b, len(marks))
	if base == 0 {
		return b, strings.NewReplacer()
	}
	var there, back []string
	for i, m := range marks {
		there = append(there, string(m), string(base+rune(i)))
		back = append(back, string(base+rune(i)), string(m))
	}
	to := strings.NewReplacer(there...)
	b = ref.ReplaceAllFunc(b, func(m []byte) []byte { return []byte(to.Replace(string(m))) })
	return b, strings.NewReplacer(back...)
}

// unused returns the first of n characters in a row, for private use, that do
// not occur in b, nor as "\uE000"; 0 if b is not UTF-8 or uses them all.
func unused(b []byte, n int) rune {
	if !utf8.Valid(b) {
		return 0
	}
	lower := bytes.ToLower(b)
	for base := rune(0xE000); base < 0xF000; base += rune(n) {
		if !occurs(b, lower, base, base+rune(n)) {
			return base
		}
	}
	return 0
}

func occurs(b, lower []byte, from, before rune) bool {
	for r := from; r < before; r++ {
		if bytes.ContainsRune(b, r) || bytes.Contains(lower, fmt.Appendf(nil, "%04x", r)) {
			return true
		}
	}
	return false
}

// syntax reports YAML's own error, that came up when so many lines were read.
// The library tells the line, in two ways of counting, or nothing.
func (l *loader) syntax(s *source, b []byte, read int, err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := regexp.MustCompile(`^line (\d+): (.*)`).FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = m[2]
		if fromParser(msg) {
			line++ // it counts from zero, the scanner from one
		}
	}
	if noticed(msg) {
		line = read
	}
	pos := Position{s.name, line, 0}
	switch {
	case strings.HasPrefix(msg, "unknown anchor '"):
		name, _, _ := strings.Cut(strings.TrimPrefix(msg, "unknown anchor '"), "'")
		pos.Line, pos.Col = find(b, "*"+name)
	case strings.Contains(msg, "control characters") || strings.Contains(msg, "UTF-8"):
		pos.Line, pos.Col = findBroken(b)
	default:
		pos.Line, pos.Col = firstOn(b, line)
	}
	l.complain(pos, "YAML: "+msg)
}

func fromParser(msg string) bool {
	for _, m := range []string{"<stream-start>", "<document start>", "node content", "key", "'-' indicator", "',' or ']'", "',' or '}'"} {
		if msg == "did not find expected "+m {
			return true
		}
	}
	return strings.HasPrefix(msg, "found duplicate %") || strings.HasPrefix(msg, "found incompatible") || strings.HasPrefix(msg, "found undefined tag")
}

// noticed says whether an error tells where the mapping or list begins that is
// broken, and not where.
func noticed(msg string) bool {
	return msg == "did not find expected key" || msg == "did not find expected '-' indicator"
}

// lineReader hands out one line at a time and counts them: YAML reads no
// further than it has to.
type lineReader struct {
	rest  []byte
	lines int
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := len(r.rest)
	if i := bytes.IndexByte(r.rest, '\n'); i >= 0 {
		n = i + 1
	}
	if n <= len(p) {
		r.lines++
	}
	n = copy(p, r.rest[:n])
	r.rest = r.rest[n:]
	return n, nil
}

// find returns where word first stands in b.
func find(b []byte, word string) (line, col int) {
	i := max(bytes.Index(b, []byte(word)), 0)
	return position(b, i)
}

// findBroken returns where the first character stands that YAML does not allow.
func findBroken(b []byte) (line, col int) {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) {
			return position(b, i)
		}
		i += n
	}
	return 1, 1
}

func position(b []byte, i int) (line, col int) {
	before := linesOf(b[:i])
	return len(before), utf8.RuneCountInString(before[len(before)-1]) + 1
}

// firstOn returns the place of the first thing on a line, of a tab for one: the
// library tells no column. A line past the end is the last.
func firstOn(b []byte, line int) (int, int) {
	lines := linesOf(bytes.TrimRight(b, "\r\n"))
	line = min(max(line, 1), len(lines))
	text := lines[line-1]
	blank := len(text) - len(strings.TrimLeft(text, " "))
	return line, blank + 1
}

// linesOf splits a text into lines as YAML 1.1 counts them.
func linesOf(b []byte) []string {
	one := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(one.Replace(string(b)), "\n")
}

// kind names what a node is, for messages; it never quotes its value.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return kind(n.Alias)
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	default:
		return "text"
	}
}
