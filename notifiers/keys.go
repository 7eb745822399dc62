package notifiers

import (
	"net/http"

	"github.com/watchword/watchword/internal/check"
)

// The types of notifiers.
const (
	typeTelegram = "telegram"
	typeSlack    = "slack"
	typeDiscord  = "discord"
	typeTeams    = "teams"
	typeWebhook  = "webhook"
)

const (
	chatPattern   = `^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,32})$`
	threadPattern = `^[0-9]{1,20}$`
)

func types() []string {
	return []string{typeTelegram, typeSlack, typeDiscord, typeTeams, typeWebhook}
}

// kinds are the events that can be chosen.
func kinds() []string {
	return []string{string(check.KindDown), string(check.KindUp), string(check.KindReminder), string(check.KindCertificate)}
}

func methods() []string {
	return []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet}
}

// Keys says what the Go types of Options do not.
func Keys() []check.Key {
	keys := []check.Key{{Path: "type", Required: true, Enum: types()}, {Path: "events", Enum: kinds()}}
	enums := map[string][]string{"method": methods()}
	patterns := map[string]string{
		"chat_id": chatPattern, "thread_id": `^$|` + threadPattern, "api_url": `^$|` + check.WebURL, "webhook_url": check.WebURL, "url": check.WebURL,
	}
	for _, f := range fieldsOf(Options{}) {
		keys = append(keys, check.Key{Path: f.path, Types: f.types, Required: f.required, Enum: enums[f.path], Pattern: patterns[f.path]})
	}
	return keys
}

// field is one key of Options: where it stands, whether it was given, to which
// types it belongs, and whether these need it.
type field struct {
	path     string
	given    bool
	types    []string
	required bool
}

func fieldsOf(o Options) []field {
	tg, hook := []string{typeTelegram}, []string{typeWebhook}
	return []field{
		{"bot_token", !o.BotToken.IsZero(), tg, true},
		{"chat_id", o.ChatID != "", tg, true},
		{"api_url", o.APIURL != "", tg, false},
		{"message_thread_id", o.MessageThreadID != 0, tg, false},
		{"silent", o.Silent, tg, false},
		{"protect_content", o.ProtectContent, tg, false},
		{"webhook_url", !o.WebhookURL.IsZero(), []string{typeSlack, typeDiscord, typeTeams}, true},
		{"username", o.Username != "", []string{typeSlack, typeDiscord}, false},
		{"channel", o.Channel != "", []string{typeSlack}, false},
		{"icon_emoji", o.IconEmoji != "", []string{typeSlack}, false},
		{"thread_id", o.ThreadID != "", []string{typeDiscord}, false},
		{"mention", o.Mention != "", []string{typeSlack, typeDiscord}, false},
		{"url", !o.URL.IsZero(), hook, true},
		{"method", o.Method != "", hook, false},
		{"headers", len(o.Headers) > 0, hook, false},
		{"body", o.Body != "", hook, false},
		{"secret", !o.Secret.IsZero(), hook, false},
	}
}
