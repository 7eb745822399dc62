package probes

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/watchword/watchword/internal/secret"
)

// The messages and hints of an answer that came and is not what was expected. A
// message says what was expected and quotes what is there in its place.

// unexpected tells of what an answer does not meet.
func (s *scene) unexpected(a *answer, short shortfall) *finding {
	x, d := s.expect, s.expect.more
	var f *finding
	switch short.kind {
	case ofKeyword:
		f = s.wordMissing(a, x.keywords[short.at])
	case ofAbsent:
		f = s.wordPresent(a, x.absent[short.at])
	case ofRegex:
		f = s.noMatch(a, d.regex[short.at])
	case ofAbsentRegex:
		at := d.absentRegex[short.at].FindIndex(a.body)
		f = &finding{message: fmt.Sprintf("the expression %s matches the answer (%s) and should not%s", shortRegex(d.absentRegex[short.at]), s.statusOf(a), s.quoted(a, ": ", at[0], at[1])),
			hint: "look at the page: it shows what expect.absent_regex was set to catch"}
	case ofJSON:
		f = &finding{message: a.asked.message, hint: a.asked.hint}
	case ofHeader:
		f = s.headerMissing(a, d.headers[short.at])
	case ofAbsentHeader:
		f = s.headerPresent(a, d.absentHeaders[short.at])
	case ofVersion:
		f = s.otherVersion(a, d.versions)
	case ofPlain:
		f = &finding{message: fmt.Sprintf("the answer came over plain http, and expect.tls_version is %s", d.oldestTLS),
			hint: "a redirect leads from https to http, or there is none to https: watchword probe shows the hops"}
	default:
		f = &finding{message: fmt.Sprintf("the answer is longer than max_body (%d bytes), and what was expected is undecided within it", s.limit),
			hint: "raise max_body, or look for a keyword nearer to the top of the page"}
	}
	f.reason = short.reason
	return f
}

// quoted is a place of the body behind a few words, "" where it cannot be shown.
func (s *scene) quoted(a *answer, words string, from, to int) string {
	if text := s.around(a, from, to); text != "" {
		return words + `"` + text + `"` // it is one line, and JSON is hard to read with its quotes escaped
	}
	return ""
}

func (s *scene) wordMissing(a *answer, word []byte) *finding {
	f := &finding{hint: "the page came and shows something else: an error, a maintenance page, or a new wording; compare with " + s.shown(a.url)}
	if len(a.body) == 0 {
		f.hint = "the body is empty: is the method right, and does " + s.shown(a.url) + " answer with a page?"
	}
	found, how := s.nearby(a, word)
	if how != "" {
		f.hint = "keywords are compared with the text of the answer to the letter: write it as it stands there, or use expect.regex"
	}
	f.message = fmt.Sprintf("%q is not in the answer (%s)%s", cutWord(word), s.statusOf(a), found)
	return f
}

// nearby quotes what comes nearest to a word that is not there, else how the text
// begins. how says in what it differs, "" where it is no more than a piece.
func (s *scene) nearby(a *answer, word []byte) (found, how string) {
	n, ok := nearest(a.body, word)
	switch {
	case !ok:
		return s.beginning(a, quoteShort), ""
	case n.how == "":
		return s.quoted(a, "; the nearest to it: "+s.fragment(a, n)+" in ", n.from, n.to), ""
	}
	return s.quoted(a, "; but "+s.fragment(a, n)+" is, in ", n.from, n.to) + ": " + n.how, n.how
}

// fragment quotes the place itself.
func (s *scene) fragment(a *answer, n near) string {
	return `"` + secret.Line(s.quote(strings.TrimSpace(string(a.body[n.from:n.to]))), quoteShort/2) + `"`
}

func (s *scene) wordPresent(a *answer, word []byte) *finding {
	at := bytes.Index(a.body, word)
	return &finding{message: fmt.Sprintf("%q is in the answer (%s) and should be absent%s", cutWord(word), s.statusOf(a), s.quoted(a, ": ", at, at+len(word))),
		hint: "look at the page: it shows what expect.absent was set to catch"}
}

