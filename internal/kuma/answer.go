package kuma

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// expect takes over what the answer has to be like.
func (r *kumaReader) expect(e *Entry, m row, kind string) {
	if n := m.integer("maxredirects"); m.text("maxredirects") != "" {
		e.Fields.Set("max_redirects", min(max(n, 0), 100))
	}
	r.statuses(e, m)
	head := e.Fields.Get("method") == http.MethodHead
	switch {
	case kind == "http":
	case head:
		r.object(e, "the answer to HEAD has no body to look in, so that it fails in Uptime Kuma: what was looked for was left out")
	case kind == "keyword":
		r.keyword(e, m)
	default:
		r.json(e, m)
	}
	if m.flag("upside_down", false) {
		e.Fields.Set("upside_down", true)
	}
}

func (r *kumaReader) statuses(e *Entry, m row) {
	codes, ok := m.list("accepted_statuscodes_json")
	switch {
	case !ok:
		r.object(e, "its accepted status codes cannot be read: 200-299 are in their place")
		return
	case codes == nil && m.text("accepted_statuscodes_json") == "":
		return
	}
	var good []Bare
	for _, c := range codes {
		c = within100(strings.ReplaceAll(c, " ", ""))
		if !isSpan(c) {
			r.object(e, "the accepted status code %q was left out: it is neither a number from 100 to 999 nor a range", c)
			continue
		}
		good = append(good, Bare(c))
	}
	switch {
	case len(good) == 0:
		r.object(e, "it accepts no status at all, so that it fails in Uptime Kuma: 200-299 are in their place")
	case !slices.Equal(good, []Bare{"200-299"}):
		e.Fields.Set("expect.status", good)
	}
}

// within100 cuts a range to what there can be: Kuma takes 0-999, too.
func within100(c string) string {
	from, to, isRange := strings.Cut(c, "-")
	a, err := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if !isRange || err != nil || err2 != nil || b < 100 || a > 999 {
		return c
	}
	return fmt.Sprintf("%d-%d", max(a, 100), min(b, 999))
}

func isSpan(s string) bool {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	a, err := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	return err == nil && err2 == nil && a >= 100 && b <= 999 && a <= b
}

func (r *kumaReader) keyword(e *Entry, m row) {
	word, invert := strings.ToValidUTF8(m.text("keyword"), "\uFFFD"), m.flag("invert_keyword", false)
	switch {
	case word == "" && invert:
		r.object(e, "its keyword is empty and must not be found, so that it fails in Uptime Kuma always: it was left out")
		return
	case word == "":
		r.object(e, "its keyword is empty, which is found everywhere: name a word that only the right page has")
		return
	case invert:
		e.Fields.Set("expect.absent", word)
	default:
		e.Fields.Set("expect.keyword", word)
	}
	if strings.Contains(word, `":`) || strings.Contains(word, `",`) {
		e.Comment("Uptime Kuma looks into JSON without its blanks, Watchword into what was sent: mind the blanks in the keyword, or ask by expect.json")
		r.doc.look("%s: its keyword looks like JSON: Watchword looks for it in what was sent, blanks and all", e.Name)
	}
}

func (r *kumaReader) json(e *Entry, m row) {
	operator := strings.TrimSpace(m.text("json_path_operator"))
	if operator == "" {
		operator = "=="
	}
	path, said := m.text("json_path"), fmt.Sprintf("%s %s %s", m.text("json_path"), operator, m.text("expected_value"))
	if r.hide.looksSecret(m.text("expected_value")) {
		said = path + " " + operator + " (a value that looks like a secret)"
	}
	if m["expected_value"] == nil {
		e.Comment("JSONata: " + said)
		r.object(e, "its JSON query names no expected value, so that it fails in Uptime Kuma: write expect.json")
		return
	}
	x, why := jsonQuery(path, operator, m.text("expected_value"))
	if why != "" {
		e.Comment("JSONata: " + said)
		r.object(e, "its JSON query was not translated, and what it answers is not looked at: %s", why)
		return
	}
	e.Comment("JSONata: " + said)
	var value any = x.value
	if r.hide.looksSecret(m.text("expected_value")) {
		value = r.hide.vault.Secret(e.Name, "expected value", x.value)
	}
	e.Fields.Set("expect."+x.key, value)
}
