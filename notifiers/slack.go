package notifiers

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

// Limits of Slack's blocks, in characters.
const (
	slackHeader   = 150
	slackSection  = 3000
	slackField    = 2000
	slackFallback = 1000 // ours: what a notification on a phone can show
	slackRoomy    = 20   // causes that get two blocks each; 50 blocks is the limit
	slackTight    = 44   // causes that get one block each
)

// slack is an incoming webhook of Slack.
type slack struct{ o Options }

type slackMessage struct {
	Channel     string            `json:"channel,omitempty"`
	Username    string            `json:"username,omitempty"`
	IconEmoji   string            `json:"icon_emoji,omitempty"`
	Text        string            `json:"text"` // shown where blocks are not
	Blocks      []slackBlock      `json:"blocks,omitempty"`
	Attachments []slackAttachment `json:"attachments,omitempty"`
}

type slackAttachment struct {
	Color  string       `json:"color"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string         `json:"type"`
	Text     *slackText     `json:"text,omitempty"`
	Fields   []slackText    `json:"fields,omitempty"`
	Elements []slackElement `json:"elements,omitempty"`
}

type slackElement struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
	URL  string    `json:"url"`
}

// slackText is plain_text where others' words stand: it knows no formatting.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

func (s *slack) request(l *letter) (*request, error) {
	w := slackDress()
	m := slackMessage{
		Channel: s.o.Channel, Username: s.o.Username, IconEmoji: s.o.IconEmoji,
		Text:        w.line(l.title, slackFallback),
		Blocks:      []slackBlock{{Type: "header", Text: slackPlain(w.line(l.title, slackHeader))}},
		Attachments: slackAttachments(l, w),
	}
	if s.o.Mention != "" && l.loud {
		m.Text = s.o.Mention + " " + m.Text
		m.Blocks = append(m.Blocks, slackBlock{Type: "section", Text: &slackText{Type: "mrkdwn", Text: s.o.Mention}})
	}
	return s.post(m)
}

func (s *slack) post(m slackMessage) (*request, error) {
	url, err := reveal("webhook_url", s.o.WebhookURL)
	if err != nil {
		return nil, err
	}
	body, err := encode(m)
	return &request{method: http.MethodPost, url: url, header: jsonHeader(), body: body}, err
}

func slackDress() dress {
	return dress{
		escape: func(s span) string { return slackEscape(s.text) },
		wrap:   func(_ span, text string) string { return text },
		size:   utf16Len,
	}
}

// slackEscape escapes the three characters that start control sequences such as
// <!channel>.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func slackPlain(text string) *slackText {
	no := false
	return &slackText{Type: "plain_text", Text: text, Emoji: &no}
}

func slackAttachments(l *letter, w dress) []slackAttachment {
	if len(l.sections) == 1 {
		return []slackAttachment{slackCause(&l.sections[0], w)}
	}
	if len(l.sections) > slackRoomy {
		return slackCrowd(l, w)
	}
	var as []slackAttachment
	for i := range l.sections {
		s := &l.sections[i]
		as = append(as, slackAttachment{Color: hexColor(s.tone), Blocks: []slackBlock{
			slackTitle(w, s.title), slackBody(w, s)}})
	}
	return slackButton(as, l.firstLink())
}

// slackCause is the one cause of a message, with fields.
func slackCause(s *section, w dress) slackAttachment {
	a := slackAttachment{Color: hexColor(s.tone)}
	add := func(label, text string) {
		if text != "" {
			a.Blocks = append(a.Blocks, slackBlock{Type: "section", Text: slackPlain(w.line(line{own(label), foreign(text)}, slackSection))})
		}
	}
	add("", s.what)
	var fields []slackText
	field := func(label, text string) {
		if text != "" {
			fields = append(fields, slackText{Type: "mrkdwn", Text: "*" + label + "*\n" + text, Verbatim: true})
		}
	}
	field("Where", slackEscape(upperFirst(s.where)))
	if s.code != "" {
		field("Reason", "`"+slackEscape(strings.ReplaceAll(s.code, "`", "'"))+"`")
	}
	field(s.whenIs, slackEscape(s.when))
	if len(fields) > 0 {
		a.Blocks = append(a.Blocks, slackBlock{Type: "section", Fields: fields})
	}
	add(stillFailing+": ", s.failing)
	add("", s.note)
	add("Hint: ", s.hint)
	add("Monitors: ", s.monitors)
	add(notAnnounced+": ", s.held)
	return slackButton([]slackAttachment{a}, s.link)[0]
}

func slackTitle(w dress, title line) slackBlock {
	// mrkdwn has no escape for its own marks, so foreign marks become look-alikes
	text := strings.NewReplacer("*", "∗", "_", "ˍ", "~", "∼", "`", "ˋ").Replace(w.line(title, slackField))
	return slackBlock{Type: "section", Text: &slackText{Type: "mrkdwn", Text: "*" + text + "*", Verbatim: true}}
}

func slackBody(w dress, s *section) slackBlock {
	bare := *s
	bare.link = "" // plain text links nowhere
	text := w.block(bare.lines(), slackSection)
	if text == "" {
		text = "No details."
	}
	return slackBlock{Type: "section", Text: slackPlain(text)}
}

// slackCrowd gives each of very many causes one block.
func slackCrowd(l *letter, w dress) []slackAttachment {
	a := slackAttachment{Color: hexColor(l.tone)}
	ss := l.sections
	if len(ss) > slackTight {
		ss = ss[:slackTight]
	}
	for i := range ss {
		bare := ss[i]
		bare.link = ""
		text := w.block(append([]line{bare.title}, bare.lines()...), slackSection/10)
		a.Blocks = append(a.Blocks, slackBlock{Type: "section", Text: slackPlain(text)})
	}
	if n := len(l.sections) - len(ss); n > 0 {
		a.Blocks = append(a.Blocks, slackBlock{Type: "section", Text: slackPlain("… and " + check.Count(n, "more cause", "more causes"))})
	}
	return slackButton([]slackAttachment{a}, l.firstLink())
}

func slackButton(as []slackAttachment, link string) []slackAttachment {
	if link != "" && len(as) > 0 {
		last := &as[len(as)-1]
		last.Blocks = append(last.Blocks, slackBlock{Type: "actions", Elements: []slackElement{
			{Type: "button", Text: *slackPlain("Open in Watchword"), URL: link}}})
	}
	return as
}

func (s *slack) judge(a *answer) *check.DeliveryError {
	text := strings.TrimSpace(string(a.body))
	if e := a.refused(text); e != nil {
		return e
	}
	switch {
	case a.isHTML():
		return a.page()
	case text == "ok", text == "", json.Valid(a.body): // the last two: servers that take Slack's messages
		return nil
	}
	return a.notDelivered("the answer is not Slack's: " + a.quote(text))
}
