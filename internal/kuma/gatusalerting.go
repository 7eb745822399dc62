package kuma

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// gatusChannel is one way of telling people: a provider with what a group or an
// alert changes of it, with or without recoveries.
type gatusChannel struct {
	entry *Entry
	why   string // it stays
}

// gatusAlert is one alert of an endpoint over the default of its provider.
type gatusAlert struct {
	kind              string
	failures, passes  int
	remind            time.Duration
	resolved, enabled bool
	override          value
}

// alerts takes over whom the endpoint tells, and after how many failures.
func (r *gatusReader) alerts(e *Entry, v value, group string) {
	var all []gatusAlert
	for _, a := range v.get("alerts").list() {
		if x := r.alert(e, a); x.enabled {
			all = append(all, x)
		}
	}
	notify, there := []string{}, []string{}
	var here []gatusAlert
	for _, a := range all {
		c := r.channel(a, group)
		if c.why != "" {
			there = append(there, a.kind)
			continue
		}
		here = append(here, a)
		if !slices.Contains(notify, c.entry.Name) {
			notify = append(notify, c.entry.Name)
		}
	}
	e.Fields.Set("notify", notify)
	if len(here) == 0 { // whom to tell is to be found yet, when is known
		here = all
	}
	r.thresholds(e, v, here)
	if len(there) > 0 {
		e.Comment("it told " + strings.Join(slices.Compact(there), ", ") + ", which stays in Gatus")
		if len(notify) == 0 {
			r.doc.look("%s told only %s, which stays in Gatus: it tells nobody now", e.Name, strings.Join(slices.Compact(there), ", "))
		}
	}
}

// alert reads an alert over the default of its provider. A text alone is its
// type.
func (r *gatusReader) alert(e *Entry, a value) gatusAlert {
	kind := a.get("type").text()
	standard := r.root.get("alerting", kind, "default-alert")
	pick := func(key string) value {
		if x := a.get(key); x.given() {
			return x
		}
		return standard.get(key)
	}
	x := gatusAlert{
		kind: kind, failures: pick("failure-threshold").number(3), passes: pick("success-threshold").number(2),
		remind: pick("minimum-reminder-interval").duration(0), resolved: pick("send-on-resolved").flag(false),
		enabled: pick("enabled").flag(true), override: a.get("provider-override"),
	}
	x.failures, x.passes = positive(x.failures, 3), positive(x.passes, 2)
	for _, key := range []string{"failure-threshold", "success-threshold", "minimum-reminder-interval", "send-on-resolved", "enabled"} {
		if text := pick(key).text(); marked(text) {
			r.object(e, "%s of its alert is in %s, and was taken for Gatus' default", key, text)
		}
	}
	if d := pick("description").text(); d != "" && x.enabled {
		e.Comment("Gatus wrote with it: " + unmarked(d))
	}
	return x
}

func positive(n, otherwise int) int {
	if n < 1 {
		return otherwise
	}
	return n
}

// thresholds are one for a monitor here: the soonest of its alerts.
func (r *gatusReader) thresholds(e *Entry, v value, all []gatusAlert) {
	if !marked(v.get("interval").text()) {
		e.Fields.Set("retry_interval", max(v.get("interval").duration(gatusInterval), time.Second)) // Gatus has none of its own
	}
	if len(all) == 0 {
		e.Fields.Set("retries", 0)
		return
	}
	first := soonest(all)
	if slices.ContainsFunc(all, func(a gatusAlert) bool {
		return a.failures != first.failures || a.passes != first.passes || a.remind != first.remind
	}) {
		e.Comment("its alerts differed in thresholds or reminders: the soonest hold for all")
	}
	e.Fields.Set("retries", first.failures-1)
	e.Fields.Set("recoveries", first.passes)
	if first.remind >= time.Second {
		e.Fields.Set("remind_every", first.remind)
	}
}

// soonest takes the least of each threshold.
func soonest(all []gatusAlert) gatusAlert {
	first := all[0]
	for _, a := range all[1:] {
		first.failures, first.passes = min(first.failures, a.failures), min(first.passes, a.passes)
		if first.remind == 0 || a.remind > 0 && a.remind < first.remind {
			first.remind = a.remind
		}
	}
	return first
}

