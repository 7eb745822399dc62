package lab

import (
	"encoding/json"
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

func (c *Chat) discordService() chatService {
	return chatService{
		take:    c.takeDiscord,
		refuse:  chatJSON(http.StatusUnauthorized, map[string]any{"message": "Invalid Webhook Token", "code": 50027}),
		limited: discordLimited,
	}
}

func discordLimited(after time.Duration) chatReply {
	r := chatJSON(http.StatusTooManyRequests, map[string]any{
		"message": "You are being rate limited.", "retry_after": after.Seconds(), "global": false,
	})
	r.header = http.Header{
		"Retry-After":             {strconv.Itoa(int(math.Ceil(after.Seconds())))},
		"X-Ratelimit-Limit":       {"5"},
		"X-Ratelimit-Remaining":   {"0"},
		"X-Ratelimit-Reset-After": {strconv.FormatFloat(after.Seconds(), 'f', 3, 64)},
		"X-Ratelimit-Bucket":      {"80c17d2f203122d936070c88c8d10f33"},
		"X-Ratelimit-Scope":       {"user"},
	}
	return r
}

func (c *Chat) takeDiscord(m *Message) chatReply {
	if want := c.o.DiscordHook; want != "" && strings.TrimPrefix(m.Path, "/api/webhooks/") != want {
		id, _, _ := strings.Cut(want, "/")
		if strings.HasPrefix(m.Path, "/api/webhooks/"+id+"/") {
			return chatJSON(http.StatusUnauthorized, map[string]any{"message": "Invalid Webhook Token", "code": 50027})
		}
		return chatJSON(http.StatusNotFound, map[string]any{"message": "Unknown Webhook", "code": 10015})
	}
	if m.Payload == nil {
		m.Problems = append(m.Problems, "the body is not a JSON object")
		return chatJSON(http.StatusBadRequest, map[string]any{"message": "The request body contains invalid JSON.", "code": 50109})
	}
	k := discordCheck{m: m}
	k.message(m.Payload)
	if len(m.Problems) > 0 {
		return chatJSON(http.StatusBadRequest, map[string]any{"message": "Invalid Form Body", "code": 50035, "errors": m.Problems})
	}
	if !slices.Contains(m.Query["wait"], "true") {
		return chatReply{status: http.StatusNoContent}
	}
	return chatJSON(http.StatusOK, map[string]any{"id": strconv.FormatInt(m.Time.UnixNano(), 10), "type": 0, "embeds": m.Payload["embeds"]})
}

// discordCheck holds a payload to the limits of webhooks and embeds.
type discordCheck struct {
	m     *Message
	total int
}

func (k *discordCheck) wrong(format string, args ...any) {
	k.m.Problems = append(k.m.Problems, fmt.Sprintf(format, args...))
}

func (k *discordCheck) message(p map[string]any) {
	content, _ := p["content"].(string)
	embeds, _ := p["embeds"].([]any)
	if content == "" && len(embeds) == 0 {
		k.wrong("cannot send an empty message")
	}
	k.length("content", p["content"], 2000)
	k.length("username", p["username"], 80)
	if name, _ := p["username"].(string); strings.Contains(strings.ToLower(name), "discord") || strings.Contains(strings.ToLower(name), "clyde") {
		k.wrong("username holds a reserved word")
	}
	if len(embeds) > 10 {
		k.wrong("%d embeds, at most 10", len(embeds))
	}
	for _, e := range embeds {
		e, _ := e.(map[string]any)
		k.embed(e)
	}
	if k.total > 6000 {
		k.wrong("embeds of %d characters, at most 6000", k.total)
	}
	k.pings(content, p["allowed_mentions"])
}

func (k *discordCheck) embed(e map[string]any) {
	k.total += k.length("title", e["title"], 256) + k.length("description", e["description"], 4096)
	if f, ok := e["footer"].(map[string]any); ok {
		k.total += k.length("footer", f["text"], 2048)
	}
	if at, ok := e["timestamp"].(string); ok {
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			k.wrong("timestamp %q", at)
		}
	}
	if link, ok := e["url"].(string); ok {
		if u, err := url.Parse(link); err != nil || u.Host == "" {
			k.wrong("url %q", link)
		}
	}
	if n, ok := e["color"].(json.Number); ok {
		if v, err := n.Int64(); err != nil || v < 0 || v > 0xffffff {
			k.wrong("color %v", n)
		}
	}
	k.fields(e["fields"])
}

func (k *discordCheck) fields(v any) {
	fields, _ := v.([]any)
	if len(fields) > 25 {
		k.wrong("%d fields, at most 25", len(fields))
	}
	for _, f := range fields {
		f, _ := f.(map[string]any)
		n, v := k.length("field name", f["name"], 256), k.length("field value", f["value"], 1024)
		if n == 0 || v == 0 {
			k.wrong("a field is empty")
		}
		k.total += n + v
	}
}

func (k *discordCheck) length(what string, v any, limit int) int {
	s, _ := v.(string)
	n := chatUnits(s)
	if n > limit {
		k.wrong("%s of %d characters, at most %d", what, n, limit)
	}
	return n
}

// pings notes who is called: mentions count in content only, and only those that
// allowed_mentions lets through.
func (k *discordCheck) pings(content string, allowed any) {
	plain := regexp.MustCompile(`\\.`).ReplaceAllString(content, "")
	a, given := allowed.(map[string]any)
	allow := func(kind, list, id string) bool {
		ids, _ := a[list].([]any)
		parse, _ := a["parse"].([]any)
		return !given || slices.Contains(parse, any(kind)) || slices.Contains(ids, any(id))
	}
	for _, p := range regexp.MustCompile(`@everyone|@here|<@[!&]?\d+>`).FindAllString(plain, -1) {
		id := strings.Trim(p, "<@!&>")
		switch {
		case p[0] == '@' && allow("everyone", "", ""),
			strings.HasPrefix(p, "<@&") && allow("roles", "roles", id),
			strings.HasPrefix(p, "<@") && !strings.HasPrefix(p, "<@&") && allow("users", "users", id):
			k.m.Pings = append(k.m.Pings, p)
		}
	}
}
