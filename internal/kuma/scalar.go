package kuma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/config"
)

// scalar writes a text as YAML on one line, quoted only where it has to be. In
// flow, it stands between [ and ].
func scalar(s string, flow bool) string {
	if word(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || !unicode.IsPrint(r) }) {
		return quote(s)
	}
	b, err := yaml.Marshal(s)
	out := strings.TrimSuffix(string(b), "\n")
	bare := out == s
	switch {
	case err != nil, strings.Contains(out, "\n"), strings.Contains(out, `\U`): // an emoji, which is seen
		return quote(s)
	case bare && flow && !easy(s), bare && strings.Contains(s, " #"):
		return quote(s)
	}
	return out
}

// easy says whether a text stands well between [ and ]: nothing in it that could
// be taken for a mark of YAML's, but a colon before a letter, as scopes have it.
func easy(s string) bool {
	for i := range len(s) {
		if strings.IndexByte(",[]{}?", s[i]) >= 0 || s[i] == ':' && (i == 0 || i+1 == len(s) || !word(s[i+1:i+2])) {
			return false
		}
	}
	return true
}

// word says whether a text is plain to everybody, the ordinary case. It begins
// with a letter and is none of the words that YAML takes for something else.
func word(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("-_./0123456789", r)) {
			return false
		}
	}
	return !slices.Contains([]string{"", "y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(s))
}

// quote writes a text in double quotes, with every character escaped that is not
// seen (YAML 1.2, section 5.7).
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02X`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return b.String() + `"`
}

// block says whether a text reads best as a block of lines: several of them,
// and nothing in it that such a block would lose.
func block(s string) bool {
	if !utf8.ValidString(s) || !strings.Contains(strings.TrimSuffix(s, "\n"), "\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") || strings.HasSuffix(s, "\n\n") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.HasSuffix(line, " ") || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return false
		}
	}
	return true
}

// inline writes a value on one line; false where it takes more than one.
func (w *writer) inline(value any, flow bool) (string, bool) {
	switch v := value.(type) {
	case string:
		return w.text(string(Escape(v)), flow)
	case Raw:
		return w.text(w.layout.expand(v), flow)
	case Path:
		return w.text(w.layout.path(v), flow)
	case Bare:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	case int, int64:
		return fmt.Sprint(v), true
	case time.Duration:
		return config.Span(v), true
	case Fields:
		return "{}", len(v) == 0
	}
	if all, ok := elementsOf(value); ok {
		return w.list(all)
	}
	return "", false
}

// elementsOf returns a list as what it holds.
func elementsOf(value any) ([]any, bool) {
	switch v := value.(type) {
	case []string:
		return elements(v), true
	case []Raw:
		return elements(v), true
	case []Bare:
		return elements(v), true
	case []int:
		return elements(v), true
	case []time.Duration:
		return elements(v), true
	}
	return nil, false
}

func (w *writer) text(s string, flow bool) (string, bool) {
	if !flow && block(s) {
		return "", false
	}
	return scalar(s, flow), true
}

const longestLine = 100 // of a list, before it is written one entry a line

func (w *writer) list(all []any) (string, bool) {
	parts := make([]string, len(all))
	for i, x := range all {
		parts[i], _ = w.inline(x, true)
	}
	s := "[" + strings.Join(parts, ", ") + "]"
	return s, len(s) <= longestLine
}

func elements[T any](list []T) []any {
	all := make([]any, len(list))
	for i, x := range list {
		all[i] = x
	}
	return all
}
