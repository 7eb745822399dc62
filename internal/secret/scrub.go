package secret

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

const shortSecret = 6 // shorter secrets would be replaced inside ordinary words

// Scrub returns s with each of the secrets replaced, also where it stands
// form-encoded, percent-encoded, escaped for HTML or JSON, or in base64: servers
// echo what they were sent. A text that holds a very short secret is withheld
// altogether. What the text itself names as a token or password is replaced too.
func Scrub(s string, secrets ...string) string {
	for _, sec := range secrets {
		if sec == "" {
			continue
		}
		for _, form := range forms(sec) {
			if !strings.Contains(s, form) {
				continue
			}
			if len(sec) < shortSecret {
				return "[withheld: it repeats a secret]"
			}
			s = strings.ReplaceAll(s, form, Redacted)
		}
		s = scrubEscaped(s, sec)
	}
	return scrubGiven(s)
}

func forms(sec string) []string {
	fs := []string{sec, url.QueryEscape(sec), url.PathEscape(sec), strings.ToLower(url.QueryEscape(sec)), html.EscapeString(sec)}
	if j, err := json.Marshal(sec); err == nil {
		fs = append(fs, string(j[1:len(j)-1]))
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		fs = append(fs, enc.EncodeToString([]byte(sec)))
	}
	return fs
}

// scrubEscaped replaces sec where some of its characters are escaped and others
// are not: every language has its own set ("\\/" of PHP, "\\u003d" of Java,
// "%2f" of .NET, "&#43;" of Go).
func scrubEscaped(s, sec string) string {
	if len(sec) < shortSecret || !strings.ContainsAny(s, "%\\&") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := escaped(s[i:], sec); n > 0 {
			b.WriteString(Redacted)
			i += n
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// escaped returns the length of the escaped form of sec that s begins with, 0
// for none.
func escaped(s, sec string) int {
	rest := s
	for sec != "" {
		char, n := unescape(rest)
		switch {
		case n > 0 && strings.HasPrefix(sec, char):
			rest, sec = rest[n:], sec[len(char):]
		case rest != "" && rest[0] == sec[0]:
			rest, sec = rest[1:], sec[1:]
		default:
			return 0
		}
	}
	return len(s) - len(rest)
}

// unescape reads the one escaped character that s begins with and returns its
// length in s, 0 for none.
func unescape(s string) (char string, n int) {
	if s == "" {
		return "", 0
	}
	switch s[0] {
	case '%':
		return unescapeHex(s, "%", 2)
	case '\\':
		if strings.HasPrefix(s, `\u`) {
			return unescapeHex(s, `\u`, 4)
		}
		return s[1:min(len(s), 2)], min(len(s), 2)
	case '&':
		end := strings.IndexByte(s[:min(len(s), longestEntity)], ';')
		if c := html.UnescapeString(s[:end+1]); end > 0 && c != s[:end+1] {
			return c, end + 1
		}
	}
	return "", 0
}

const longestEntity = 12 // of a character that a secret may hold

// unescapeHex reads a character that stands as the given number of hexadecimal
// digits behind mark: a byte as two, a rune as four.
func unescapeHex(s, mark string, digits int) (char string, n int) {
	n = len(mark) + digits
	if len(s) < n {
		return "", 0
	}
	c, err := strconv.ParseUint(s[len(mark):n], 16, 16)
	switch {
	case err != nil:
		return "", 0
	case digits == 2:
		return string([]byte{byte(c)}), n
	default:
		return string(rune(c)), n
	}
}

// Line makes one printable line of at most n runes out of a stranger's text:
// control characters and line ends become spaces, runs of spaces one.
func Line(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	}), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // bidi overrides and other invisible marks
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// URL returns a URL fit to be shown: without userinfo, query and fragment. What
// does not parse as an absolute URL is not shown at all.
func URL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "[unreadable URL]"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
