package lab

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// chatUndelivered starts the text with which old connectors answer 200 although
// Teams behind them refused.
const chatUndelivered = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error "

const teamsLimit = 28 << 10 // bytes, two for each UTF-16 unit

func (c *Chat) teamsService(connector bool) chatService {
	s := chatService{
		take: func(m *Message) chatReply { return c.takeTeams(m, connector) },
		refuse: chatJSON(http.StatusUnauthorized, map[string]any{"error": map[string]any{
			"code": "SecurityTokenInvalid", "message": "The authentication credentials are not valid.",
		}}),
		limited: func(after time.Duration) chatReply {
			r := chatJSON(http.StatusTooManyRequests, map[string]any{"error": map[string]any{
				"code": "WorkflowTriggerRateLimited", "message": "The trigger was called too often.",
			}})
			r.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(after.Seconds())))}}
			return r
		},
	}
	if connector {
		s.refuse = chatText(http.StatusNotFound, "Invalid webhook URL")
		s.limited = func(time.Duration) chatReply {
			return chatText(http.StatusOK, chatUndelivered+"429 with ContextId tcid=0,server=X,cv=Y..")
		}
	}
	return s
}

func (c *Chat) takeTeams(m *Message, connector bool) chatReply {
	if sig := c.o.TeamsSig; sig != "" && !connector && !slices.Contains(m.Query["sig"], sig) {
		return c.teamsService(false).refuse
	}
	k := teamsCheck{m: m}
	k.message()
	switch {
	case len(utf16.Encode([]rune(string(m.Body))))*2 > teamsLimit:
		k.wrong("%d characters, at most %d", len(utf16.Encode([]rune(string(m.Body)))), teamsLimit/2)
		if connector {
			return chatText(http.StatusOK, chatUndelivered+"413 with ContextId tcid=0,server=X,cv=Y..")
		}
		return chatJSON(http.StatusRequestEntityTooLarge, map[string]any{"error": map[string]any{"code": "RequestEntityTooLarge", "message": "The message is too large."}})
	case len(m.Problems) > 0 && connector:
		return chatText(http.StatusBadRequest, "Summary or Text is required.")
	case len(m.Problems) > 0:
		return chatJSON(http.StatusBadRequest, map[string]any{"error": map[string]any{"code": "TriggerInputSchemaMismatch", "message": m.Problems[0]}})
	case connector:
		return chatText(http.StatusOK, "1")
	}
	return chatReply{status: http.StatusAccepted}
}

// teamsCheck holds a payload to the schema of Adaptive Cards as Teams takes it.
type teamsCheck struct{ m *Message }

func (k *teamsCheck) wrong(format string, args ...any) {
	k.m.Problems = append(k.m.Problems, fmt.Sprintf(format, args...))
}

func (k *teamsCheck) message() {
	p := k.m.Payload
	if p["type"] != "message" {
		k.wrong("type %v, not message", p["type"])
	}
	as, _ := p["attachments"].([]any)
	if len(as) != 1 {
		k.wrong("%d attachments, not one", len(as))
		return
	}
	a, _ := as[0].(map[string]any)
	if a["contentType"] != "application/vnd.microsoft.card.adaptive" {
		k.wrong("contentType %v", a["contentType"])
	}
	card, _ := a["content"].(map[string]any)
	version, err := strconv.ParseFloat(fmt.Sprint(card["version"]), 64)
	if card["type"] != "AdaptiveCard" || err != nil || version > 1.5 {
		k.wrong("card of type %v, version %v", card["type"], card["version"])
	}
	body, _ := card["body"].([]any)
	if len(body) == 0 {
		k.wrong("the card is empty")
	}
	k.elements(body)
	k.actions(card["actions"])
}

func (k *teamsCheck) elements(es []any) {
	for _, e := range es {
		e, _ := e.(map[string]any)
		k.style(e)
		switch e["type"] {
		case "TextBlock":
			if s, _ := e["text"].(string); s == "" {
				k.wrong("a TextBlock is empty")
			}
		case "RichTextBlock":
			k.runs(e["inlines"])
		case "FactSet":
			k.facts(e["facts"])
		case "Container", "Column":
			items, _ := e["items"].([]any)
			k.elements(items)
		case "ColumnSet":
			columns, _ := e["columns"].([]any)
			k.elements(columns)
		case "ActionSet":
			k.actions(e["actions"])
		default:
			k.wrong("unknown element %v", e["type"])
		}
	}
}

func (k *teamsCheck) runs(v any) {
	rs, _ := v.([]any)
	for _, r := range rs {
		if r, _ := r.(map[string]any); r["type"] != "TextRun" || r["text"] == "" {
			k.wrong("a TextRun is empty or of another type")
		}
	}
}

func (k *teamsCheck) style(e map[string]any) {
	if s, ok := e["style"].(string); ok && !slices.Contains([]string{"default", "emphasis", "good", "attention", "warning", "accent", "heading"}, s) {
		k.wrong("style %q", s)
	}
}

func (k *teamsCheck) facts(v any) {
	fs, _ := v.([]any)
	for _, f := range fs {
		f, _ := f.(map[string]any)
		title, _ := f["title"].(string)
		value, _ := f["value"].(string)
		if strings.TrimSpace(title) == "" || strings.TrimSpace(value) == "" {
			k.wrong("a fact is empty")
		}
	}
}

func (k *teamsCheck) actions(v any) {
	as, _ := v.([]any)
	if len(as) > 6 {
		k.wrong("%d actions, at most 6", len(as))
	}
	for _, a := range as {
		a, _ := a.(map[string]any)
		link, _ := a["url"].(string)
		if u, err := url.Parse(link); a["type"] != "Action.OpenUrl" || err != nil || u.Host == "" {
			k.wrong("action %v to %q", a["type"], link)
		}
	}
}
