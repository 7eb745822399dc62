package notifiers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/notifiers"
)

// TestContract holds every channel to the same promises.
func TestContract(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Run("success", func(t *testing.T) { testSuccess(t, k) })
			t.Run("refusals", func(t *testing.T) { testRefusals(t, k) })
			t.Run("hang", func(t *testing.T) { testHang(t, k) })
			t.Run("nobody listens", func(t *testing.T) { testUnreachable(t, k) })
			t.Run("limits", func(t *testing.T) { testLimits(t, k) })
			t.Run("escaping", func(t *testing.T) { testEscaping(t, k) })
			t.Run("plain message", func(t *testing.T) { testSend(t, k) })
			t.Run("echoed secrets", func(t *testing.T) { testEcho(t, k) })
			t.Run("unreadable secret", func(t *testing.T) { testUnreadable(t, k) })
		})
	}
}

func last(t *testing.T, chat *lab.Chat, channel string) lab.Message {
	t.Helper()
	ms := chat.Received(channel)
	if ps := chat.Problems(); len(ps) > 0 {
		t.Fatalf("the service complains: %q", ps)
	}
	if len(ms) == 0 {
		t.Fatal("nothing was received")
	}
	return ms[len(ms)-1]
}

func testSuccess(t *testing.T, k kind) {
	chat, base := newChat(t)
	c := newChannel(t, k.options(base))
	for _, d := range []check.Delivery{
		delivery(check.KindDown, credentialDown()), delivery(check.KindDown, applicationDown()), up(),
		delivery(check.KindReminder, credentialDown()), delivery(check.KindExposed, applicationDown()),
		delivery(check.KindCertificate, applicationDown()), delivery(check.KindClosed, applicationDown()), several(2),
	} {
		r, err := c.Deliver(t.Context(), d)
		if err != nil {
			t.Fatalf("%s: %v", d.Kind, err)
		}
		m := last(t, chat, k.channel)
		if r.Status != m.Status {
			t.Errorf("%s: receipt says %d, answered was %d", d.Kind, r.Status, m.Status)
		}
		noSecret(t, "receipt", fmt.Sprintf("%+v", r))
		if m.Header.Get("User-Agent") != "Watchword/test" {
			t.Errorf("User-Agent %q", m.Header.Get("User-Agent"))
		}
		if len(m.Pings) > 0 {
			t.Errorf("%s pings %q", d.Kind, m.Pings)
		}
		wantTexts(t, k, d, lab.Render(m))
	}
}

// wantTexts checks what people must find in a message.
func wantTexts(t *testing.T, k kind, d check.Delivery, shown string) {
	t.Helper()
	want := []string{}
	if k.channel != "webhook" || len(d.Events) == 1 {
		want = append(want, notifiers.Title(d))
	}
	for _, e := range d.Events {
		if k.channel == "webhook" && e.Incident != d.Events[len(d.Events)-1].Incident {
			continue // a message of its own
		}
		want = append(want, e.Fault.Message, string(e.Fault.Class)+"/"+string(e.Fault.Reason))
		if d.Kind == check.KindUp {
			want = append(want, "Still failing for another reason", "Wiki 1, Wiki 2", "10:29:20 CET", "10:33:32 CET")
		} else if d.Kind != check.KindClosed {
			want = append(want, e.Fault.Hint)
		}
		if len(e.Members) > 1 {
			want = append(want, "Service 1, Service 2", "Service 10 and 4 more", "t the identity provider", "10:29:20 CET")
		}
	}
	for _, w := range want {
		if !strings.Contains(shown, w) {
			t.Errorf("%s: the message lacks %q:\n%s", d.Kind, w, shown)
		}
	}
}

func deliverError(t *testing.T, ctx context.Context, c *notifiers.Channel) *check.DeliveryError {
	t.Helper()
	_, err := c.Deliver(ctx, delivery(check.KindDown, credentialDown()))
	e, ok := errors.AsType[*check.DeliveryError](err)
	if !ok {
		t.Fatalf("got error %v, want a DeliveryError", err)
	}
	noSecret(t, "error", err.Error())
	noSecret(t, "error", fmt.Sprintf("%+v", e))
	if strings.Contains(err.Error(), "127.0.0.1") && strings.Contains(err.Error(), "http://") {
		t.Errorf("the error holds the URL: %v", err)
	}
	if len([]rune(e.Message)) > 300 || strings.ContainsAny(e.Message, "\r\n") {
		t.Errorf("the text is no short line: %q", e.Message)
	}
	return e
}

