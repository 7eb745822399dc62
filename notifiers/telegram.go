package notifiers

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"unicode"

	"github.com/watchword/watchword/internal/check"
)

const (
	telegramAPI  = "https://api.telegram.org"
	telegramText = 4096 // UTF-16 units; the API counts after entities, we count them too
)

// telegram is the sendMessage method of the Telegram Bot API.
type telegram struct{ o Options }

type telegramMessage struct {
	ChatID             string              `json:"chat_id"`
	MessageThreadID    int64               `json:"message_thread_id,omitempty"`
	Text               string              `json:"text"`
	ParseMode          string              `json:"parse_mode,omitempty"`
	LinkPreviewOptions telegramLinkPreview `json:"link_preview_options"`
	Silent             bool                `json:"disable_notification,omitempty"`
	ProtectContent     bool                `json:"protect_content,omitempty"`
}

type telegramLinkPreview struct {
	IsDisabled bool `json:"is_disabled"`
}

func (t *telegram) request(l *letter) (*request, error) {
	m := t.message()
	m.Text, m.ParseMode = telegramHTML(l), "HTML"
	return t.post(m)
}

func (t *telegram) message() telegramMessage {
	return telegramMessage{
		ChatID: t.o.ChatID, MessageThreadID: t.o.MessageThreadID,
		LinkPreviewOptions: telegramLinkPreview{IsDisabled: true},
		Silent:             t.o.Silent, ProtectContent: t.o.ProtectContent,
	}
}

func (t *telegram) post(m telegramMessage) (*request, error) {
	token, err := reveal("bot_token", t.o.BotToken)
	if err != nil {
		return nil, err
	}
	base := strings.TrimRight(t.o.APIURL, "/")
	if base == "" {
		base = telegramAPI
	}
	body, err := encode(m)
	_, key, _ := strings.Cut(token, ":")
	return &request{
		method: http.MethodPost, url: base + "/bot" + token + "/sendMessage",
		header: jsonHeader(), body: body, secrets: []string{token, key},
	}, err
}

func telegramHTML(l *letter) string {
	w := telegramDress()
	out := w.line(emphasise(l.title), telegramText/4)
	several := len(l.sections) > 1
	join := "\n"
	if several {
		join = "\n\n"
	}
	parts := append([]string{out}, w.sections(l.sections, several, telegramText-w.size(out)-2)...)
	return strings.Join(parts, join)
}

func telegramDress() dress {
	return dress{
		escape: func(s span) string { return telegramEscape(s.text) },
		wrap: func(s span, text string) string {
			switch {
			case s.url != "":
				return `<a href="` + html.EscapeString(s.url) + `">` + text + "</a>"
			case s.style == mono:
				return "<code>" + text + "</code>"
			case s.style == bold:
				return "<b>" + text + "</b>"
			}
			return text
		},
		size: utf16Len,
	}
}

// telegramEscape escapes for parse_mode HTML, which knows &lt; &gt; &amp; and
// &quot; by name.
func telegramEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(breakNames(s))
}

// breakNames keeps @name and #tag, which the clients find in plain text, from
// calling anybody: a word joiner parts the mark from the word.
func breakNames(s string) string {
	var b strings.Builder
	mark := ' '
	for _, r := range s {
		if isWordRune(r) && (mark == '@' || mark == '#') {
			b.WriteRune('\u2060')
		}
		b.WriteRune(r)
		mark = r
	}
	return b.String()
}

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func (t *telegram) judge(a *answer) *check.DeliveryError {
	var said struct {
		OK          bool   `json:"ok"`
		Description string `json:"description"`
		Parameters  struct {
			RetryAfter float64 `json:"retry_after"`
			MigrateTo  int64   `json:"migrate_to_chat_id"`
		} `json:"parameters"`
	}
	bad := json.Unmarshal(a.body, &said) != nil
	if bad {
		said.Description = string(a.body)
	}
	if e := a.refused(said.Description); e != nil {
		e.RetryAfter = max(e.RetryAfter, seconds(said.Parameters.RetryAfter))
		if id := said.Parameters.MigrateTo; id != 0 {
			e.Message += fmt.Sprintf("; its chat_id is now %d", id)
		}
		return e
	}
	switch {
	case a.isHTML():
		return a.page()
	case bad || !said.OK:
		return a.notDelivered("the answer is not the Bot API's: " + a.quote(string(a.body)))
	}
	return nil
}
