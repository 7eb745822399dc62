package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"
)

// RenderHTML returns a message as HTML, about as its service would show it. It
// holds nothing but text, simple marks and links to http and https.
func RenderHTML(m Message) template.HTML {
	var b strings.Builder
	switch m.Channel {
	case "telegram":
		text, _ := m.Payload["text"].(string)
		b.WriteString(telegramHTML(text, m.Payload["parse_mode"] == "HTML"))
	case "slack":
		slackHTML(&b, m.Payload)
	case "discord":
		discordHTML(&b, m.Payload)
	case "teams":
		teamsHTML(&b, m.Payload["attachments"])
	default:
		b.WriteString("<pre>" + html.EscapeString(pretty(m.Body)) + "</pre>")
	}
	return template.HTML(b.String()) //nolint:gosec // every text in it was escaped
}

func pretty(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	return b.String()
}

// telegramHTML keeps the tags that Telegram knows and escapes all else.
func telegramHTML(text string, parsed bool) string {
	if !parsed {
		return lines(html.EscapeString(text))
	}
	known := regexp.MustCompile(`</?(?:b|i|u|s|code|pre)>|<a href="https?://[^"<>]*">|</a>`)
	var b strings.Builder
	at := 0
	for _, hit := range known.FindAllStringIndex(text, -1) {
		b.WriteString(html.EscapeString(html.UnescapeString(text[at:hit[0]])))
		b.WriteString(text[hit[0]:hit[1]])
		at = hit[1]
	}
	b.WriteString(html.EscapeString(html.UnescapeString(text[at:])))
	return lines(b.String())
}

func lines(escaped string) string { return strings.ReplaceAll(escaped, "\n", "<br>") }

func slackHTML(b *strings.Builder, p map[string]any) {
	if _, ok := p["blocks"]; !ok {
		b.WriteString(slackText(map[string]any{"type": "mrkdwn", "text": p["text"]}))
	}
	slackBlocks(b, p["blocks"])
	for _, a := range objects(p["attachments"]) {
		fmt.Fprintf(b, `<div class="bar %s">`, colorClass(a["color"]))
		slackBlocks(b, a["blocks"])
		b.WriteString("</div>")
	}
}

func slackBlocks(b *strings.Builder, v any) {
	for _, block := range objects(v) {
		switch text, _ := block["text"].(map[string]any); {
		case block["type"] == "header":
			b.WriteString(`<p class="head">` + slackText(text) + "</p>")
		case text != nil:
			b.WriteString("<p>" + slackText(text) + "</p>")
		}
		if fields := objects(block["fields"]); len(fields) > 0 {
			b.WriteString(`<div class="fields">`)
			for _, f := range fields {
				b.WriteString("<p>" + slackText(f) + "</p>")
			}
			b.WriteString("</div>")
		}
		for _, e := range objects(block["elements"]) {
			label, _ := e["text"].(map[string]any)
			b.WriteString(button(slackText(label), e["url"]))
		}
	}
}

// slackText renders a text object: plain_text, or mrkdwn with * and `.
func slackText(o map[string]any) string {
	text, _ := o["text"].(string)
	escaped := html.EscapeString(unescapeSlack(text))
	if o["type"] == "mrkdwn" {
		escaped = marked(escaped, `\*([^*\n]+)\*`, "<b>$1</b>", "`([^`\n]+)`", "<code>$1</code>")
	}
	return lines(escaped)
}

// marked replaces pairs of pattern and replacement, in order.
func marked(s string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		s = regexp.MustCompile(pairs[i]).ReplaceAllString(s, pairs[i+1])
	}
	return s
}

func discordHTML(b *strings.Builder, p map[string]any) {
	if text, _ := p["content"].(string); text != "" {
		b.WriteString("<p>" + markdown(text) + "</p>")
	}
	for _, e := range objects(p["embeds"]) {
		fmt.Fprintf(b, `<div class="bar %s">`, colorClass(e["color"]))
		if title, _ := e["title"].(string); title != "" {
			b.WriteString(`<p class="head">` + markdown(title) + "</p>")
		}
		if text, _ := e["description"].(string); text != "" {
			b.WriteString("<p>" + markdown(text) + "</p>")
		}
		b.WriteString(`<div class="fields">`)
		for _, f := range objects(e["fields"]) {
			name, _ := f["name"].(string)
			value, _ := f["value"].(string)
			wide := ""
			if f["inline"] != true {
				wide = ` class="wide"`
			}
			fmt.Fprintf(b, "<p%s><b>%s</b><br>%s</p>", wide, markdown(name), markdown(value))
		}
		b.WriteString("</div></div>")
	}
}

// markdown renders what Discord and Teams make of **, `, links and backslashes.
func markdown(s string) string {
	mark := regexp.MustCompile(`\\.|\*\*[^*\n]+\*\*|` + "`[^`\n]+`" + `|\[[^\]\\\n]*\]\(https?://[^()\s]*\)`)
	var b strings.Builder
	at := 0
	for _, hit := range mark.FindAllStringIndex(s, -1) {
		b.WriteString(html.EscapeString(s[at:hit[0]]))
		b.WriteString(markedUp(s[hit[0]:hit[1]]))
		at = hit[1]
	}
	b.WriteString(html.EscapeString(s[at:]))
	return lines(b.String())
}

func markedUp(m string) string {
	switch m[0] {
	case '\\':
		return html.EscapeString(m[1:])
	case '*':
		return "<b>" + html.EscapeString(m[2:len(m)-2]) + "</b>"
	case '`':
		return "<code>" + html.EscapeString(m[1:len(m)-1]) + "</code>"
	}
	label, url, _ := strings.Cut(m[1:len(m)-1], "](")
	return fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(url), html.EscapeString(label))
}

func button(label string, url any) string {
	to, _ := url.(string)
	if !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") {
		return ""
	}
	return fmt.Sprintf(`<a class="btn" href="%s">%s</a>`, html.EscapeString(to), label)
}

// objects returns the objects of a JSON list, or of a single object.
func objects(v any) []map[string]any {
	var out []map[string]any
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				out = append(out, m)
			}
		}
	case map[string]any:
		out = append(out, v)
	}
	return out
}

// colorClass names the colours that messages come in.
func colorClass(v any) string {
	switch n := fmt.Sprint(v); n {
	case "#c0272d", "12592941":
		return "c-down"
	case "#1a7a51", "1735249":
		return "c-up"
	case "#a3128b", "10687115":
		return "c-exposed"
	case "#975a00", "9918976":
		return "c-pending"
	}
	return "c-other"
}
