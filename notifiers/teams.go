package notifiers

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

const teamsSchema = "http://adaptivecards.io/schemas/adaptive-card.json"

// Teams refuses messages over 28 KB. It was seen to count two bytes for each
// UTF-16 unit, so a message must stay below 14 000 units.
const (
	teamsWhole = 13_800
	teamsText  = 9000 // for the words at first; the card around them takes the rest
	teamsTitle = 400
	teamsRoomy = 8  // causes whose lines stand one by one
	teamsEach  = 40 // causes that are told one by one
)

// teams is a Workflows (Power Automate) URL or an old connector of Microsoft
// Teams; both take an Adaptive Card in a message.
type teams struct{ o Options }

func (t *teams) request(l *letter) (*request, error) { return t.post(teamsFitting(l)) }

func (t *teams) post(body []byte, err error) (*request, error) {
	if err != nil {
		return nil, err
	}
	url, err := reveal("webhook_url", t.o.WebhookURL)
	h := jsonHeader()
	h.Set("Content-Type", "application/json; charset=utf-8") // without it Teams was seen to count double
	return &request{method: http.MethodPost, url: url, header: h, body: body}, err
}

func teamsEnvelope(l *letter, card teamsCard) teamsMessage {
	return teamsMessage{
		Type: "message", Summary: plain().line(l.title, teamsTitle),
		Attachments: []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}},
	}
}

// teamsFitting makes the card, with less text if it has become too large.
func teamsFitting(l *letter) ([]byte, error) {
	card := teamsCard{
		Schema: teamsSchema, Type: "AdaptiveCard", Version: "1.4",
		MSTeams: map[string]string{"width": "Full"},
	}
	if link := l.firstLink(); link != "" {
		card.Actions = []teamsAction{{Type: "Action.OpenUrl", Title: "Open in Watchword", URL: link}}
	}
	for room := teamsText; ; room = room * 3 / 4 {
		card.Body = teamsBody(l, room)
		body, err := encode(teamsEnvelope(l, card))
		if err != nil || utf16Len(string(body)) <= teamsWhole || room < leastSection {
			return body, err
		}
	}
}

func teamsBody(l *letter, room int) []teamsElement {
	w := plain()
	w.escape, w.size = teamsEscape, utf16Len
	title := teamsElement{Type: "TextBlock", Text: w.line(l.title, teamsTitle), Size: "Medium", Weight: "Bolder", Wrap: true}
	body := []teamsElement{{Type: "Container", Style: teamsStyle(l.tone), Bleed: true, Items: []teamsElement{title}}}
	if len(l.sections) == 1 {
		return append(body, teamsCause(&l.sections[0], room)...)
	}
	ss := l.sections
	if len(ss) > teamsEach {
		ss = ss[:teamsEach]
	}
	sizes := make([]int, len(ss))
	raw := jsonDress()
	for i := range ss {
		for _, line := range teamsLines(&ss[i]) {
			sizes[i] += raw.size(raw.join(line)) + 1
		}
	}
	for i, n := range share(sizes, room) {
		ls := strings.Split(raw.block(teamsLines(&ss[i]), n), "\n")
		head := teamsRuns(teamsRun{Text: ls[0], Weight: "Bolder"})
		head.Separate = true
		body = append(append(body, head), teamsParagraphs(ls[1:], len(ss) <= teamsRoomy)...)
	}
	if n := len(l.sections) - len(ss); n > 0 {
		body = append(body, teamsRuns(teamsRun{Text: "… and " + check.Count(n, "more cause", "more causes")}))
	}
	return body
}

// teamsParagraphs shows lines one by one or, to save room, as one: a TextRun
// breaks no lines.
func teamsParagraphs(ls []string, each bool) []teamsElement {
	ls = slices.DeleteFunc(ls, func(l string) bool { return l == "" })
	if !each && len(ls) > 0 {
		ls = []string{strings.Join(ls, " · ")}
	}
	var es []teamsElement
	for _, l := range ls {
		es = append(es, teamsRuns(teamsRun{Text: l}))
	}
	return es
}

