package notifiers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nikoksr/notify"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/notifiers"
)

func TestWebhookBody(t *testing.T) {
	chat, base := newChat(t)
	o := kinds()[5].options(base)
	o.Method = "PUT"
	o.Body = `{"t":{{json .Title}},"e":"{{upper .Event}}","m":[{{range $i, $m := .Monitors}}{{if $i}},{{end}}{{json $m.Name}}{{end}}],"w":{{json .Where}},"c":"{{.CauseKind}} {{.CauseKey}}","n":"{{.Notifier}}"}`
	o.Headers["Content-Type"] = secret.Literal("application/vnd.x+json")
	c := newChannel(t, o)
	if !c.Keyed() {
		t.Error("a webhook is not keyed")
	}
	e := credentialDown()
	e.Members = []check.Member{{ID: "a", Name: `a "quoted" <name>`}, {ID: "b", Name: "b"}}
	if _, err := c.Deliver(t.Context(), delivery(check.KindDown, e)); err != nil {
		t.Fatal(err)
	}
	m := last(t, chat, "webhook")
	want := `{"t":"[Down] 2 monitors: credential authelia","e":"DOWN","m":["a \"quoted\" <name>","b"],"w":"at the identity provider","c":"credential authelia","n":"tested"}`
	if string(m.Body) != want || m.Method != "PUT" || m.Header.Get("Content-Type") != "application/vnd.x+json" || m.Header.Get("X-Key") != hookHeader {
		t.Errorf("%s %v\ngot  %s\nwant %s", m.Method, m.Header, m.Body, want)
	}
}

func TestWebhookSendsEventsOneByOne(t *testing.T) {
	chat, base := newChat(t)
	if _, err := newChannel(t, kinds()[5].options(base)).Deliver(t.Context(), several(3)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range chat.Received("webhook") {
		var b struct{ Incident, Since string }
		if err := json.Unmarshal(m.Body, &b); err != nil {
			t.Fatal(err)
		}
		if _, err := time.Parse(time.RFC3339, b.Since); err != nil {
			t.Error(err)
		}
		got = append(got, b.Incident)
	}
	if fmt.Sprint(got) != "[inc-1 inc-2 inc-3]" {
		t.Errorf("got incidents %v", got)
	}
}

// TestRotatedSecret changes the file that a URL is read from.
func TestRotatedSecret(t *testing.T) {
	chat, base := newChat(t)
	file := filepath.Join(t.TempDir(), "url")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(base + "/services/T0000/B0000/old")
	url, err := secret.Parse("${file:"+file+"}", "")
	if err != nil {
		t.Fatal(err)
	}
	c := newChannel(t, notifiers.Options{Type: "slack", WebhookURL: url})
	if e := deliverError(t, t.Context(), c); !e.Permanent || e.Status != 403 || e.Message != "invalid_token" {
		t.Errorf("got %+v, want a permanent 403", e)
	}
	write(base + "/services/" + slackPath)
	if _, err := c.Deliver(t.Context(), up()); err != nil {
		t.Error(err, chat.Problems())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if e := deliverError(t, t.Context(), c); e.Permanent || !strings.Contains(e.Message, "webhook_url") || !strings.Contains(e.Message, file) {
		t.Errorf("got %+v, want one that names the file and may be tried again", e)
	}
}

// TestWrongCredentials uses what the services themselves do not know.
func TestWrongCredentials(t *testing.T) {
	_, base := newChat(t)
	url := func(p string) secret.Text { return secret.Literal(base + p) }
	for _, tc := range []struct {
		o      notifiers.Options
		status int
		text   string
	}{
		{notifiers.Options{Type: "telegram", BotToken: secret.Literal("1:nobody"), ChatID: "1", APIURL: base}, 401, "Unauthorized"},
		{notifiers.Options{Type: "telegram", BotToken: secret.Literal(telegramToken), ChatID: "1", APIURL: base}, 400, "Bad Request: chat not found"},
		{notifiers.Options{Type: "slack", WebhookURL: url("/services/T1/B1/x")}, 404, "no_service"},
		{notifiers.Options{Type: "discord", WebhookURL: url("/api/webhooks/112233445566/x")}, 401, "Invalid Webhook Token"},
		{notifiers.Options{Type: "discord", WebhookURL: url("/api/webhooks/9/x")}, 404, "Unknown Webhook"},
		{notifiers.Options{Type: "teams", WebhookURL: url("/powerautomate/automations/direct/workflows/x?sig=y")}, 401, "SecurityTokenInvalid"},
		{notifiers.Options{Type: "webhook", URL: url("/hook/x"), Secret: secret.Literal("wrong-key")}, 403, "the signature is wrong"},
	} {
		if e := deliverError(t, t.Context(), newChannel(t, tc.o)); !e.Permanent || e.Status != tc.status || !strings.Contains(e.Message, tc.text) {
			t.Errorf("%s: got %+v, want a permanent %d that says %q", tc.o.Type, e, tc.status, tc.text)
		}
	}
}

// TestStatuses sorts statuses into those that may be tried again and others.
func TestStatuses(t *testing.T) {
	for _, k := range kinds() {
		for status, permanent := range map[int]bool{
			301: true, 303: true, 307: true, 308: true, 401: true, 404: true, 410: true, 422: true,
			408: false, 425: false, 429: false, 500: false, 502: false, 503: false, 504: false,
		} {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "3600000")
				w.Header().Set("Location", "http://[bad")
				w.WriteHeader(status)
			}))
			e := deliverError(t, t.Context(), newChannel(t, k.options(srv.URL)))
			if e.Permanent != permanent || e.Status != status {
				t.Errorf("%s, %d: got %+v, want permanent %t", k.name, status, e, permanent)
			}
			if want := 24 * time.Hour; !permanent && e.RetryAfter != want {
				t.Errorf("%s, %d: RetryAfter %s, want it held to %s", k.name, status, e.RetryAfter, want)
			}
			srv.Close()
		}
	}
}

