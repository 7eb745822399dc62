package notifiers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Limits of Discord's embeds, in characters.
const (
	discordTitle       = 256
	discordDescription = 4000 // 4096, and 6000 for the whole
	discordField       = 1000 // 1024
	discordWhat        = 2000
)

// discord is a webhook of Discord.
type discord struct{ o Options }

type discordMessage struct {
	Username string          `json:"username,omitempty"`
	Content  string          `json:"content,omitempty"`
	Embeds   []discordEmbed  `json:"embeds"`
	Mentions discordMentions `json:"allowed_mentions"`
}

type discordMentions struct {
	Parse []string `json:"parse"`
	Users []string `json:"users,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

type discordEmbed struct {
	Title       string             `json:"title"`
	Description string             `json:"description,omitempty"`
	Color       int                `json:"color"`
	Timestamp   string             `json:"timestamp,omitempty"`
	Fields      []discordEmbedPart `json:"fields,omitempty"`
}

type discordEmbedPart struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

func (d *discord) request(l *letter) (*request, error) {
	raw, err := reveal("webhook_url", d.o.WebhookURL)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &check.DeliveryError{Message: "webhook_url is not a URL"}
	}
	q := u.Query()
	q.Set("wait", "true") // without it a message that is not kept is answered 204 all the same
	if d.o.ThreadID != "" {
		q.Set("thread_id", d.o.ThreadID)
	}
	u.RawQuery = q.Encode()
	m := discordMessage{
		Username: d.o.Username,
		Embeds:   []discordEmbed{discordLetter(l)},
		Mentions: discordMentions{Parse: []string{}},
	}
	if l.loud {
		m.Content = d.o.Mention
		m.Mentions = discordMay(d.o.Mention)
	}
	body, err := encode(m)
	if err != nil {
		return nil, err
	}
	return &request{method: http.MethodPost, url: u.String(), header: jsonHeader(), body: body, secrets: []string{raw}}, nil
}

// discordMay returns what allows those, and only those, whom mention names.
func discordMay(mention string) discordMentions {
	m := discordMentions{Parse: []string{}}
	for word := range strings.FieldsSeq(mention) {
		id := strings.TrimSuffix(word, ">")
		switch {
		case word == "@everyone" || word == "@here":
			m.Parse = []string{"everyone"}
		case strings.HasPrefix(id, "<@&"):
			m.Roles = append(m.Roles, id[3:])
		default:
			m.Users = append(m.Users, strings.TrimPrefix(strings.TrimPrefix(id, "<@"), "!"))
		}
	}
	return m
}

func discordLetter(l *letter) discordEmbed {
	w := discordDress()
	e := discordEmbed{Title: w.line(l.title, discordTitle), Color: color(l.tone)}
	if at := l.delivery.At; !at.IsZero() {
		e.Timestamp = at.UTC().Format(time.RFC3339)
	}
	if len(l.sections) != 1 {
		e.Description = strings.Join(w.sections(l.sections, true, discordDescription), "\n\n")
		return e
	}
	s := &l.sections[0]
	if s.raw {
		e.Description = w.block(s.lines(), discordDescription)
		return e
	}
	e.Description = w.line(line{foreign(s.what)}, discordWhat)
	if s.link != "" {
		e.Description = strings.TrimSpace(e.Description + "\n" + w.join(line{{text: "Open in Watchword", url: s.link}}))
	}
	e.Fields = discordFields(s, w)
	return e
}

func discordFields(s *section, w dress) []discordEmbedPart {
	var fs []discordEmbedPart
	add := func(name string, value line, inline bool) {
		if v := w.line(value, discordField); v != "" {
			fs = append(fs, discordEmbedPart{Name: name, Value: v, Inline: inline})
		}
	}
	add("Where", line{own(s.where)}, true)
	add("Reason", line{{text: s.code, style: mono}}, true)
	add(s.whenIs, line{own(s.when)}, true)
	add(stillFailing, line{foreign(s.failing)}, false)
	add("Joined", line{foreign(s.note)}, false)
	add("Hint", line{foreign(s.hint)}, false)
	add("Monitors", line{foreign(s.monitors)}, false)
	return fs
}

func discordDress() dress {
	return dress{
		escape: func(s span) string {
			switch {
			case s.style == mono: // no escapes inside code
				return strings.ReplaceAll(s.text, "`", "'")
			case s.foreign:
				return discordEscape(s.text)
			}
			return s.text
		},
		wrap: func(s span, text string) string {
			switch {
			case s.url != "":
				return "[" + text + "](" + strings.NewReplacer("(", "%28", ")", "%29", " ", "%20").Replace(s.url) + ")"
			case s.style == mono:
				return "`" + text + "`"
			case s.style == bold:
				return "**" + text + "**"
			}
			return text
		},
		size: utf16Len,
	}
}

// discordEscape puts a backslash before what Discord's Markdown would read:
// emphasis, code, links, headings, mentions; and before the colon of a URL or
// emoji.
func discordEscape(s string) string {
	var b strings.Builder
	start := true
	for i, r := range s {
		special := strings.ContainsRune("\\`*_~|<>[]()#@", r) || start && strings.ContainsRune("-+", r) ||
			r == ':' && !isPort(s[i+1:])
		if special {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		start = false
	}
	return b.String()
}

// isPort says whether what follows a colon is a port or a blank, not an emoji
// or a URL.
func isPort(after string) bool {
	if after == "" || after[0] == ' ' {
		return true
	}
	digits := strings.TrimLeft(after, "0123456789")
	return len(digits) < len(after) && !strings.HasPrefix(digits, ":")
}

func (d *discord) judge(a *answer) *check.DeliveryError {
	var said struct {
		Message    string  `json:"message"`
		RetryAfter float64 `json:"retry_after"` // seconds
	}
	bad := json.Unmarshal(a.body, &said) != nil
	if bad {
		said.Message = string(a.body)
	}
	if e := a.refused(said.Message); e != nil {
		e.RetryAfter = max(e.RetryAfter, seconds(said.RetryAfter))
		return e
	}
	switch {
	case a.isHTML():
		return a.page()
	case len(a.body) > 0 && bad:
		return a.notDelivered("the answer is not Discord's: " + a.quote(string(a.body)))
	}
	return nil
}
