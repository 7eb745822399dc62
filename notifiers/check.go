package notifiers

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// problems gathers what is wrong.
type problems []check.Problem

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, check.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Check returns what is wrong with one entry under `notifiers`. It sends
// nothing. A secret that cannot be read is left to whoever checks secrets.
func Check(o Options) []check.Problem {
	var p problems
	if !slices.Contains(types(), o.Type) {
		if o.Type == "" {
			p.add("type", "is required: %s", strings.Join(types(), ", "))
		} else {
			p.add("type", "unknown type %q; there are %s", o.Type, strings.Join(types(), ", "))
		}
		return p
	}
	if o.Timeout < 0 {
		p.add("timeout", "must not be negative")
	}
	p.events(o.Events)
	p.fields(o)
	switch o.Type {
	case typeTelegram:
		p.telegram(o)
	case typeSlack:
		p.secretURL("webhook_url", o.WebhookURL)
		p.mention(o.Mention, `^<(!channel|!here|!everyone|@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)>$`, "<!channel>, <!here>, <@U…> or <!subteam^S…>")
	case typeDiscord:
		p.discord(o)
	case typeTeams:
		p.secretURL("webhook_url", o.WebhookURL)
	case typeWebhook:
		p.webhook(o)
	}
	return p
}

func (p *problems) events(events []string) {
	for i, e := range events {
		path := fmt.Sprintf("events[%d]", i)
		switch {
		case slices.Contains(kinds(), e):
			if slices.Contains(events[:i], e) {
				p.add(path, "%q stands here twice", e)
			}
		case e == string(check.KindExposed):
			p.add(path, "exposed is always sent and cannot be chosen")
		default:
			p.add(path, "unknown event %q; there are %s", e, strings.Join(kinds(), ", "))
		}
	}
}

func (p *problems) fields(o Options) {
	for _, f := range fieldsOf(o) {
		ours := slices.Contains(f.types, o.Type)
		switch {
		case f.given && !ours:
			p.add(f.path, "belongs to type %s, not to %s", strings.Join(f.types, ", "), o.Type)
		case !f.given && ours && f.required:
			p.add(f.path, "is required for type %s", o.Type)
		}
	}
}

func (p *problems) telegram(o Options) {
	if o.APIURL != "" && !isHTTP(o.APIURL) {
		p.add("api_url", "must be an absolute http or https URL")
	}
	if o.ChatID != "" && !regexp.MustCompile(chatPattern).MatchString(o.ChatID) {
		p.add("chat_id", "%q is neither a number such as -1001234567890 nor a name such as @channel", o.ChatID)
	}
	if o.MessageThreadID < 0 {
		p.add("message_thread_id", "must not be negative")
	}
	if t, err := o.BotToken.Reveal(); err == nil && !o.BotToken.IsZero() && !regexp.MustCompile(`^\S+:\S+$`).MatchString(strings.TrimSpace(t)) {
		p.add("bot_token", "must have the form 123456:ABC… that BotFather gives")
	}
}

func (p *problems) discord(o Options) {
	p.secretURL("webhook_url", o.WebhookURL)
	p.mention(o.Mention, `^(@everyone|@here|<@[!&]?[0-9]{1,20}>)$`, "@everyone, @here, <@id> or <@&id>")
	if o.ThreadID != "" && !regexp.MustCompile(threadPattern).MatchString(o.ThreadID) {
		p.add("thread_id", "%q is not a number", o.ThreadID)
	}
	name := strings.ToLower(o.Username)
	if utf8.RuneCountInString(name) > 80 || strings.Contains(name, "discord") || strings.Contains(name, "clyde") {
		p.add("username", "Discord takes at most 80 characters, without %q or %q", "discord", "clyde")
	}
}

func (p *problems) webhook(o Options) {
	p.secretURL("url", o.URL)
	if m := o.Method; m != "" && !slices.Contains(methods(), m) {
		p.add("method", "%q is not POST, PUT, PATCH or GET", m)
	}
	for _, name := range sortedNames(o.Headers) {
		if !httpguts.ValidHeaderFieldName(name) {
			p.add("headers."+name, "%q is not a header name", name)
		} else if v, err := o.Headers[name].Reveal(); err == nil && !httpguts.ValidHeaderFieldValue(strings.TrimSpace(v)) {
			p.add("headers."+name, "the value holds characters that a header must not")
		}
	}
	if o.Body != "" {
		if _, err := parseBody(o.Body); err != nil {
			p.add("body", "%s", oneLine(err.Error(), 400))
		}
	}
}

func sortedNames(m map[string]secret.Text) []string {
	var ns []string
	for n := range m {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns
}

// secretURL checks a URL without repeating it.
func (p *problems) secretURL(path string, t secret.Text) {
	raw, err := t.Reveal()
	if err != nil || t.IsZero() {
		return
	}
	if !isHTTP(strings.TrimSpace(raw)) {
		p.add(path, "must be an absolute http or https URL")
	}
}

func isHTTP(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func (p *problems) mention(m, pattern, forms string) {
	re := regexp.MustCompile(pattern)
	for word := range strings.FieldsSeq(m) {
		if !re.MatchString(word) {
			p.add("mention", "%q is not %s", word, forms)
		}
	}
}