// TestSimpleWhenTheFormIsRefused has services refuse anything but plain text.
func TestSimpleWhenTheFormIsRefused(t *testing.T) {
	for _, k := range kinds() {
		chat, base := newChat(t)
		refusal := map[string]string{
			"telegram": `{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: x"}`, "slack": "invalid_blocks",
			"discord": `{"message":"Invalid Form Body","code":50035}`, "teams": `{"error":{"code":"X","message":"y"}}`,
		}[k.channel]
		first := true
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first {
				first = false
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, refusal)
				return
			}
			chat.ServeHTTP(w, r)
		}))
		c := newChannel(t, k.options(srv.URL))
		_ = base
		e := applicationDown()
		e.Members[0].Name = "<!here> @everyone *x* & y"
		r, err := c.Deliver(t.Context(), delivery(check.KindDown, e))
		srv.Close()
		if k.channel == "webhook" {
			if err == nil {
				t.Error("a webhook's refusal is not final")
			}
			continue
		}
		if err != nil || !strings.Contains(r.Text, "plain text") {
			t.Errorf("%s: got %+v, %v, %q", k.name, r, err, chat.Problems())
			continue
		}
		m := last(t, chat, k.channel)
		if shown := strings.ReplaceAll(lab.Render(m), "\u2060", ""); len(m.Pings) > 0 || !strings.Contains(shown, "[Down] <!here> @everyone") || !strings.Contains(shown, "signed-in client") {
			t.Errorf("%s pings %q:\n%s", k.name, m.Pings, shown)
		}
	}
}

type notifyFunc func(context.Context, string, string) error

func (f notifyFunc) Send(ctx context.Context, s, m string) error { return f(ctx, s, m) }

var _ notify.Notifier = (*notifiers.Channel)(nil)

