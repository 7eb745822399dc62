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
	// The service that messages go to.
	Type string `koanf:"type"`
	// The events that are sent; one or a list. up stands for "no longer monitored"
	// too. An exposed resource is always sent. Default: all.
	Events []string `koanf:"events"`
	// How long one attempt may take.
	Timeout time.Duration `koanf:"timeout"`

	// The token that BotFather gave, of the form 123456:ABC….
	BotToken secret.Text `koanf:"bot_token"`
	// The chat: a number such as -1001234567890, or the name of a channel such as
	// @channel.
	ChatID string `koanf:"chat_id"`
	// A Bot API server of your own. Default: https://api.telegram.org.
	APIURL string `koanf:"api_url"`
	// The topic of a forum to write into. Default: none.
	MessageThreadID int64 `koanf:"message_thread_id"`
	// Whether messages make no sound.
	Silent bool `koanf:"silent"`
	// Whether messages cannot be forwarded or saved.
	ProtectContent bool `koanf:"protect_content"`

	// The URL of the incoming webhook, which is a secret. For Teams, that of the
	// Workflow or of the old connector.
	WebhookURL secret.Text `koanf:"webhook_url"`
	// The name that messages come from. Slack: with old webhooks only. Discord: at
	// most 80 characters, without "discord" or "clyde". Default: the webhook's.
	Username string `koanf:"username"`
	// The channel to write to, with old webhooks only. Default: the webhook's.
	Channel string `koanf:"channel"`
	// The picture beside messages, such as :owl:, with old webhooks only. Default:
	// the webhook's.
	IconEmoji string `koanf:"icon_emoji"`
	// The thread to write into. Default: none.
	ThreadID string `koanf:"thread_id"`
	// Whom a message pings, with blanks between several. Slack: <!channel>, <!here>,
	// <@U…>, <!subteam^S…>. Discord: @everyone, @here, <@id>, <@&id>. Default: nobody.
	Mention string `koanf:"mention"`

	// Where to send the message.
	URL secret.Text `koanf:"url"`
	// The method of the request. Default: POST.
	Method string `koanf:"method"`
	// Headers of the request, such as Authorization: Bearer ${HOOK_TOKEN}. Default:
	// none.
	Headers map[string]secret.Text `koanf:"headers"`
	// A Go template for the body of the request. Default: the JSON that is shown in
	// docs/notifiers.md.
	Body string `koanf:"body"`
	// The key that signs the body (HMAC-SHA256), in the header X-Watchword-Signature.
	// Default: none, and nothing is signed.
	Secret secret.Text `koanf:"secret"`
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
