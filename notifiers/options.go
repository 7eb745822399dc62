package notifiers

import (
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// Options is one entry under `notifiers`. The fields of one type are refused
// for another.
type Options struct {
	Type    string        `koanf:"type"`    // telegram, slack, discord, teams, webhook
	Events  []string      `koanf:"events"`  // down, up, reminder, certificate; empty is all
	Timeout time.Duration `koanf:"timeout"` // of one attempt

	// telegram
	BotToken        secret.Text `koanf:"bot_token"`
	ChatID          string      `koanf:"chat_id"`
	APIURL          string      `koanf:"api_url"`
	MessageThreadID int64       `koanf:"message_thread_id"`
	Silent          bool        `koanf:"silent"`
	ProtectContent  bool        `koanf:"protect_content"`

	// slack, discord, teams
	WebhookURL secret.Text `koanf:"webhook_url"`
	Username   string      `koanf:"username"`   // slack, discord
	Channel    string      `koanf:"channel"`    // slack
	IconEmoji  string      `koanf:"icon_emoji"` // slack
	ThreadID   string      `koanf:"thread_id"`  // discord
	Mention    string      `koanf:"mention"`    // slack, discord

	// webhook
	URL     secret.Text            `koanf:"url"`
	Method  string                 `koanf:"method"`
	Headers map[string]secret.Text `koanf:"headers"`
	Body    string                 `koanf:"body"` // Go template
	Secret  secret.Text            `koanf:"secret"`
}

// DefaultOptions returns what holds where the configuration is silent.
func DefaultOptions() Options {
	return Options{Timeout: 10 * time.Second}
}

// Wants says whether a channel is to be told of such events. An open gate is
// always told; that an incident closed is told to those who hear of recoveries.
func (o Options) Wants(k check.Kind) bool {
	switch {
	case k == check.KindExposed || len(o.Events) == 0:
		return true
	case k == check.KindClosed:
		k = check.KindUp
	}
	return slices.Contains(o.Events, string(k))
}
