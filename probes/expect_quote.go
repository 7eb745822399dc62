package probes

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/watchword/watchword/internal/secret"
)

const (
	aroundRunes  = 100      // of a body, where a place in it is quoted
	aroundWindow = 32 << 10 // bytes on either side that secrets are looked for in
	titleRunes   = 50       // of a title beside another quote
	cutEnd       = 4 << 10  // bytes at the end of a cut body that are not quoted
)

// around quotes a place of the body with what stands around it, "" where a secret
// hides it.
func (s *scene) around(a *answer, from, to int) string {
	body := a.body
	begin, end := max(from-aroundWindow, 0), min(to+aroundWindow, len(body))
	if a.cut && end == len(body) { // a secret may have been cut there
		end = max(to, end-cutEnd)
	}
	before, found, after := string(body[begin:from]), string(body[from:to]), string(body[to:end])
	if whole := before + found + after; s.hidden(whole) {
		return s.aroundHidden(whole, found)
	}
	return cutAround(inOneLine(before), inOneLine(found), inOneLine(after))
}

// hidden says whether a text holds a secret, also where that is to be seen only
// once it is one line.
func (s *scene) hidden(text string) bool {
	if s.secrets == nil {
		return false
	}
	secrets := s.secrets()
	line := secret.Line(text, len(text)+1)
	return secret.Scrub(text, secrets...) != text || secret.Scrub(line, secrets...) != line
}

func (s *scene) aroundHidden(whole, found string) string {
	secrets := s.secrets()
	clean := secret.Scrub(whole, secrets...)
	clean = secret.Scrub(secret.Line(clean, len(clean)+1), secrets...)
	found = secret.Line(found, len(found)+1)
	before, after, ok := strings.Cut(clean, found)
	if !ok {
		return ""
	}
	return cutAround(before, found, after)
}

// inOneLine is secret.Line that keeps a space at either end.
func inOneLine(text string) string {
	line := secret.Line(text, len(text)+1)
	if line == "" || strings.TrimSpace(text) == "" {
		return line
	}
	if first, _ := utf8.DecodeRuneInString(text); strings.TrimSpace(string(first)) == "" {
		line = " " + line
	}
	if last, _ := utf8.DecodeLastRuneInString(text); strings.TrimSpace(string(last)) == "" {
		line += " "
	}
	return line
}

// cutAround leaves of three texts what is shown: the middle, and as much on
// either side.
func cutAround(before, found, after string) string {
	mid := []rune(found)
	if len(mid) > aroundRunes*2/3 {
		mid, after = append(mid[:aroundRunes*2/3:aroundRunes*2/3], '…'), ""
	}
	left, right := []rune(before), []rune(after)
	room := (aroundRunes - len(mid)) / 2
	start, stop := "", ""
	if len(left) > room {
		left, start = left[len(left)-room:], "…"
	}
	if len(right) > room {
		right, stop = right[:room], "…"
	}
	return start + strings.TrimSpace(string(left)+string(mid)+string(right)) + stop
}

// statusOf names the status of an answer, and the title of a page as far as there
// is room for it beside another quote.
func (s *scene) statusOf(a *answer) string {
	return fmt.Sprint(a.status) + s.titled(a, titleRunes)
}

// beginning quotes how a body begins, "" where the title says it or there is none.
func (s *scene) beginning(a *answer, runes int) string {
	if s.titled(a, quoteRunes) != "" {
		return ""
	}
	text := a.body[:min(len(a.body), 2*quoteWindow)]
	if a.cut {
		text = text[:max(len(text)-cutEnd, 0)]
	}
	mediaType, _ := splitType(a.header.Get("Content-Type"))
	if isHTML(mediaType, a.body) {
		text = fold(text, alikeMarkup|alikeSpace)
	}
	if quoted := secret.Line(s.quote(string(text)), runes); quoted != "" {
		return `; it begins "` + quoted + `"`
	}
	return ""
}

// literalOf returns the longest text that whatever matches an expression holds,
// and whether its case counts.
func literalOf(re *regexp.Regexp) (text string, folds bool) {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return "", false
	}
	var walk func(*syntax.Regexp)
	walk = func(r *syntax.Regexp) {
		switch {
		case r.Op == syntax.OpLiteral && len(r.Rune) > utf8.RuneCountInString(text):
			text, folds = string(r.Rune), r.Flags&syntax.FoldCase != 0
		case r.Op == syntax.OpConcat, r.Op == syntax.OpCapture, r.Op == syntax.OpPlus, r.Op == syntax.OpRepeat && r.Min > 0:
			for _, sub := range r.Sub {
				walk(sub)
			}
		}
	}
	walk(tree.Simplify())
	return text, folds
}
