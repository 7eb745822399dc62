package lab

import (
	"regexp"
	"strings"
)

// Render returns a message in plain text, about as its service would show it.
func Render(m Message) string {
	var parts []string
	switch m.Channel {
	case "telegram":
		text, _ := m.Payload["text"].(string)
		if m.Payload["parse_mode"] == "HTML" {
			text, _ = telegramVisible(text)
		}
		parts = []string{text}
	case "slack":
		parts = renderSlack(m.Payload)
	case "discord":
		parts = renderDiscord(m.Payload)
	case "teams":
		parts = renderTeams(m.Payload["attachments"])
	default:
		title, _ := m.Payload["title"].(string)
		text, _ := m.Payload["text"].(string)
		if parts = []string{title, text}; title == "" && text == "" {
			parts = []string{string(m.Body)}
		}
	}
	return strings.TrimSpace(strings.Join(parts, "\n"))
}

func renderSlack(p map[string]any) []string {
	var parts []string
	shown := renderSlackTexts(p["blocks"])
	if len(shown) == 0 {
		text, _ := p["text"].(string)
		parts = append(parts, unescapeSlack(text))
	}
	return append(append(parts, shown...), renderSlackTexts(p["attachments"])...)
}

func unescapeSlack(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// renderSlackTexts finds the text objects in the order in which they are shown.
func renderSlackTexts(v any) []string {
	switch v := v.(type) {
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, renderSlackTexts(e)...)
		}
		return parts
	case map[string]any:
		if text, ok := v["text"].(string); ok {
			if v["type"] == "mrkdwn" {
				text = regexp.MustCompile("[*`]").ReplaceAllString(text, "")
			}
			return []string{unescapeSlack(text)}
		}
		var parts []string
		for _, key := range []string{"text", "fields", "elements", "blocks"} {
			parts = append(parts, renderSlackTexts(v[key])...)
		}
		return parts
	}
	return nil
}

func renderDiscord(p map[string]any) []string {
	var parts []string
	add := func(v any) {
		if s, _ := v.(string); s != "" {
			parts = append(parts, unmark(s))
		}
	}
	add(p["content"])
	es, _ := p["embeds"].([]any)
	for _, e := range es {
		e, _ := e.(map[string]any)
		add(e["title"])
		add(e["description"])
		fs, _ := e["fields"].([]any)
		for _, f := range fs {
			f, _ := f.(map[string]any)
			add(f["name"])
			add(f["value"])
		}
	}
	return parts
}

// unmark removes what Markdown would not show: marks that are not escaped, and
// the backslashes of those that are.
func unmark(s string) string {
	s = regexp.MustCompile(`\\.|\*\*|`+"`"+`|\[([^\]\\]*)\]\(https?:[^)]*\)`).ReplaceAllStringFunc(s, func(m string) string {
		switch m[0] {
		case '\\':
			return m[1:]
		case '[':
			return m[1:strings.Index(m, "]")]
		}
		return ""
	})
	return s
}

// renderTeams finds the texts of a card in the order in which they are shown.
func renderTeams(v any) []string {
	switch v := v.(type) {
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, renderTeams(e)...)
		}
		return parts
	case map[string]any:
		return renderTeamsElement(v)
	}
	return nil
}

func renderTeamsElement(e map[string]any) []string {
	text, _ := e["text"].(string)
	title, _ := e["title"].(string)
	value, _ := e["value"].(string)
	switch {
	case e["type"] == "TextBlock":
		return []string{unmark(text)}
	case e["type"] == "RichTextBlock":
		return []string{strings.Join(renderTeams(e["inlines"]), "")}
	case text != "":
		return []string{text}
	case value != "":
		return []string{title + ": " + unmark(value)}
	case title != "":
		return []string{title}
	}
	var parts []string
	for _, key := range []string{"content", "body", "items", "columns", "facts", "actions"} {
		parts = append(parts, renderTeams(e[key])...)
	}
	return parts
}
