package notifiers

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// What each service is sent when it refuses the form of a message: the same
// words without any dress.

// words is the whole letter in the given dress, without links.
func (l *letter) words(w dress, limit int) string {
	title := w.line(l.title, limit/4)
	ss := slices.Clone(l.sections)
	for i := range ss {
		ss[i].link = ""
	}
	return strings.Join(append([]string{title}, w.sections(ss, len(ss) > 1, limit-w.size(title)-2)...), "\n")
}

// bare leaves text as it is and only escapes it.
func bare(escape func(span) string) dress {
	w := plain()
	w.escape, w.size = escape, utf16Len
	w.wrap = func(_ span, text string) string { return text }
	return w
}

func (t *telegram) misread(a *answer) bool {
	return a.status == http.StatusBadRequest &&
		(bytes.Contains(a.body, []byte("parse entities")) || bytes.Contains(a.body, []byte("too long")))
}

func (t *telegram) simple(l *letter) (*request, error) {
	m := t.message()
	m.Text = l.words(bare(func(s span) string { return breakNames(s.text) }), telegramText)
	return t.post(m)
}

func (s *slack) misread(a *answer) bool {
	text := string(a.body)
	return a.status == http.StatusBadRequest &&
		(strings.Contains(text, "block") || strings.Contains(text, "attachment") || strings.Contains(text, "invalid_payload"))
}

func (s *slack) simple(l *letter) (*request, error) {
	m := slackMessage{Text: l.words(slackDress(), slackSection)}
	if l.loud && s.o.Mention != "" {
		m.Text = s.o.Mention + " " + m.Text
	}
	return s.post(m)
}

func (d *discord) misread(a *answer) bool {
	var said struct {
		Code int `json:"code"`
	}
	const invalidForm = 50035
	return a.status == http.StatusBadRequest && json.Unmarshal(a.body, &said) == nil && said.Code == invalidForm
}

func (d *discord) simple(l *letter) (*request, error) {
	w := bare(discordDress().escape)
	m := discordMessage{Mentions: discordMentions{Parse: []string{}}}
	if l.loud && d.o.Mention != "" {
		m.Content, m.Mentions = d.o.Mention+"\n", discordMay(d.o.Mention)
	}
	m.Content += l.words(w, discordContent-utf16Len(m.Content))
	return d.post(m)
}

func (t *teams) misread(a *answer) bool {
	status := a.status
	if inner := teamsInner(string(a.body)); inner != 0 {
		status = inner
	}
	return status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge
}

func (t *teams) simple(l *letter) (*request, error) {
	text := l.words(bare(teamsEscape), teamsTitle*4)
	return t.post(encode(teamsEnvelope(l, teamsCard{
		Schema: teamsSchema, Type: "AdaptiveCard", Version: "1.2",
		Body: []teamsElement{{Type: "TextBlock", Wrap: true, Text: strings.ReplaceAll(text, "\n", "\n\n")}},
	})))
}
