package secret

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"unicode"
)

const shortSecret = 6 // shorter secrets would be replaced inside ordinary words

// Scrub returns s with each of the secrets replaced, also where it stands
// form-encoded, percent-encoded, escaped for HTML or JSON, or in base64: servers
// echo what they were sent. A text that holds a very short secret is withheld
// altogether.
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
	}
	return s
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
