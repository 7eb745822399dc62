package probes

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// alike says in which respects two texts may differ and still be called alike.
type alike int

const (
	alikeCase alike = 1 << iota
	alikeSpace
	alikeEscapes // &amp; of HTML, \u00fc of JSON
	alikeForms   // ü as one character or as two, ﬁ
	alikeStyle   // typographic quotes, dashes, dots
	alikeUnseen  // zero-width characters, soft hyphens
	alikeGaps    // no white space at all
	alikeMarkup  // elements between the words

	alikeText = alikeCase | alikeSpace | alikeEscapes | alikeForms | alikeStyle | alikeUnseen
	alikeAll  = alikeText | alikeGaps | alikeMarkup
)

const (
	longestTag    = 2 << 10
	longestEscape = 33 // &CounterClockwiseContourIntegral;
)

// folder rewrites text so that what is alike becomes the same.
type folder struct {
	mode alike
	out  []byte
}

func fold(text []byte, mode alike) []byte {
	f := folder{mode: mode, out: make([]byte, 0, len(text)+8)}
	for i := 0; i < len(text); {
		i = f.next(text, i)
	}
	return f.out
}

// place returns where in text that stands which fold makes [from, to) of.
func place(text []byte, mode alike, from, to int) (begin, end int) {
	f := folder{mode: mode, out: make([]byte, 0, to+64)}
	begin, end = -1, len(text)
	for i := 0; i < len(text); {
		at := i
		i = f.next(text, i)
		if begin < 0 && len(f.out) > from {
			begin = at
		}
		if len(f.out) >= to {
			end = i
			break
		}
	}
	return max(begin, 0), end
}

// next folds what stands at i and returns where the rest begins.
func (f *folder) next(text []byte, i int) int {
	c := text[i]
	switch {
	case c >= utf8.RuneSelf:
		return i + f.decode(text[i:])
	case (c == '&' || c == '\\') && f.mode&alikeEscapes != 0:
		if s, n := unescaped(text[i:]); n > 0 {
			for _, r := range s {
				f.char(r)
			}
			return i + n
		}
	case c == '<' && f.mode&alikeMarkup != 0:
		if n := tagLength(text[i:]); n > 0 {
			f.space(' ')
			return i + n
		}
	}
	f.ascii(c)
	return i + 1
}

// decode folds the character that text begins with and returns its length.
func (f *folder) decode(text []byte) int {
	r, n := utf8.DecodeRune(text)
	if r == utf8.RuneError && n == 1 { // no UTF-8 is alike to itself only
		f.out = append(f.out, text[0])
	} else {
		f.char(r)
	}
	return n
}

func (f *folder) ascii(c byte) {
	switch {
	case c == ' ' || c >= '\t' && c <= '\r':
		f.space(rune(c))
	case 'A' <= c && c <= 'Z' && f.mode&alikeCase != 0:
		f.out = append(f.out, c+'a'-'A')
	default:
		f.out = append(f.out, c)
	}
}

func (f *folder) space(r rune) {
	switch {
	case f.mode&alikeGaps != 0:
	case f.mode&alikeSpace == 0:
		f.out = utf8.AppendRune(f.out, r)
	case len(f.out) == 0 || f.out[len(f.out)-1] != ' ':
		f.out = append(f.out, ' ')
	}
}

func (f *folder) char(r rune) {
	if r < utf8.RuneSelf {
		f.ascii(byte(r))
		return
	}
	switch {
	case unicode.IsSpace(r):
		f.space(r)
	case f.mode&alikeUnseen != 0 && unicode.Is(unicode.Cf, r):
	case f.mode&alikeStyle != 0 && styled(r) != "":
		f.out = append(f.out, styled(r)...)
	default:
		f.letter(r)
	}
}

func (f *folder) letter(r rune) {
	if f.mode&alikeForms != 0 {
		if d := norm.NFKD.PropertiesString(string(r)).Decomposition(); d != nil {
			for _, part := range string(d) {
				f.lower(part)
			}
			return
		}
	}
	f.lower(r)
}

func (f *folder) lower(r rune) {
	if f.mode&alikeCase != 0 {
		r = unicode.ToLower(r)
	}
	f.out = utf8.AppendRune(f.out, r)
}

// styled returns how a typewriter writes a typographic character, "" for others.
func styled(r rune) string {
	switch r {
	case '‘', '’', '‚', '′':
		return "'"
	case '“', '”', '„', '″', '«', '»':
		return `"`
	case '‐', '‑', '‒', '–', '—', '−':
		return "-"
	case '…':
		return "..."
	}
	return ""
}

// unescaped reads the escaped character that text begins with, and returns its
// length there, 0 for none.
func unescaped(text []byte) (s string, n int) {
	if text[0] == '&' {
		end := bytes.IndexByte(text[:min(len(text), longestEscape)], ';')
		if end < 0 {
			return "", 0
		}
		in := string(text[:end+1])
		if s = html.UnescapeString(in); s != in {
			return s, end + 1
		}
		return "", 0
	}
	if len(text) < 2 {
		return "", 0
	}
	if text[1] == 'u' && len(text) >= 6 {
		if c, err := strconv.ParseUint(string(text[2:6]), 16, 16); err == nil {
			return string(rune(c)), 6
		}
		return "", 0
	}
	if i := strings.IndexByte(`"/\nrt`, text[1]); i >= 0 {
		return string("\"/\\\n\r\t"[i]), 2
	}
	return "", 0
}

// tagLength returns the length of the tag or comment that text begins with, 0 for
// none.
func tagLength(text []byte) int {
	if len(text) < 3 {
		return 0
	}
	c := text[1] | 0x20
	if (c < 'a' || c > 'z') && text[1] != '/' && text[1] != '!' {
		return 0
	}
	return bytes.IndexByte(text[:min(len(text), longestTag)], '>') + 1
}
