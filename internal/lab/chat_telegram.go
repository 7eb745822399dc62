package lab

import (
	"fmt"
	"html"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (c *Chat) telegramService() chatService {
	return chatService{
		take:   c.takeTelegram,
		refuse: telegramError(http.StatusUnauthorized, "Unauthorized", nil),
		limited: func(after time.Duration) chatReply {
			n := int(math.Ceil(after.Seconds()))
			return telegramError(http.StatusTooManyRequests, fmt.Sprintf("Too Many Requests: retry after %d", n), map[string]any{"retry_after": n})
		},
	}
}

func telegramError(code int, text string, parameters map[string]any) chatReply {
	v := map[string]any{"ok": false, "error_code": code, "description": text}
	if parameters != nil {
		v["parameters"] = parameters
	}
	return chatJSON(code, v)
}

func (c *Chat) takeTelegram(m *Message) chatReply {
	token, method, _ := strings.Cut(strings.TrimPrefix(m.Path, "/bot"), "/")
	switch {
	case c.o.TelegramToken != "" && token != c.o.TelegramToken:
		return telegramError(http.StatusUnauthorized, "Unauthorized", nil)
	case method != "sendMessage":
		return telegramError(http.StatusNotFound, "Not Found", nil)
	case m.Payload == nil:
		m.Problems = append(m.Problems, "the body is not a JSON object")
		return telegramError(http.StatusBadRequest, "Bad Request: message text is empty", nil)
	}
	chat := fmt.Sprint(m.Payload["chat_id"])
	if chat == "" || len(c.o.TelegramChats) > 0 && !slices.Contains(c.o.TelegramChats, chat) {
		return telegramError(http.StatusBadRequest, "Bad Request: chat not found", nil)
	}
	if wrong := checkTelegram(m); wrong != "" {
		m.Problems = append(m.Problems, wrong)
		return telegramError(http.StatusBadRequest, "Bad Request: "+wrong, nil)
	}
	return chatJSON(http.StatusOK, map[string]any{"ok": true, "result": map[string]any{
		"message_id": m.Time.UnixMilli() % 1e6, "date": m.Time.Unix(), "chat": map[string]any{"id": chat}, "text": Render(*m),
	}})
}

// checkTelegram returns what the Bot API would complain about, and notes who is
// called.
func checkTelegram(m *Message) string {
	known := []string{
		"business_connection_id", "chat_id", "message_thread_id", "text", "parse_mode", "entities", "link_preview_options",
		"disable_notification", "protect_content", "allow_paid_broadcast", "message_effect_id", "reply_parameters", "reply_markup",
	}
	for k := range m.Payload {
		if !slices.Contains(known, k) {
			return "unknown field " + k
		}
	}
	text, _ := m.Payload["text"].(string)
	visible := text
	switch mode, _ := m.Payload["parse_mode"].(string); mode {
	case "HTML":
		var wrong string
		if visible, wrong = telegramVisible(text); wrong != "" {
			return "can't parse entities: " + wrong
		}
	case "":
	default:
		return "unsupported parse_mode"
	}
	switch n := chatUnits(strings.TrimSpace(visible)); {
	case n == 0:
		return "message text is empty"
	case n > 4096:
		return "message is too long"
	}
	m.Pings = append(m.Pings, regexp.MustCompile(`(?:^|\W)@[A-Za-z0-9_]{4,32}`).FindAllString(visible, -1)...)
	return ""
}

// telegramVisible checks HTML as parse_mode HTML knows it and returns the text
// without its marks.
func telegramVisible(s string) (visible, wrong string) {
	var open []string
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "<&")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexByte(s, map[byte]byte{'<': '>', '&': ';'}[s[0]])
		if end < 0 {
			return "", fmt.Sprintf("unclosed %q", s[:1])
		}
		piece := s[:end+1]
		s = s[end+1:]
		if piece[0] == '&' {
			if !regexp.MustCompile(`^&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);$`).MatchString(piece) {
				return "", fmt.Sprintf("entity %q", piece)
			}
			b.WriteString(html.UnescapeString(piece))
			continue
		}
		if open, wrong = telegramTag(open, piece); wrong != "" {
			return "", wrong
		}
	}
	if len(open) > 0 {
		return "", fmt.Sprintf("can't find end tag corresponding to start tag %q", open[len(open)-1])
	}
	return b.String(), ""
}

func telegramTag(open []string, tag string) ([]string, string) {
	if name, ok := strings.CutPrefix(strings.TrimSuffix(tag, ">"), "</"); ok {
		if len(open) == 0 || open[len(open)-1] != name {
			return nil, fmt.Sprintf("unexpected end tag %q", tag)
		}
		return open[:len(open)-1], ""
	}
	f := regexp.MustCompile(`^<([a-z-]+)((?: [a-z-]+="[^"]*")*)>$`).FindStringSubmatch(tag)
	allowed := []string{"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre", "blockquote", "tg-emoji"}
	if f == nil || !slices.Contains(allowed, f[1]) {
		return nil, fmt.Sprintf("unsupported start tag %q", tag)
	}
	return append(open, f[1]), ""
}

// chatUnits counts UTF-16 code units.
func chatUnits(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