func (s *scene) noMatch(a *answer, re *regexp.Regexp) *finding {
	f := &finding{hint: "the answer came and shows something else: an error, a maintenance page, or a new wording; compare with " + s.shown(a.url)}
	if with := flagFor(re, a.body); with != "" {
		f.hint = with
	}
	literal, folds := literalOf(re)
	found := ""
	from, to := placeOf(a.body, literal, folds)
	switch {
	case literal == "":
		found = s.beginning(a, quoteShort)
	case to > 0:
		found = s.quoted(a, "; what is there: ", from, to)
	default:
		found, _ = s.nearby(a, []byte(literal))
	}
	f.message = fmt.Sprintf("the expression %s does not match the answer (%s)%s", shortRegex(re), s.statusOf(a), found)
	return f
}

// placeOf returns where a word stands in body; both are 0 where it does not.
func placeOf(body []byte, word string, folds bool) (from, to int) {
	text := regexp.QuoteMeta(word)
	if folds {
		text = "(?i)" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return 0, 0
	}
	if at := re.FindIndex(body[:min(len(body), nearWindow)]); at != nil {
		return at[0], at[1]
	}
	return 0, 0
}

// flagFor says with which flag an expression would match, "" for none.
func flagFor(re *regexp.Regexp, body []byte) string {
	for _, f := range []struct{ flag, why string }{
		{"i", "case differs"},
		{"m", "without it ^ and $ are the beginning and the end of the whole answer, not of a line"},
		{"s", "without it . matches no line end"},
		{"ims", "case differs, or lines end where the expression goes on"},
	} {
		with, err := regexp.Compile("(?" + f.flag + ")" + re.String())
		if err == nil && with.Match(body[:min(len(body), quoteWindow)]) {
			return fmt.Sprintf("with (?%s) in front it would match: %s", f.flag, f.why)
		}
	}
	return ""
}

// shortRegex shows an expression between slashes: quotes would double its
// backslashes.
func shortRegex(re *regexp.Regexp) string { return "/" + cutWord([]byte(re.String())) + "/" }

func (s *scene) headerMissing(a *answer, h headerDemand) *finding {
	f := &finding{message: fmt.Sprintf("the answer (%d) has no header %s; it should match %s", a.status, h.name, shortRegex(h.re)),
		hint: fmt.Sprintf("the service, or a proxy before it, does not send %s: compare with %s", h.name, s.shown(a.url))}
	if values := a.header[h.name]; len(values) > 0 {
		f.message = fmt.Sprintf("the header %s of the answer (%d) is %s, which does not match %s", h.name, a.status, s.headerValues(h.name, values), shortRegex(h.re))
		f.hint = fmt.Sprintf("the service, or a proxy before it, sends another value: compare with %s", s.shown(a.url))
	}
	return f
}

func (s *scene) headerPresent(a *answer, h headerDemand) *finding {
	var values []string
	for _, v := range a.header[h.name] {
		if h.re.MatchString(v) {
			values = append(values, v)
		}
	}
	return &finding{message: fmt.Sprintf("the header %s of the answer (%d) is %s, which matches %s and should not", h.name, a.status, s.headerValues(h.name, values), shortRegex(h.re)),
		hint: fmt.Sprintf("the service, or a proxy before it, sends what expect.absent_headers was set to catch: compare with %s", s.shown(a.url))}
}

// headerValues quotes values of a header. Cookies and the like are secrets of
// those who sent them, and are not.
func (s *scene) headerValues(name string, values []string) string {
	if sensitive(name) && !strings.HasSuffix(name, "-Authenticate") {
		return "a value that is not shown"
	}
	var told []string
	for i, v := range values {
		if i == mostResults {
			told = append(told, "…")
			break
		}
		told = append(told, `"`+secret.Line(s.quote(withoutQueries(v)), quoteRunes/min(len(values), mostResults))+`"`)
	}
	return strings.Join(told, ", ")
}

// withoutQueries takes the queries off the URLs in a value: they may be secrets.
func withoutQueries(v string) string {
	if !strings.Contains(v, "/") {
		return v
	}
	before, after, found := strings.Cut(v, "?")
	if !found {
		return v
	}
	if end := strings.IndexAny(after, "> ;,\"'"); end >= 0 {
		return before + "?…" + withoutQueries(after[end:])
	}
	return before + "?…"
}

func (s *scene) otherVersion(a *answer, versions []string) *finding {
	f := &finding{message: fmt.Sprintf("the answer came over HTTP/%s, and expect.http_version is %s", a.version(), strings.Join(versions, " or ")),
		hint: "which version is spoken is for the server, or the proxy that ends TLS before it, to choose: look at its settings"}
	if a.plain {
		f.hint = "HTTP/2 is agreed on in the TLS handshake, and the answer came over plain http"
	}
	return f
}