// teamsLines is a section as lines of a RichTextBlock, which links nowhere.
func teamsLines(s *section) []line {
	bare := *s
	bare.link = ""
	return append([]line{s.title}, bare.lines()...)
}

// jsonDress writes plain text and counts what it takes in JSON, where a quote
// or backslash is two.
func jsonDress() dress {
	w := plain()
	w.size = func(s string) int {
		return utf16Len(s) + strings.Count(s, `"`) + strings.Count(s, `\`) + strings.Count(s, "\n")
	}
	return w
}

func teamsCause(s *section, room int) []teamsElement {
	var es []teamsElement
	add := func(label, text string) {
		if text == "" {
			return
		}
		var runs []teamsRun
		if label != "" {
			runs = append(runs, teamsRun{Text: label + ": ", Weight: "Bolder"})
		}
		text = jsonDress().line(line{foreign(text)}, room/4)
		es = append(es, teamsRuns(append(runs, teamsRun{Text: text})...))
	}
	if s.raw {
		ls := strings.Split(jsonDress().block(s.lines(), room), "\n")
		return teamsParagraphs(ls, len(ls) <= teamsEach)
	}
	add("", s.what)
	var facts []teamsFact
	if s.where != "" {
		facts = append(facts, teamsFact{"Where", upperFirst(s.where)})
	}
	if s.when != "" {
		facts = append(facts, teamsFact{s.whenIs, s.when})
	}
	if len(facts) > 0 {
		es = append(es, teamsElement{Type: "FactSet", Facts: facts})
	}
	if s.code != "" {
		es = append(es, teamsRuns(teamsRun{Text: s.code, FontType: "Monospace"}))
	}
	add(stillFailing, s.failing)
	add("", s.note)
	add("Hint", s.hint)
	add("Monitors", s.monitors)
	add(notAnnounced, s.held)
	return es
}

func teamsRuns(runs ...teamsRun) teamsElement {
	for i := range runs {
		runs[i].Type = "TextRun"
	}
	return teamsElement{Type: "RichTextBlock", Inlines: runs}
}

func teamsStyle(t tone) string {
	switch t {
	case toneGood:
		return "good"
	case toneWarn:
		return "warning"
	case toneQuiet:
		return "emphasis"
	default:
		return "attention"
	}
}

// teamsEscape escapes for a TextBlock, which reads some Markdown.
func teamsEscape(s span) string {
	if !s.foreign {
		return s.text
	}
	var b strings.Builder
	for i, r := range s.text {
		word := r == '_' && insideWord(s.text[:i], s.text[i+1:])
		if strings.ContainsRune("\\`*_[]()#~<>!|", r) && !word {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// judge reads both: Workflows answer 202 with nothing, connectors 200 with "1";
// connectors answer 200, too, where Teams behind them refused.
func (t *teams) judge(a *answer) *check.DeliveryError {
	text := strings.TrimSpace(string(a.body))
	if e := a.refused(teamsWords(a.body)); e != nil {
		return e
	}
	switch {
	case a.isHTML():
		return a.page()
	case text == "", text == "1", json.Valid(a.body):
		return nil
	}
	inner := *a
	if inner.status = teamsInner(text); inner.status != 0 {
		if e := inner.refused(text); e != nil {
			return e
		}
	}
	return a.notDelivered("Teams did not take it: " + a.quote(text))
}

// teamsInner finds the status in "… Microsoft Teams endpoint returned HTTP
// error 429 with ContextId …", 0 without one.
func teamsInner(text string) int {
	_, after, ok := strings.Cut(text, "HTTP error ")
	if !ok || len(after) < 3 {
		return 0
	}
	n, err := strconv.Atoi(after[:3])
	if err != nil {
		return 0
	}
	return n
}

// teamsWords is the text of an error of Power Automate, or the body.
func teamsWords(body []byte) string {
	var said struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &said) == nil && said.Error.Message != "" {
		return said.Error.Code + ": " + said.Error.Message
	}
	return string(body)
}
