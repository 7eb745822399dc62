package lab

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c *Chat) slackService() chatService {
	return chatService{
		take:   c.takeSlack,
		refuse: chatText(http.StatusForbidden, "invalid_token"),
		limited: func(after time.Duration) chatReply {
			r := chatText(http.StatusTooManyRequests, "rate_limited")
			r.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(after.Seconds())))}}
			return r
		},
	}
}

func (c *Chat) takeSlack(m *Message) chatReply {
	if want := c.o.SlackPath; want != "" && strings.TrimPrefix(m.Path, "/services/") != want {
		parts, known := strings.Split(strings.TrimPrefix(m.Path, "/services/"), "/"), strings.Split(want, "/")
		if len(parts) == 3 && len(known) == 3 && parts[0] == known[0] && parts[1] == known[1] {
			return chatText(http.StatusForbidden, "invalid_token")
		}
		return chatText(http.StatusNotFound, "no_service")
	}
	if m.Payload == nil {
		m.Problems = append(m.Problems, "the body is not a JSON object")
		return chatText(http.StatusBadRequest, "invalid_payload")
	}
	k := slackCheck{m: m}
	k.message(m.Payload)
	switch {
	case len(m.Problems) > 0:
		return chatText(http.StatusBadRequest, "invalid_blocks")
	case !k.any:
		m.Problems = append(m.Problems, "neither text, blocks nor attachments")
		return chatText(http.StatusBadRequest, "no_text")
	}
	return chatText(http.StatusOK, "ok")
}

// slackCheck holds a payload to the limits of Block Kit.
type slackCheck struct {
	m      *Message
	blocks int
	any    bool
}

func (k *slackCheck) wrong(format string, args ...any) {
	k.m.Problems = append(k.m.Problems, fmt.Sprintf(format, args...))
}

func (k *slackCheck) message(p map[string]any) {
	known := []string{"text", "blocks", "attachments", "channel", "username", "icon_emoji", "icon_url", "thread_ts", "mrkdwn", "unfurl_links", "unfurl_media", "link_names", "response_type"}
	for name := range p {
		if !slices.Contains(known, name) {
			k.wrong("unknown field %s", name)
		}
	}
	if text, _ := p["text"].(string); text != "" {
		k.any = true
		k.text("text", text, 40_000, true)
	}
	k.list(p["blocks"])
	as, _ := p["attachments"].([]any)
	if len(as) > 100 {
		k.wrong("%d attachments, at most 100", len(as))
	}
	for _, a := range as {
		a, _ := a.(map[string]any)
		if color, ok := a["color"].(string); ok && !regexp.MustCompile(`^(#[0-9a-fA-F]{6}|good|warning|danger)$`).MatchString(color) {
			k.wrong("color %q", color)
		}
		k.list(a["blocks"])
	}
}

func (k *slackCheck) list(v any) {
	bs, _ := v.([]any)
	k.blocks += len(bs)
	if len(bs) > 0 {
		k.any = true
	}
	if k.blocks > 50 {
		k.wrong("%d blocks, at most 50", k.blocks)
	}
	for _, b := range bs {
		b, _ := b.(map[string]any)
		k.block(b)
	}
}

func (k *slackCheck) block(b map[string]any) {
	switch b["type"] {
	case "header":
		k.object("header", b["text"], 150, "plain_text")
	case "section":
		fields, _ := b["fields"].([]any)
		if b["text"] == nil && len(fields) == 0 {
			k.wrong("section with neither text nor fields")
		}
		if b["text"] != nil {
			k.object("section", b["text"], 3000, "plain_text", "mrkdwn")
		}
		if len(fields) > 10 {
			k.wrong("%d fields, at most 10", len(fields))
		}
		for _, f := range fields {
			k.object("field", f, 2000, "plain_text", "mrkdwn")
		}
	case "context", "actions":
		k.elements(b)
	case "divider":
	default:
		k.wrong("unknown block type %v", b["type"])
	}
}

func (k *slackCheck) elements(b map[string]any) {
	es, _ := b["elements"].([]any)
	if len(es) == 0 || len(es) > 25 {
		k.wrong("%d elements", len(es))
	}
	for _, e := range es {
		e, _ := e.(map[string]any)
		if e["type"] != "button" {
			k.object("element", e, 3000, "plain_text", "mrkdwn")
			continue
		}
		k.object("button", e["text"], 75, "plain_text")
		link, _ := e["url"].(string)
		if u, err := url.Parse(link); err != nil || u.Host == "" || len(link) > 3000 {
			k.wrong("button url %q", link)
		}
	}
}

func (k *slackCheck) object(what string, v any, limit int, types ...string) {
	o, _ := v.(map[string]any)
	kind, _ := o["type"].(string)
	if !slices.Contains(types, kind) {
		k.wrong("%s has text of type %q", what, kind)
	}
	text, _ := o["text"].(string)
	if text == "" {
		k.wrong("%s is empty", what)
	}
	k.text(what, text, limit, kind == "mrkdwn")
}

// text checks length and escapes, and notes who is called.
func (k *slackCheck) text(what, s string, limit int, marks bool) {
	if n := chatUnits(s); n > limit {
		k.wrong("%s of %d characters, at most %d", what, n, limit)
	}
	if bad := regexp.MustCompile(`&(amp;|lt;|gt;)?`).FindAllString(s, -1); slices.Contains(bad, "&") {
		k.wrong("%s has an unescaped &", what)
	}
	bare := regexp.MustCompile(`<(![a-z]+(\^[A-Z0-9]+)?|@[A-Z0-9]+|https?://[^<>|]+(\|[^<>]*)?)>`)
	if marks {
		for _, p := range bare.FindAllString(s, -1) {
			if !strings.HasPrefix(p, "<http") {
				k.m.Pings = append(k.m.Pings, p)
			}
		}
	}
	if strings.ContainsAny(bare.ReplaceAllString(s, ""), "<>") {
		k.wrong("%s has an unescaped < or >", what)
	}
}
