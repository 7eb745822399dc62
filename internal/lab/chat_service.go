package lab

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// chatReply is what a service answers.
type chatReply struct {
	status      int
	contentType string
	body        string
	header      http.Header
}

func chatText(status int, text string) chatReply {
	return chatReply{status: status, contentType: "text/plain; charset=utf-8", body: text}
}

func chatJSON(status int, v any) chatReply {
	b, err := json.Marshal(v)
	if err != nil {
		return chatText(http.StatusInternalServerError, err.Error())
	}
	return chatReply{status: status, contentType: "application/json", body: string(b)}
}

// chatService is one service: how it takes a message and how it refuses one.
type chatService struct {
	take    func(*Message) chatReply
	refuse  chatReply
	limited func(time.Duration) chatReply
}

func (c *Chat) service(m *Message) (chatService, bool) {
	switch p := m.Path; {
	case strings.HasPrefix(p, "/bot"):
		m.Channel = "telegram"
		return c.telegramService(), true
	case strings.HasPrefix(p, "/services/"):
		m.Channel = "slack"
		return c.slackService(), true
	case strings.HasPrefix(p, "/api/webhooks/"):
		m.Channel = "discord"
		return c.discordService(), true
	case strings.HasPrefix(p, "/workflows/"), strings.HasPrefix(p, "/powerautomate/"), strings.HasPrefix(p, "/webhookb2/"):
		m.Channel = "teams"
		return c.teamsService(strings.HasPrefix(p, "/webhookb2/")), true
	case strings.HasPrefix(p, "/hook/"):
		m.Channel = "webhook"
		return c.hookService(), true
	}
	return chatService{}, false
}
