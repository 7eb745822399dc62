package kuma

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// channel is a notification of Uptime Kuma.
type channel struct {
	name string
	kind string
	why  string // it stays; "" for one that came over
}

// readNotifications takes over the notifications whose channel there is here.
func (r *kumaReader) readNotifications() {
	names := namer{}
	for _, n := range r.source.tables["notification"] {
		config, ok := n.object("config")
		o := options(config)
		c := &channel{kind: o["type"]}
		base := clean(n.text("name"))
		if base == "" {
			base = clean(o["name"])
		}
		if base == "" {
			base = "notification " + n.key("id")
		}
		c.name = base
		r.channels[n.key("id")] = c
		e := &Entry{}
		if !ok || o["type"] == "" {
			c.why = "its settings cannot be read"
		} else {
			e.Fields.Set("type", c.kind)
			c.why = r.channelOf(e, c, o)
		}
		if c.why != "" {
			r.doc.Stays = append(r.doc.Stays, Stay{"notification", c.name, c.kind, c.why})
			continue
		}
		e.Name = names.take(base, func(n int) string { return fmt.Sprintf("%s-%d", base, n) })
		c.name = e.Name
		if n.flag("is_default", false) {
			e.Comment("new monitors tell it in Uptime Kuma (default)")
		}
		r.doc.Notifiers = append(r.doc.Notifiers, e)
	}
}

// options are the settings of a notification by name.
func options(pairs []pair) map[string]string {
	all := map[string]string{}
	for _, p := range pairs {
		all[p.name] = p.value
	}
	return all
}

func on(value string) bool { return value == "true" || value == "1" }

// channelOf fills in a notifier, or says why it stays.
func (r *kumaReader) channelOf(e *Entry, c *channel, o map[string]string) string {
	switch c.kind {
	case "telegram":
		return r.telegram(e, c, o)
	case "slack":
		return r.slack(e, c, o)
	case "discord":
		return r.discord(e, c, o)
	case "teams":
		return r.webhookURL(e, c, "webhook_url", o["webhookUrl"])
	case "webhook":
		return r.webhook(e, c, o)
	}
	return fmt.Sprintf("There is no channel %s here yet", clean(c.kind))
}

// webhookURL sets a URL that is a secret.
func (r *kumaReader) webhookURL(e *Entry, c *channel, key, raw string) string {
	raw = strings.TrimSpace(raw)
	if !isWeb(raw) {
		return "its webhook URL is none"
	}
	e.Fields.Set(key, r.hide.vault.Secret(c.name, "webhook url", raw))
	return ""
}

