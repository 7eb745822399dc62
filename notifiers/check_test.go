package notifiers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/notifiers"
)

func TestCheck(t *testing.T) {
	lit := secret.Literal
	unset, err := secret.Parse("${WATCHWORD_TEST_UNSET}", "")
	if err != nil {
		t.Fatal(err)
	}
	tg := notifiers.Options{Type: "telegram", BotToken: lit("1:a"), ChatID: "-100123"}
	slack := notifiers.Options{Type: "slack", WebhookURL: lit("https://hooks.example.com/services/T/B/X")}
	discord := notifiers.Options{Type: "discord", WebhookURL: lit("http://d.example.com/api/webhooks/1/x")}
	teams := notifiers.Options{Type: "teams", WebhookURL: lit("https://t.example.com/workflows/x")}
	hook := notifiers.Options{Type: "webhook", URL: lit("http://h.example.com/hook")}
	with := func(o notifiers.Options, f func(*notifiers.Options)) notifiers.Options { f(&o); return o }
	for _, tc := range []struct {
		name string
		o    notifiers.Options
		want string // "path: part of the message", "" for none; several parted by |
	}{
		{"telegram", tg, ""},
		{"telegram by name", with(tg, func(o *notifiers.Options) {
			o.ChatID, o.APIURL, o.MessageThreadID, o.Silent, o.ProtectContent = "@channel", "http://127.0.0.1:8081/", 4, true, true
		}), ""},
		{"slack", with(slack, func(o *notifiers.Options) {
			o.Mention, o.Channel, o.Username, o.IconEmoji = "<!channel> <@U012AB> <!subteam^S01>", "#a", "x", ":x:"
		}), ""},
		{"discord", with(discord, func(o *notifiers.Options) { o.Mention, o.ThreadID = "@everyone <@123> <@&456>", "789" }), ""},
		{"teams", teams, ""},
		{"webhook", with(hook, func(o *notifiers.Options) {
			o.Method, o.Headers = "PUT", map[string]secret.Text{"X-A": lit("b")}
			o.Body = `{"x": {{json .Title}}, "u": "{{upper .Event}}{{lower .Class}}"}`
		}), ""},
		{"unset secret is left to others", with(slack, func(o *notifiers.Options) { o.WebhookURL = unset }), ""},
		{"all events", with(tg, func(o *notifiers.Options) { o.Events = []string{"down", "up", "reminder", "certificate"} }), ""},

		{"no type", notifiers.Options{}, "type: required"},
		{"unknown type", notifiers.Options{Type: "slak"}, `type: unknown type "slak"`},
		{"nothing given", notifiers.Options{Type: "telegram"}, "bot_token: required|chat_id: required"},
		{"no URL", notifiers.Options{Type: "discord"}, "webhook_url: required"},
		{"no url", notifiers.Options{Type: "webhook"}, "url: required"},
		{"of another type", with(tg, func(o *notifiers.Options) { o.WebhookURL, o.Secret = lit("x"), lit("y") }),
			"webhook_url: belongs to type slack, discord, teams|secret: belongs to type webhook"},
		{"mention of another type", with(teams, func(o *notifiers.Options) { o.Mention = "@here" }), "mention: belongs to type"},
		{"bad events", with(tg, func(o *notifiers.Options) { o.Events = []string{"down", "donw", "exposed", "down"} }),
			`events[1]: unknown event "donw"|events[2]: always sent|events[3]: twice`},
		{"bad chat", with(tg, func(o *notifiers.Options) { o.ChatID = "my chat" }), "chat_id: neither a number"},
		{"bad token", with(tg, func(o *notifiers.Options) { o.BotToken = lit("hunter2hunter2") }), "bot_token: BotFather"},
		{"bad api_url", with(tg, func(o *notifiers.Options) { o.APIURL = "api.telegram.org" }), "api_url: absolute"},
		{"negative", with(tg, func(o *notifiers.Options) { o.MessageThreadID, o.Timeout = -1, -time.Second }), "timeout: negative|message_thread_id: negative"},
		{"bad URL", with(slack, func(o *notifiers.Options) { o.WebhookURL = lit("ftp://hunter2hunter2/x") }), "webhook_url: absolute"},
		{"bad mention of slack", with(slack, func(o *notifiers.Options) { o.Mention = "@channel <!here>" }), `mention: "@channel" is not`},
		{"bad mention of discord", with(discord, func(o *notifiers.Options) { o.Mention = "<!channel>" }), `mention: "<!channel>" is not`},
		{"reserved name", with(discord, func(o *notifiers.Options) { o.Username = "My Discord bot" }), "username: Discord takes"},
		{"bad thread", with(discord, func(o *notifiers.Options) { o.ThreadID = "x" }), "thread_id: not a number"},
		{"bad method", with(hook, func(o *notifiers.Options) { o.Method = "post" }), "method: is not POST"},
		{"bad header", with(hook, func(o *notifiers.Options) {
			o.Headers = map[string]secret.Text{"a b": lit("x"), "X-Ok": lit("hunter2\nhunter2")}
		}), "headers.X-Ok: characters|headers.a b: not a header name"},
		{"template does not parse", with(hook, func(o *notifiers.Options) { o.Body = "{{.Title" }), "body: parse the template"},
		{"template names no field", with(hook, func(o *notifiers.Options) { o.Body = "{{.Nope}}" }), "body: Nope"},
		{"template of an unknown function", with(hook, func(o *notifiers.Options) { o.Body = `{{env "HOME"}}` }), "body: function"},
		{"template without an end", with(hook, func(o *notifiers.Options) { o.Body = `{{range 100000000}}xxxxxxxxxx{{end}}` }), "body: 1 MiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := notifiers.Check(tc.o)
			var want []string
			if tc.want != "" {
				want = strings.Split(tc.want, "|")
			}
			if len(got) != len(want) {
				t.Fatalf("got %+v, want %q", got, want)
			}
			for i, w := range want {
				path, part, _ := strings.Cut(w, ": ")
				if got[i].Path != path || !strings.Contains(got[i].Message, part) {
					t.Errorf("got %+v, want %q", got[i], w)
				}
				if strings.Contains(got[i].Message, "hunter2") {
					t.Errorf("a secret is repeated: %q", got[i].Message)
				}
			}
			if _, err := notifiers.New("x", tc.o, notifiers.Common{}); (err != nil) != (len(want) > 0) {
				t.Errorf("New gave %v", err)
			}
		})
	}
}

func TestWants(t *testing.T) {
	some := notifiers.Options{Events: []string{"down", "up"}}
	for k, want := range map[check.Kind]bool{
		check.KindDown: true, check.KindUp: true, check.KindClosed: true, check.KindExposed: true,
		check.KindReminder: false, check.KindCertificate: false,
	} {
		if some.Wants(k) != want || !(notifiers.Options{}).Wants(k) {
			t.Errorf("%s: got %t, want %t, and all without events", k, some.Wants(k), want)
		}
	}
}
