package exporters

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

const flushAt = 32 << 10

// lines appends lines of the text format 0.0.4 or of OpenMetrics 1.0 to a
// buffer and passes it on when it is full. The first error of the writer
// sticks; what is written after it goes nowhere.
type lines struct {
	out         io.Writer
	buf         []byte
	openMetrics bool
	first       bool // no label was written yet
	err         error
}

// header begins a family.
func (l *lines) header(f *family) {
	name, kind := f.name, "gauge"
	if f.counter {
		kind = "counter"
		if l.openMetrics { // OpenMetrics 1.0, "Counter": the family goes without the suffix of its samples
			name = strings.TrimSuffix(name, "_total")
		}
	}
	l.buf = append(append(append(append(l.buf, "# HELP "...), name...), ' '), f.help...)
	l.buf = append(append(append(append(l.buf, "\n# TYPE "...), name...), ' '), kind...)
	l.buf = append(l.buf, '\n')
}

// series begins a line.
func (l *lines) series(name string) {
	l.buf = append(l.buf, name...)
	l.first = true
}

func (l *lines) label(name, value string) {
	sep := byte(',')
	if l.first {
		sep, l.first = '{', false
	}
	l.buf = append(append(append(l.buf, sep), name...), '=', '"')
	l.buf = append(appendEscaped(l.buf, value), '"')
}

// value ends a line. It must follow a label.
func (l *lines) value(v float64) {
	l.buf = append(l.buf, '}', ' ')
	l.buf = append(appendFloat(l.buf, v, l.openMetrics), '\n')
	if len(l.buf) >= flushAt {
		l.flush()
	}
}

func (l *lines) flush() {
	if l.err == nil && len(l.buf) > 0 {
		_, l.err = l.out.Write(l.buf)
	}
	l.buf = l.buf[:0]
}

// appendEscaped appends a label value: backslash, quote and line feed are
// escaped, bytes that are not UTF-8 replaced.
func appendEscaped(b []byte, s string) []byte {
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && c != '\\' && c != '"' && c != '\n' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r != utf8.RuneError && c >= utf8.RuneSelf || size > 1 {
			i += size
			continue
		}
		b = append(b, s[plain:i]...)
		i += size
		plain = i
		switch c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, "\uFFFD"...)
		}
	}
	return append(b, s[plain:]...)
}

// appendFloat writes a number as prometheus/common does: OpenMetrics wants a
// float to look like one.
func appendFloat(b []byte, v float64, openMetrics bool) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, infOrNaN(v)...)
	}
	from := len(b)
	if whole := int64(v); float64(whole) == v && whole > -1e6 && whole < 1e6 { // most values are 0, 1 or a status
		b = strconv.AppendInt(b, whole, 10)
	} else {
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	if openMetrics && !bytes.ContainsAny(b[from:], "e.") {
		b = append(b, ".0"...)
	}
	return b
}

func infOrNaN(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case v > 0:
		return "+Inf"
	default:
		return "-Inf"
	}
}
