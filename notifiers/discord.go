package notifiers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/watchword/watchword/internal/check"
)

// Limits of Discord's embeds, in characters.
const (
	discordContent     = 2000
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
	Embeds   []discordEmbed  `json:"embeds,omitempty"`
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
	m := discordMessage{
		Username: d.o.Username,
		Embeds:   []discordEmbed{discordLetter(l)},
		Mentions: discordMentions{Parse: []string{}},
	}
	if l.loud {
		m.Content, m.Mentions = d.o.Mention, discordMay(d.o.Mention)
	}
	return d.post(m)
}

func (d *discord) post(m discordMessage) (*request, error) {
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
	body, err := encode(m)
	return &request{method: http.MethodPost, url: u.String(), header: jsonHeader(), body: body, secrets: []string{raw}}, err
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
	add("Where", line{own(upperFirst(s.where))}, true)
	add("Reason", line{{text: s.code, style: mono}}, true)
	add(s.whenIs, line{own(s.when)}, true)
	add(stillFailing, line{foreign(s.failing)}, false)
	add("Note", line{foreign(s.note)}, false)
	add("Hint", line{foreign(s.hint)}, false)
	add("Monitors", line{foreign(s.monitors)}, false)
	add(notAnnounced, line{foreign(s.held)}, false)
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
	for i, r := range s {
		after := s[i+utf8.RuneLen(r):]
		special := strings.ContainsRune("\\`*~|<>[]()#@", r) || r == '_' && !insideWord(s[:i], after) ||
			r == ':' && !isPort(after) || i == 0 && (r == '-' || r == '+')
		if special {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// insideWord says whether a mark stands between two letters or digits, where
// Markdown leaves an underscore alone.
func insideWord(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	plain := func(r rune) bool { return r != '_' && isWordRune(r) }
	return plain(last) && plain(next)
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
