package lab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

func (c *Chat) hookService() chatService {
	return chatService{
		take:   c.takeHook,
		refuse: chatJSON(http.StatusUnauthorized, map[string]any{"title": "Unauthorized", "detail": "who are you?"}),
		limited: func(after time.Duration) chatReply { // as a date, the other form of RFC 9110
			r := chatText(http.StatusTooManyRequests, "slow down")
			r.header = http.Header{"Retry-After": {time.Now().Add(after + time.Second).UTC().Format(http.TimeFormat)}}
			return r
		},
	}
}

func (c *Chat) takeHook(m *Message) chatReply {
	if c.o.HookSecret != "" {
		mac := hmac.New(sha256.New, []byte(c.o.HookSecret))
		mac.Write(m.Body)
		want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		if !hmac.Equal([]byte(want), []byte(m.Header.Get("X-Watchword-Signature"))) {
			return chatJSON(http.StatusForbidden, map[string]any{"title": "Forbidden", "detail": "the signature is wrong"})
		}
	}
	if m.Header.Get("Content-Type") == "application/json" && m.Payload == nil {
		m.Problems = append(m.Problems, "the body is not the JSON that Content-Type says")
		return chatText(http.StatusBadRequest, "not JSON")
	}
	return chatReply{status: http.StatusNoContent}
}