func TestFromNotify(t *testing.T) {
	var subject, message string
	deliver := notifiers.FromNotify(notifyFunc(func(_ context.Context, s, m string) error {
		subject, message = s, m
		return nil
	}), nil)
	if _, err := deliver(t.Context(), delivery(check.KindDown, credentialDown())); err != nil {
		t.Fatal(err)
	}
	if subject != "[Down] 14 monitors: credential authelia" || !strings.Contains(message, "Since 09:29:20 UTC\nHint: compare") {
		t.Errorf("got %q, %q", subject, message)
	}
	for name, f := range map[string]notifyFunc{
		"error": func(context.Context, string, string) error {
			return errors.New("post https://x/" + slackPath + ": refused")
		},
		"panic": func(context.Context, string, string) error { panic(slackPath) },
	} {
		_, err := notifiers.FromNotify(f, nil)(t.Context(), up())
		e, ok := errors.AsType[*check.DeliveryError](err)
		if !ok || e.Permanent != (name == "panic") {
			t.Fatalf("%s: got %v", name, err)
		}
		noSecret(t, "error", err.Error())
	}
	// a Channel is a service of that library, and comes back through the adapter
	chat, base := newChat(t)
	n := notify.NewWithServices(newChannel(t, kinds()[0].options(base)))
	if _, err := notifiers.FromNotify(n, time.UTC)(t.Context(), up()); err != nil {
		t.Fatal(err)
	}
	if shown := lab.Render(last(t, chat, "telegram")); !strings.Contains(shown, "[Up] 14 monitors") {
		t.Errorf("got %q", shown)
	}
}

// An endpoint that echoes what it was sent, in whatever form, tells nobody.
func TestEchoedCredentialsAreScrubbed(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "unknown key %s of %s %s", token, user, password)
	}))
	t.Cleanup(echo.Close)
	_, address, _ := strings.Cut(echo.URL, "//")
	for _, o := range []notifiers.Options{
		{URL: secret.Literal(echo.URL), Headers: map[string]secret.Text{"Authorization": secret.Literal("Bearer swordfish-1")}},
		{URL: secret.Literal("http://swordfish-2:@" + address)},
		{URL: secret.Literal("http://user:swordfish-3@" + address)},
	} {
		o.Type = "webhook"
		_, err := newChannel(t, o).Deliver(t.Context(), delivery(check.KindDown, applicationDown()))
		if err == nil || !strings.Contains(err.Error(), "unknown key") || !strings.Contains(err.Error(), secret.Redacted) {
			t.Errorf("got %v, want the refusal with its secret replaced", err)
			continue
		}
		for _, leak := range []string{"swordfish", "c3dvcmRmaXNo", base64.StdEncoding.EncodeToString([]byte("user:swordfish-3"))} {
			if strings.Contains(err.Error(), leak) {
				t.Errorf("%q repeats %q", err, leak)
			}
		}
	}
}

// What only some messages reach in a template is tried as well.
func TestTemplateIsTriedForEveryEvent(t *testing.T) {
	for _, event := range []string{"down", "up", "reminder", "exposed", "certificate", "closed"} {
		body := `{{if eq .Event "` + event + `"}}{{.Nothing}}{{end}}`
		o := notifiers.Options{Type: "webhook", URL: secret.Literal("https://hook.example.com/"), Body: body}
		if ps := notifiers.Check(o); len(ps) != 1 || ps[0].Path != "body" {
			t.Errorf("%s: got %v, want the mistake in the body", event, ps)
		}
	}
}

// An alert on which the template fails goes out all the same.
func TestTemplateThatFailsOnAnAlert(t *testing.T) {
	var got notifiers.WebhookData
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Errorf("read the body: %v", err)
		}
	}))
	t.Cleanup(hook.Close)
	c := newChannel(t, notifiers.Options{
		Type: "webhook", URL: secret.Literal(hook.URL), Body: `{{if eq .Incident "of-this-test"}}{{index .Monitors 7}}{{end}}`,
	})
	e := applicationDown()
	e.Incident = "of-this-test"
	if _, err := c.Deliver(t.Context(), delivery(check.KindDown, e)); err != nil {
		t.Fatal(err)
	}
	if got.Title != "[Down] Application" || !strings.Contains(got.Text, "the template of this webhook failed") {
		t.Errorf("got %+v, want the default body and why", got)
	}
}