func isWeb(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func (r *kumaReader) telegram(e *Entry, c *channel, o map[string]string) string {
	token, chat := strings.TrimSpace(o["telegramBotToken"]), strings.TrimSpace(o["telegramChatID"])
	if !regexp.MustCompile(`^\S+:\S+$`).MatchString(token) {
		return "its bot token is none"
	}
	if !regexp.MustCompile(`^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,32})$`).MatchString(chat) {
		return "its chat is neither a number nor the name of a channel"
	}
	e.Fields.Set("bot_token", r.hide.vault.Secret(c.name, "bot token", token))
	e.Fields.Set("chat_id", chat)
	if n, err := strconv.ParseInt(o["telegramMessageThreadID"], 10, 64); err == nil && n > 0 {
		e.Fields.Set("message_thread_id", n)
	}
	if api := strings.TrimRight(strings.TrimSpace(o["telegramServerUrl"]), "/"); api != "" && api != "https://api.telegram.org" {
		if !isWeb(api) {
			return "the URL of its server is none"
		}
		e.Fields.Set("api_url", r.hide.url(c.name, api))
	}
	if on(o["telegramSendSilently"]) {
		e.Fields.Set("silent", true)
	}
	if on(o["telegramProtectContent"]) {
		e.Fields.Set("protect_content", true)
	}
	r.template(e, c, on(o["telegramUseTemplate"]))
	return ""
}

// template tells that a text in Liquid was not translated.
func (r *kumaReader) template(e *Entry, c *channel, used bool) {
	if used {
		e.Comment("its template (Liquid) was not translated: messages have the form of Watchword")
		r.doc.look("the notifier %s had a template in Liquid, which was not translated", c.name)
	}
}

func (r *kumaReader) slack(e *Entry, c *channel, o map[string]string) string {
	if why := r.webhookURL(e, c, "webhook_url", o["slackwebhookURL"]); why != "" {
		return why
	}
	for _, x := range [][2]string{{"username", "slackusername"}, {"icon_emoji", "slackiconemo"}, {"channel", "slackchannel"}} {
		if v := strings.TrimSpace(o[x[1]]); v != "" {
			e.Fields.Set(x[0], v)
		}
	}
	if on(o["slackchannelnotify"]) {
		e.Fields.Set("mention", "<!channel>")
	}
	r.template(e, c, on(o["slackUseTemplate"]))
	return ""
}

func (r *kumaReader) discord(e *Entry, c *channel, o map[string]string) string {
	if why := r.webhookURL(e, c, "webhook_url", o["discordWebhookUrl"]); why != "" {
		return why
	}
	if name := strings.TrimSpace(o["discordUsername"]); name != "" {
		lower := strings.ToLower(name)
		if len([]rune(name)) > 80 || strings.Contains(lower, "discord") || strings.Contains(lower, "clyde") {
			e.Comment("its name was left out, which Discord refuses: " + name)
		} else {
			e.Fields.Set("username", name)
		}
	}
	r.thread(e, c, o)
	r.mentions(e, c, o["discordPrefixMessage"])
	r.template(e, c, o["discordMessageFormat"] == "custom" || on(o["discordUseMessageTemplate"]))
	if on(o["discordSuppressNotifications"]) {
		e.Comment("its messages made no sound, for which there is no key here")
	}
	return ""
}

func (r *kumaReader) thread(e *Entry, c *channel, o map[string]string) {
	id := strings.TrimSpace(o["threadId"])
	switch {
	case o["discordChannelType"] == "postToThread" && regexp.MustCompile(`^[0-9]{1,20}$`).MatchString(id):
		e.Fields.Set("thread_id", id)
	case o["discordChannelType"] == "createNewForumPost":
		e.Comment("it made a forum post of each message, which Watchword does not: name a thread_id")
		r.doc.look("the notifier %s made forum posts, which Watchword does not: name a thread_id", c.name)
	}
}

// mentions takes over whom the text before each message pinged.
func (r *kumaReader) mentions(e *Entry, c *channel, prefix string) {
	if strings.TrimSpace(prefix) == "" {
		return
	}
	pings := regexp.MustCompile(`@everyone|@here|<@[!&]?[0-9]{1,20}>`)
	if found := pings.FindAllString(prefix, -1); len(found) > 0 {
		slices.Sort(found)
		e.Fields.Set("mention", strings.Join(slices.Compact(found), " "))
	}
	if rest := strings.TrimSpace(pings.ReplaceAllString(prefix, "")); rest != "" {
		e.Comment("its messages began with: " + rest)
	}
}

func (r *kumaReader) webhook(e *Entry, c *channel, o map[string]string) string {
	if why := r.webhookURL(e, c, "url", o["webhookURL"]); why != "" {
		return why
	}
	switch method := strings.ToUpper(strings.TrimSpace(o["httpMethod"])); method {
	case "", "POST":
	case "PUT", "PATCH", "GET":
		e.Fields.Set("method", method)
	default:
		return "its method " + clean(method) + " has no counterpart"
	}
	r.hookHeaders(e, c, o["webhookAdditionalHeaders"])
	what := "JSON with heartbeat, monitor and msg"
	switch {
	case o["webhookContentType"] == "form-data":
		what = "a form"
	case o["webhookContentType"] == "custom" || o["webhookCustomBody"] != "":
		what = "a body of your own (Liquid)"
	}
	e.Comment("Uptime Kuma sent " + what + "; Watchword sends its own JSON unless body is a template (docs/notifiers.md)")
	r.doc.look("the notifier %s sends Watchword's JSON where Uptime Kuma sent %s: see that the receiver takes it, or give it a body", c.name, what)
	return ""
}

func (r *kumaReader) hookHeaders(e *Entry, c *channel, raw string) {
	if strings.TrimSpace(raw) == "" {
		return
	}
	pairs, ok := parsePairs(raw)
	if !ok {
		r.doc.look("the notifier %s had headers that are no JSON object: they were left out", c.name)
	}
	for _, p := range pairs {
		name := strings.TrimSpace(p.name)
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(strings.TrimSpace(p.value)) {
			r.doc.look("the notifier %s had a header that cannot be sent: %q was left out", c.name, name)
			continue
		}
		headers, _ := e.Fields.Get("headers").(Fields)
		headers = append(headers, Field{Key: name, Value: r.hide.header(c.name, name, p.value)})
		e.Fields.Set("headers", headers)
	}
}

// notify names whom a monitor tells, and whom it told that stay.
func (r *kumaReader) notify(e *Entry, m row) {
	var here, there []string
	for _, id := range r.told[m.key("id")] {
		c := r.channels[id]
		switch {
		case c == nil:
		case c.why != "":
			there = append(there, fmt.Sprintf("%s (%s)", c.name, c.kind))
		default:
			here = append(here, c.name)
		}
	}
	slices.Sort(here)
	if len(r.doc.Notifiers) > 0 {
		e.Fields.Set("notify", append([]string{}, here...))
	}
	if len(there) == 0 {
		return
	}
	e.Comment("it told " + strings.Join(there, ", ") + ", which stays in Uptime Kuma")
	if len(here) == 0 {
		r.doc.look("%s told only %s, which stays in Uptime Kuma: it tells nobody now", e.Name, strings.Join(there, ", "))
	}
}
