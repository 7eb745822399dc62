package notifiers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/notifiers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	telegramToken = "123456:AAF-telegram-token-of-the-tests"
	slackPath     = "T0000/B0000/slackSecretXXXXXXXXXXXX"
	discordHook   = "112233445566/discord-secret-token-of-the-tests"
	teamsSig      = "teams-signature-of-the-tests"
	hookSecret    = "hmac-key-of-the-tests"
	hookHeader    = "header-value-of-the-tests"
	hookQuery     = "query-token-of-the-tests"
)

// secrets are what no output may hold.
func secrets() []string {
	return []string{"AAF-telegram-token", "slackSecret", "discord-secret", teamsSig, hookSecret, hookHeader, hookQuery, "connector-secret", "workflow-secret"}
}

// kind is one channel of the contract: how it is configured and how the lab
// calls it.
type kind struct {
	name    string
	channel string // in the lab
	options func(base string) notifiers.Options
}

func kinds() []kind {
	url := func(base, path string) secret.Text { return secret.Literal(base + path) }
	return []kind{
		{"telegram", "telegram", func(b string) notifiers.Options {
			return notifiers.Options{Type: "telegram", BotToken: secret.Literal(telegramToken), ChatID: "-1001234567890", APIURL: b}
		}},
		{"slack", "slack", func(b string) notifiers.Options {
			return notifiers.Options{Type: "slack", WebhookURL: url(b, "/services/"+slackPath)}
		}},
		{"discord", "discord", func(b string) notifiers.Options {
			return notifiers.Options{Type: "discord", WebhookURL: url(b, "/api/webhooks/"+discordHook)}
		}},
		{"teams", "teams", func(b string) notifiers.Options {
			return notifiers.Options{Type: "teams", WebhookURL: url(b, "/workflows/workflow-secret/triggers/manual/paths/invoke?api-version=1&sig="+teamsSig)}
		}},
		{"teams connector", "teams", func(b string) notifiers.Options {
			return notifiers.Options{Type: "teams", WebhookURL: url(b, "/webhookb2/connector-secret@tenant/IncomingWebhook/x/y")}
		}},
		{"webhook", "webhook", func(b string) notifiers.Options {
			return notifiers.Options{
				Type: "webhook", URL: url(b, "/hook/watchword?token="+hookQuery), Secret: secret.Literal(hookSecret),
				Headers: map[string]secret.Text{"X-Key": secret.Literal(hookHeader)},
			}
		}},
	}
}

// newChat starts a lab with the credentials above.
func newChat(t testing.TB) (*lab.Chat, string) {
	t.Helper()
	chat := lab.NewChat(lab.ChatOptions{
		TelegramToken: telegramToken, TelegramChats: []string{"-1001234567890"}, SlackPath: slackPath,
		DiscordHook: discordHook, TeamsSig: teamsSig, HookSecret: hookSecret,
	})
	srv := httptest.NewServer(chat)
	t.Cleanup(func() { chat.Close(); srv.Close() })
	return chat, srv.URL
}

func newChannel(t testing.TB, o notifiers.Options) *notifiers.Channel {
	t.Helper()
	o.Timeout = 10 * time.Second
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := notifiers.New("tested", o, notifiers.Common{Client: &http.Client{Transport: tr}, UserAgent: "Watchword/test", Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func noSecret(t testing.TB, what, text string) {
	t.Helper()
	for _, s := range secrets() {
		if strings.Contains(text, s) {
			t.Errorf("%s holds the secret %q: %s", what, s, text)
		}
	}
}

// now is the moment of all deliveries of the tests.
func now() time.Time { return time.Date(2026, 11, 22, 9, 33, 32, 0, time.UTC) }

func members(n int, name string) []check.Member {
	var ms []check.Member
	for i := range n {
		ms = append(ms, check.Member{ID: fmt.Sprintf("m-%d", i+1), Name: fmt.Sprintf("%s %d", name, i+1), Since: now().Add(-time.Minute)})
	}
	return ms
}

func credentialDown() check.Event {
	return check.Event{
		Incident: "inc-1", Kind: check.KindDown, At: now(), Since: now().Add(-252 * time.Second),
		Cause: check.Cause{Kind: check.CauseCredential, Key: "authelia"}, Severity: check.Critical,
		Fault: check.FaultText{
			Class: check.Credential, Reason: check.ClientRejected,
			Message: "The identity provider refuses client uptime-kuma: wrong or expired secret",
			Hint:    "compare client_secret of credential authelia with the provider's; a changed secret file is tried at once",
		},
		Members: members(14, "Service"), Link: "https://watch.example.com/incidents?id=inc-1",
	}
}

func applicationDown() check.Event {
	return check.Event{
		Incident: "inc-2", Kind: check.KindDown, At: now(), Since: now().Add(-26 * time.Hour),
		Cause: check.Cause{Kind: check.CauseMonitor, Key: "application"}, Severity: check.Critical,
		Fault: check.FaultText{
			Class: check.Content, Reason: check.KeywordMissing,
			Message: `It answered 200, and "Dashboard" is not in the body`, Hint: "look at the page that a signed-in client is shown",
		},
		Members: []check.Member{{ID: "application", Name: "Application"}},
		Link:    "https://watch.example.com/monitors/application",
	}
}

func delivery(k check.Kind, es ...check.Event) check.Delivery {
	for i := range es {
		es[i].Kind = k
	}
	return check.Delivery{ID: 7, Notifier: "tested", Kind: k, At: now(), Events: es}
}

func up() check.Delivery {
	e := credentialDown()
	e.Ended = now()
	e.Failing = members(2, "Wiki")
	return delivery(check.KindUp, e)
}

func held() check.Delivery {
	e := applicationDown()
	e.Held = members(12, "Page")
	return delivery(check.KindDown, e)
}

func several(n int) check.Delivery {
	es := []check.Event{credentialDown(), applicationDown()}
	for i := len(es); i < n; i++ {
		e := applicationDown()
		e.Incident = fmt.Sprintf("inc-%d", i+1)
		e.Members = []check.Member{{ID: fmt.Sprintf("app-%d", i), Name: fmt.Sprintf("Application %d", i)}}
		es = append(es, e)
	}
	return delivery(check.KindDown, es[:n]...)
}
