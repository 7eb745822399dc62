package kuma

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// custom becomes a webhook; its placeholders become a template.
func (r *gatusReader) custom(e *Entry, name string, get func(string) value) string {
	if why := r.webhookURL(e, "webhook", "url", name, get("url").text()); why != "" {
		return why
	}
	switch method := strings.ToUpper(get("method").text()); method {
	case "", "GET":
		e.Fields.Set("method", "GET")
	case "POST":
	case "PUT", "PATCH":
		e.Fields.Set("method", method)
	default:
		return "Its method has no counterpart"
	}
	if gatusHoles().MatchString(get("url").text()) {
		return "Its URL holds placeholders, and a webhook here has them in its body alone"
	}
	r.customHeaders(e, name, get("headers"))
	if body := get("body").text(); body != "" {
		r.customBody(e, name, body, gatusState(get("placeholders")))
	}
	return ""
}

// gatusHoles finds the placeholders of an alert.
func gatusHoles() *regexp.Regexp {
	return regexp.MustCompile(`\[(ALERT_[A-Z_]+|ENDPOINT_[A-Z_]+|RESULT_[A-Z_]+)\]`)
}

func (r *gatusReader) customHeaders(e *Entry, name string, headers value) {
	for _, h := range headers.members() {
		text := h.value.text()
		if why := unfit(http.CanonicalHeaderKey(h.key), text); why != "" {
			r.doc.look("the header %q of the notifier %s was left out: %s", h.key, name, why)
			continue
		}
		if gatusHoles().MatchString(text) {
			r.doc.look("the header %s of the notifier %s holds placeholders, which are sent as they stand: a webhook here has them in its body alone", h.key, name)
		}
		e.Fields.Set("headers", append(listed(e.Fields.Get("headers")), Field{Key: h.key, Value: r.header("gatus "+name, h.key, text)}))
	}
}

// customBody makes a template of a body, without the secrets in it.
func (r *gatusReader) customBody(e *Entry, name, body, state string) {
	made, whole := gatusTemplate(body, state)
	if !whole || gatusHoles().MatchString(made) {
		e.Comment("its body was not translated, and Watchword sends its own JSON: see body in docs/notifiers.md")
		r.doc.look("the notifier %s sends Watchword's JSON where Gatus sent a body of its own: see that the receiver takes it", name)
		return
	}
	e.Fields.Set("body", r.body("gatus "+name, made))
}

// gatusTemplate writes a body with Gatus' placeholders as a template of ours: a
// string of JSON becomes a value that is escaped, which it is not in Gatus. False
// where the body would be another template.
func gatusTemplate(body, state string) (string, bool) {
	if strings.Contains(body, "{{") {
		return "", false
	}
	fields := map[string]string{
		"[ALERT_TRIGGERED_OR_RESOLVED]": state, "[ALERT_DESCRIPTION]": ".Message", "[RESULT_ERRORS]": ".Message",
		"[ENDPOINT_NAME]": ".Title", "[ENDPOINT_GROUP]": `""`, "[ENDPOINT_URL]": ".Link",
	}
	holes := regexp.MustCompile(`\[(ALERT_TRIGGERED_OR_RESOLVED|ALERT_DESCRIPTION|RESULT_ERRORS|ENDPOINT_NAME|ENDPOINT_GROUP|ENDPOINT_URL)\]`)
	if !strings.HasPrefix(strings.TrimSpace(body), "{") {
		return holes.ReplaceAllStringFunc(body, func(h string) string { return "{{" + fields[h] + "}}" }), true
	}
	text := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	return text.ReplaceAllStringFunc(body, func(s string) string {
		var plain string
		if !holes.MatchString(s) || json.Unmarshal([]byte(s), &plain) != nil {
			return s
		}
		if f := fields[plain]; f != "" { // it is nothing but a placeholder
			return "{{json " + f + "}}"
		}
		args := ""
		format := holes.ReplaceAllStringFunc(strings.ReplaceAll(plain, "%", "%%"), func(h string) string {
			args += " " + fields[h]
			return "%s"
		})
		return "{{json (printf " + strconv.Quote(format) + args + ")}}"
	}), true
}

// gatusState is what stands for the state in a template: the words that Gatus
// sends, which receivers were made for.
func gatusState(words value) string {
	word := func(key string) string {
		return strconv.Quote(cmp.Or(unmarked(words.get("ALERT_TRIGGERED_OR_RESOLVED", key).text()), key))
	}
	return `(or (and (eq .Event "up" "closed") ` + word("RESOLVED") + `) ` + word("TRIGGERED") + `)`
}
