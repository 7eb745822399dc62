package lab

import (
	"html"
	"strings"
)

// teamsHTML renders an Adaptive Card, whichever way its parts are nested.
func teamsHTML(b *strings.Builder, v any) {
	for _, e := range objects(v) {
		teamsElement(b, e)
	}
}

func teamsElement(b *strings.Builder, e map[string]any) {
	switch e["type"] {
	case "TextBlock":
		b.WriteString(`<p` + teamsHead(e) + `>` + markdown(textOf(e, "text")) + "</p>")
	case "RichTextBlock":
		b.WriteString("<p>")
		for _, run := range objects(e["inlines"]) {
			b.WriteString(teamsRun(run))
		}
		b.WriteString("</p>")
	case "FactSet":
		b.WriteString(`<dl>`)
		for _, f := range objects(e["facts"]) {
			b.WriteString("<dt>" + markdown(textOf(f, "title")) + "</dt><dd>" + markdown(textOf(f, "value")) + "</dd>")
		}
		b.WriteString("</dl>")
	case "Action.OpenUrl":
		b.WriteString(button(html.EscapeString(textOf(e, "title")), e["url"]))
	default:
		teamsGroup(b, e)
	}
}

func teamsGroup(b *strings.Builder, e map[string]any) {
	style := map[any]string{"attention": "c-down", "good": "c-up", "warning": "c-pending", "accent": "c-exposed"}[e["style"]]
	if style != "" {
		b.WriteString(`<div class="tint ` + style + `">`)
		defer b.WriteString("</div>")
	}
	for _, key := range []string{"content", "body", "items", "columns", "actions"} {
		teamsHTML(b, e[key])
	}
}

func teamsHead(e map[string]any) string {
	if e["weight"] == "Bolder" {
		return ` class="head"`
	}
	return ""
}

func teamsRun(run map[string]any) string {
	text := lines(html.EscapeString(textOf(run, "text")))
	switch {
	case run["weight"] == "Bolder":
		return "<b>" + text + "</b>"
	case run["fontType"] == "Monospace":
		return "<code>" + text + "</code>"
	}
	return text
}

func textOf(o map[string]any, key string) string {
	text, _ := o[key].(string)
	return text
}
