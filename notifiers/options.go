package notifiers

import (
	"time"

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
