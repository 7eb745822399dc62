package lab_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

func chatServer(t *testing.T, o lab.ChatOptions) (*lab.Chat, *httptest.Server) {
	t.Helper()
	c := lab.NewChat(o)
	s := httptest.NewServer(c)
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

func chatPost(t *testing.T, ctx context.Context, url, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

const (
	chatTelegram  = "/bot1:a/sendMessage"
	chatSlack     = "/services/T/B/X"
	chatDiscord   = "/api/webhooks/1/t"
	chatTeams     = "/workflows/w"
	chatConnector = "/webhookb2/c"
)

// TestChatAnswersAsTheServices gives each service good and bad messages.
func TestChatAnswersAsTheServices(t *testing.T) {
	card := func(element string) string {
		return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.4","body":[` + element + `]}}]}`
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, tc := range []struct {
		name, path, body string
		status           int
		want             string // in the answer
	}{
		{"telegram", chatTelegram, `{"chat_id":1,"text":"<b>a</b> &amp;","parse_mode":"HTML"}`, 200, `"ok":true`},
		{"telegram counts after entities", chatTelegram, `{"chat_id":1,"text":"<b>` + long(4096) + `</b>","parse_mode":"HTML"}`, 200, `"ok":true`},
		{"telegram too long", chatTelegram, `{"chat_id":1,"text":"` + long(4097) + `"}`, 400, "message is too long"},
		{"telegram counts UTF-16", chatTelegram, `{"chat_id":1,"text":"` + strings.Repeat("😀", 2049) + `"}`, 400, "message is too long"},
		{"telegram empty", chatTelegram, `{"chat_id":1,"text":" "}`, 400, "message text is empty"},
		{"telegram unclosed", chatTelegram, `{"chat_id":1,"text":"<b>a","parse_mode":"HTML"}`, 400, "can't find end tag"},
		{"telegram crossed", chatTelegram, `{"chat_id":1,"text":"<b><i>a</b></i>","parse_mode":"HTML"}`, 400, "unexpected end tag"},
		{"telegram tag", chatTelegram, `{"chat_id":1,"text":"<p>a</p>","parse_mode":"HTML"}`, 400, "unsupported start tag"},
		{"telegram entity", chatTelegram, `{"chat_id":1,"text":"&nbsp;","parse_mode":"HTML"}`, 400, "entity"},
		{"telegram unknown field", chatTelegram, `{"chat_id":1,"text":"a","txt":"b"}`, 400, "unknown field txt"},
		{"telegram unknown chat", chatTelegram, `{"chat_id":2,"text":"a"}`, 400, "chat not found"},
		{"telegram token", "/bot2:b/sendMessage", `{"chat_id":1,"text":"a"}`, 401, "Unauthorized"},
		{"slack", chatSlack, `{"text":"a &amp; b"}`, 200, "ok"},
		{"slack path", "/services/T/B/Y", `{"text":"a"}`, 403, "invalid_token"},
		{"slack team", "/services/T2/B/X", `{"text":"a"}`, 404, "no_service"},
		{"slack empty", chatSlack, `{}`, 400, "no_text"},
		{"slack not JSON", chatSlack, `x`, 400, "invalid_payload"},
		{"slack header", chatSlack, `{"blocks":[{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}]}`, 400, "invalid_blocks"},
		{"slack header of mrkdwn", chatSlack, `{"blocks":[{"type":"header","text":{"type":"mrkdwn","text":"a"}}]}`, 400, "invalid_blocks"},
		{"slack section", chatSlack, `{"attachments":[{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"` + long(3001) + `"}}]}]}`, 400, "invalid_blocks"},
		{"slack 51 blocks", chatSlack, `{"blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, 400, "invalid_blocks"},
		{"slack unescaped", chatSlack, `{"text":"a < b"}`, 400, "invalid_blocks"},
		{"discord", chatDiscord, `{"content":"a"}`, 204, ""},
		{"discord waiting", chatDiscord + "?wait=true", `{"embeds":[{"title":"a"}]}`, 200, `"id"`},
		{"discord token", "/api/webhooks/1/u", `{"content":"a"}`, 401, "50027"},
		{"discord hook", "/api/webhooks/2/t", `{"content":"a"}`, 404, "10015"},
		{"discord content", chatDiscord, `{"content":"` + long(2001) + `"}`, 400, "50035"},
		{"discord field", chatDiscord, `{"embeds":[{"fields":[{"name":"a","value":""}]}]}`, 400, "50035"},
		{"discord total", chatDiscord, `{"embeds":[{"description":"` + long(4000) + `"},{"description":"` + long(2001) + `"}]}`, 400, "at most 6000"},
		{"discord timestamp", chatDiscord, `{"embeds":[{"title":"a","timestamp":"2026-11-22 10:34:49.500"}]}`, 400, "timestamp"},
		{"discord name", chatDiscord, `{"content":"a","username":"Clyde"}`, 400, "reserved"},
		{"teams", chatTeams, card(`{"type":"TextBlock","text":"a"}`), 202, ""},
		{"teams connector", chatConnector, card(`{"type":"TextBlock","text":"a"}`), 200, "1"},
		{"teams element", chatTeams, card(`{"type":"Blink"}`), 400, "unknown element"},
		{"teams not a card", chatConnector, `{"text":"a"}`, 400, "Summary or Text is required."},
		{"teams too large", chatTeams, card(`{"type":"TextBlock","text":"` + long(14_400) + `"}`), 413, "RequestEntityTooLarge"},
		{"teams connector too large", chatConnector, card(`{"type":"TextBlock","text":"` + long(14_400) + `"}`), 200, "HTTP error 413"},
		{"webhook unsigned", "/hook/a", `{}`, 403, "signature"},
		{"elsewhere", "/nowhere", `{}`, 404, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := chatServer(t, lab.ChatOptions{TelegramToken: "1:a", TelegramChats: []string{"1"}, SlackPath: "T/B/X", DiscordHook: "1/t", HookSecret: "k"})
			status, _, body := chatPost(t, t.Context(), s.URL+tc.path, tc.body)
			if status != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("got %d %q, want %d with %q", status, body, tc.status, tc.want)
			}
			taken := 0
			for _, ch := range []string{"telegram", "slack", "discord", "teams", "webhook"} {
				taken += len(c.Received(ch))
			}
			if good := tc.status < 300 && !strings.Contains(tc.want, "error"); good != (taken == 1) {
				t.Errorf("%d messages were taken", taken)
			}
		})
	}
}

func TestChatMisbehaves(t *testing.T) {
	c, s := chatServer(t, lab.ChatOptions{})
	post := func(path string) (int, http.Header, string) {
		return chatPost(t, t.Context(), s.URL+path, `{"text":"a"}`)
	}

	c.Fail("slack", lab.ChatMode{Do: lab.ChatRateLimited, RetryAfter: 90 * time.Second, Times: 1})
	if status, h, _ := post(chatSlack); status != 429 || h.Get("Retry-After") != "90" {
		t.Errorf("got %d %v", status, h)
	}
	if status, _, _ := post(chatSlack); status != 200 {
		t.Errorf("after one time: got %d", status)
	}
	if ms := c.Received("slack"); len(ms) != 1 || !ms[0].Early || c.Requests("slack") != 2 {
		t.Errorf("got %+v of %d, want one that came too early", ms, c.Requests("slack"))
	}
	c.Fail("/hook/a", lab.ChatMode{Do: lab.ChatServerError})
	if status, _, _ := post("/hook/a"); status != 500 {
		t.Errorf("got %d", status)
	}
	if status, _, _ := post("/hook/b"); status != 204 {
		t.Errorf("another endpoint: got %d", status)
	}
	c.Fail("webhook", lab.ChatMode{Do: lab.ChatLoginRedirect})
	if status, h, _ := post("/hook/b"); status != 302 || !strings.Contains(h.Get("Location"), "?rd=") {
		t.Errorf("got %d %v", status, h)
	}
	c.Fail("discord", lab.ChatMode{Do: lab.ChatRateLimited, RetryAfter: 1300 * time.Millisecond})
	if status, h, body := post(chatDiscord); status != 429 || h.Get("Retry-After") != "2" || !strings.Contains(body, `"retry_after":1.3`) {
		t.Errorf("got %d %v %s", status, h, body)
	}
}

// TestChatLetsGo changes the mode while a request hangs.
func TestChatLetsGo(t *testing.T) {
	c, s := chatServer(t, lab.ChatOptions{})
	c.Fail("slack", lab.ChatMode{Do: lab.ChatHang})
	got := make(chan int)
	go func() {
		status, _, _ := chatPost(t, t.Context(), s.URL+chatSlack, `{"text":"a"}`)
		got <- status
	}()
	for c.Requests("slack") == 0 {
		runtime.Gosched()
	}
	c.Fail("slack", lab.ChatMode{})
	if status := <-got; status != 200 {
		t.Errorf("got %d, want the message to be taken", status)
	}
}

func TestChatPings(t *testing.T) {
	c, s := chatServer(t, lab.ChatOptions{})
	for path, body := range map[string]string{
		chatTelegram: `{"chat_id":1,"text":"hello @somebody, me@example.com"}`,
		chatSlack:    `{"text":"<!channel> &lt;!here&gt;"}`,
		chatDiscord:  `{"content":"@everyone <@1> <@2>","allowed_mentions":{"parse":[],"users":["2"]}}`,
	} {
		chatPost(t, t.Context(), s.URL+path, body)
	}
	for channel, want := range map[string]string{"telegram": " @somebody", "slack": "<!channel>", "discord": "<@2>"} {
		if ms := c.Received(channel); len(ms) != 1 || strings.Join(ms[0].Pings, "|") != want {
			t.Errorf("%s: got %+v, want %q called", channel, ms, want)
		}
	}
}