// channel returns the notifier of an alert, made at its first use.
func (r *gatusReader) channel(a gatusAlert, group string) *gatusChannel {
	provider := r.root.get("alerting", a.kind)
	over, name := a.override, a.kind
	if over.given() {
		name += " override"
	} else if over = groupOverride(provider, group); over.given() {
		name += " " + unmarked(group)
	}
	settings := func(key string) value {
		if x := over.get(key); x.given() {
			return x
		}
		return provider.get(key)
	}
	e := &Entry{}
	why := r.channelOf(e, a.kind, name, provider, settings)
	if why == "" && !a.resolved {
		e.Fields.Set("events", []string{"down", "reminder", "certificate"})
		e.Comment("without recoveries, as Gatus does unless send-on-resolved is set")
	}
	w := &writer{layout: newLayout("", nil)}
	w.fields(0, e.Fields)
	key := name + "\x00" + why + "\x00" + w.b.String()
	if c := r.channels[key]; c != nil {
		return c
	}
	c := &gatusChannel{e, why}
	r.channels[key] = c
	if why != "" {
		r.stay("alerting provider", name, "", why)
		return c
	}
	e.Name = r.channelName(slug(name), a.resolved)
	r.doc.Notifiers = append(r.doc.Notifiers, e)
	return c
}

// channelName gives a name that no other notifier has.
func (r *gatusReader) channelName(name string, resolved bool) string {
	if !resolved {
		name += "-down-only"
	}
	taken := namer{}
	for _, n := range r.doc.Notifiers {
		taken[n.Name] = true
	}
	return taken.take(name, func(n int) string { return fmt.Sprintf("%s-%d", name, n) })
}

func groupOverride(provider value, group string) value {
	for _, o := range provider.get("overrides").list() {
		if group != "" && o.get("group").text() == group {
			return o
		}
	}
	return value{}
}

// channelOf fills in a notifier, or says why it stays.
func (r *gatusReader) channelOf(e *Entry, kind, name string, provider value, get func(string) value) string {
	if !provider.given() {
		return "It is not configured under alerting"
	}
	if get("client").given() {
		e.Comment("its client settings did not come over: there are none for notifiers yet")
	}
	switch kind {
	case "telegram":
		return r.telegram(e, name, get)
	case "slack", "discord":
		return r.webhookURL(e, kind, "webhook_url", name, get("webhook-url").text())
	case "teams", "teams-workflows":
		return r.webhookURL(e, "teams", "webhook_url", name, get("webhook-url").text())
	case "custom":
		return r.custom(e, name, get)
	}
	return "There is no such channel here yet"
}

func (r *gatusReader) webhookURL(e *Entry, kind, key, name, raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || !marked(raw) && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return "Its webhook URL is none"
	}
	e.Fields.Set("type", kind)
	e.Fields.Set(key, r.secret("gatus "+name, "webhook url", raw))
	return ""
}

func (r *gatusReader) telegram(e *Entry, name string, get func(string) value) string {
	token, chat := get("token").text(), get("id").text()
	if !marked(token) && !regexp.MustCompile(`^\S+:\S+$`).MatchString(token) {
		return "Its token is none"
	}
	if !marked(chat) && !regexp.MustCompile(`^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,32})$`).MatchString(chat) {
		return "Its id is neither a number nor the name of a channel"
	}
	e.Fields.Set("type", "telegram")
	e.Fields.Set("bot_token", r.secret("gatus "+name, "bot token", token))
	e.Fields.Set("chat_id", r.raw(chat))
	if topic := get("topic-id"); topic.number(0) > 0 {
		e.Fields.Set("message_thread_id", topic.number(0))
	}
	if api := strings.TrimRight(get("api-url").text(), "/"); api != "" && api != "https://api.telegram.org" {
		e.Fields.Set("api_url", r.url(name, api))
	}
	return ""
}