func testRefusals(t *testing.T, k kind) {
	chat, base := newChat(t)
	c := newChannel(t, k.options(base))
	const after = 7 * time.Second
	for _, tc := range []struct {
		name      string
		mode      lab.ChatMode
		permanent bool
		status    int
		text      string
	}{
		{"rate limited", lab.ChatMode{Do: lab.ChatRateLimited, RetryAfter: after}, false, 429, ""},
		{"server error", lab.ChatMode{Do: lab.ChatServerError}, false, 500, "internal error"},
		{"redirect to a login page", lab.ChatMode{Do: lab.ChatLoginRedirect}, true, 302, "redirect"},
		{"login page", lab.ChatMode{Do: lab.ChatLoginPage}, true, 200, "web page"},
		{"wrong credential", lab.ChatMode{Do: lab.ChatRefuse}, true, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			chat.Fail(k.channel, tc.mode)
			before := chat.Requests(k.channel)
			e := deliverError(t, t.Context(), c)
			if e.Permanent != tc.permanent || !strings.Contains(e.Message, tc.text) || tc.status != 0 && e.Status != tc.status {
				t.Errorf("got %+v, want permanent %t, status %d, a text with %q", e, tc.permanent, tc.status, tc.text)
			}
			if tc.mode.Do == lab.ChatRateLimited && k.name != "teams connector" { // connectors do not say
				if e.RetryAfter < after-time.Second || e.RetryAfter > after+time.Second {
					t.Errorf("RetryAfter %s, want about %s", e.RetryAfter, after)
				}
			}
			if n := chat.Requests(k.channel) - before; n != 1 {
				t.Errorf("%d requests, want one", n)
			}
		})
	}
	chat.Fail(k.channel, lab.ChatMode{})
	if _, err := c.Deliver(t.Context(), up()); err != nil {
		t.Errorf("after it was well again: %v", err)
	}
}

func testHang(t *testing.T, k kind) {
	chat, base := newChat(t)
	chat.Fail(k.channel, lab.ChatMode{Do: lab.ChatHang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	e := deliverError(t, ctx, newChannel(t, k.options(base)))
	if e.Permanent || !errors.Is(e, context.DeadlineExceeded) || !strings.Contains(e.Message, "no answer") {
		t.Errorf("got %+v, want a deadline that may be tried again", e)
	}
}

func testUnreachable(t *testing.T, k kind) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	if e := deliverError(t, t.Context(), newChannel(t, k.options(srv.URL))); e.Permanent || e.Status != 0 {
		t.Errorf("got %+v, want one that may be tried again", e)
	}
}

func testEscaping(t *testing.T, k kind) {
	chat, base := newChat(t)
	c := newChannel(t, k.options(base))
	for _, name := range []string{
		`<!channel> @everyone *x* <b>&amp; _y_ ` + "`z`", "<@U012345> <@&99> @here <!subteam^S1>", `[click](http://evil.example) ~s~ ||x|| # h`,
		`</b></code><a href="http://evil.example">x</a>`, `back\slash\*`, "https://evil.example/_a_ :smile: <:e:1> @admin_user #tag /start",
		`"quoted" 'single' &#64;everyone &lt;`,
	} {
		for _, n := range []int{1, 2, 25} {
			d := several(max(n, 2))
			d.Events = d.Events[:n]
			if k.channel == "webhook" {
				d.Events = d.Events[:1]
			}
			for i := range d.Events {
				e := &d.Events[i]
				e.Members = []check.Member{{ID: fmt.Sprint("x-", i), Name: name}}
				e.Fault.Message, e.Fault.Hint = "saw "+name, "do "+name
			}
			if _, err := c.Deliver(t.Context(), d); err != nil {
				t.Fatalf("%q: %v, %q", name, err, chat.Problems())
			}
			m := last(t, chat, k.channel)
			if len(m.Pings) > 0 {
				t.Errorf("%q pings %q", name, m.Pings)
			}
			if shown := strings.ReplaceAll(lab.Render(m), "\u2060", ""); n == 1 && !strings.Contains(shown, name) {
				t.Errorf("%q is not shown as it is:\n%s\n%s", name, shown, m.Body)
			}
		}
	}
	e := applicationDown()
	e.Members[0].Name = "a\u202eb\nc\r\u200fd\x00e\u2028f"
	if _, err := c.Deliver(t.Context(), delivery(check.KindDown, e)); err != nil {
		t.Fatal(err)
	}
	if shown := lab.Render(last(t, chat, k.channel)); !strings.Contains(shown, "[Down] ab c d e f") && !strings.Contains(shown, "[Down] ab c d") {
		t.Errorf("marks and line ends are left in the name: %q", shown)
	}
}

func testSend(t *testing.T, k kind) {
	chat, base := newChat(t)
	c := newChannel(t, k.options(base))
	if err := c.Send(t.Context(), "A <subject>", "line *one*\nline & two"); err != nil {
		t.Fatal(err, chat.Problems())
	}
	shown := lab.Render(last(t, chat, k.channel))
	for _, want := range []string{"A <subject>", "line *one*", "line & two"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the message lacks %q:\n%s", want, shown)
		}
	}
}

// testEcho has the service repeat the whole request in its refusal.
func testEcho(t *testing.T, k kind) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "bad request %s %v %v", r.URL, r.Header, r.URL.Query())
	}))
	defer srv.Close()
	if e := deliverError(t, t.Context(), newChannel(t, k.options(srv.URL))); !e.Permanent || e.Status != 400 {
		t.Errorf("got %+v, want a permanent 400", e)
	}
}

func testUnreadable(t *testing.T, k kind) {
	o := k.options("http://127.0.0.1:1")
	missing, err := secret.Parse("${WATCHWORD_TEST_UNSET}", "")
	if err != nil {
		t.Fatal(err)
	}
	path := "webhook_url"
	switch o.Type {
	case "telegram":
		o.BotToken, path = missing, "bot_token"
	case "webhook":
		o.URL, path = missing, "url"
	default:
		o.WebhookURL = missing
	}
	e := deliverError(t, t.Context(), newChannel(t, o))
	if e.Permanent || !strings.Contains(e.Message, path) || !strings.Contains(e.Message, "WATCHWORD_TEST_UNSET") {
		t.Errorf("got %+v, want one that names %s and the variable and may be tried again", e, path)
	}
}
