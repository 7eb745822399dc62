package notifiers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/notifiers"
)

func TestTitle(t *testing.T) {
	app, shared := applicationDown(), credentialDown()
	cause := func(k check.CauseKind, key string) check.Event {
		e := credentialDown()
		e.Cause = check.Cause{Kind: k, Key: key}
		return e
	}
	offline := cause(check.CauseAgent, "agent")
	offline.Fault.Class, offline.Fault.Reason = check.Agent, check.Offline
	lasted := func(e check.Event, d time.Duration) check.Event {
		e.Since, e.Ended = now().Add(-d), now()
		return e
	}
	off := func(n int) check.Event {
		e := credentialDown()
		e.Members = slices.Clone(e.Members)
		for i := range n {
			e.Members[i].Paused = true
		}
		return e
	}
	offApp := applicationDown()
	offApp.Members = []check.Member{{ID: "application", Name: "Application", Paused: true}}
	for _, tc := range []struct {
		d    check.Delivery
		want string
	}{
		{delivery(check.KindClosed, offApp), "[Closed] Application: paused, no longer checked"},
		{delivery(check.KindClosed, off(14)), "[Closed] 14 monitors (credential authelia): paused, no longer checked"},
		{delivery(check.KindClosed, off(2)), "[Closed] 14 monitors (credential authelia): paused or no longer monitored"},
		{delivery(check.KindUp, lasted(off(12), time.Minute)), "[Up] 2 monitors: credential authelia (was down 1 m)"},
		{delivery(check.KindUp, lasted(off(13), time.Minute)), "[Up] Service 14 (was down 1 m)"},
		{delivery(check.KindDown, app), "[Down] Application"},
		{delivery(check.KindDown, shared), "[Down] 14 monitors: credential authelia"},
		{several(3), "[Down] 3 causes, 16 monitors"},
		{delivery(check.KindReminder, app), "[Still down] Application"},
		{delivery(check.KindExposed, app), "[Exposed] Application"},
		{delivery(check.KindCertificate, app), "[Certificate] Application"},
		{delivery(check.KindCertificate, certificate(3)), "[Certificate] 3 monitors: *.example.com"},
		{delivery(check.KindCertificate, certificate(3), certificate(1)), "[Certificate] 2 certificates, 4 monitors"},
		{delivery(check.KindClosed, app), "[Closed] Application: no longer monitored"},
		{delivery(check.KindClosed, shared), "[Closed] 14 monitors (credential authelia): no longer monitored"},
		{delivery(check.KindUp, lasted(app, 252*time.Second)), "[Up] Application (was down 4 m 12 s)"},
		{delivery(check.KindUp, lasted(shared, 45*time.Second)), "[Up] 14 monitors: credential authelia (was down 45 s)"},
		{delivery(check.KindUp, lasted(app, 2*time.Hour+5*time.Minute+9*time.Second)), "[Up] Application (was down 2 h 5 m)"},
		{delivery(check.KindUp, lasted(app, 76*time.Hour)), "[Up] Application (was down 3 d 4 h)"},
		{delivery(check.KindUp, lasted(app, time.Minute)), "[Up] Application (was down 1 m)"},
		{delivery(check.KindUp, lasted(app, -time.Minute)), "[Up] Application (was down 0 s)"},
		{delivery(check.KindDown, cause(check.CauseProvider, "https://auth.example.com")), "[Down] 14 monitors: identity provider https://auth.example.com"},
		{delivery(check.KindDown, cause(check.CauseGate, "authelia")), "[Down] 14 monitors: gate authelia"},
		{delivery(check.KindDown, cause(check.CauseAddress, "192.0.2.7:443")), "[Down] 14 monitors: address 192.0.2.7:443"},
		{delivery(check.KindDown, offline), "[Down] 14 monitors: the agent is offline"},
	} {
		if got := notifiers.Title(tc.d); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// An Up that answers for those who were paused meanwhile does not call them up.
func TestPausedIsNotUp(t *testing.T) {
	e := credentialDown()
	e.Members = []check.Member{{ID: "a", Name: "Wiki"}, {ID: "b", Name: "Shop", Paused: true}}
	for _, k := range kinds() {
		chat, base := newChat(t)
		c := newChannel(t, k.options(base))
		if _, err := c.Deliver(t.Context(), delivery(check.KindUp, e)); err != nil {
			t.Fatal(err)
		}
		shown := lab.Render(last(t, chat, k.channel))
		for _, want := range []string{"[Up] Wiki (was down", "Paused meanwhile, and not known to be up: Shop."} {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: the message lacks %q:\n%s", k.channel, want, shown)
			}
		}
	}
}

func TestSamplesReachEveryChannel(t *testing.T) {
	for _, k := range kinds() {
		chat, base := newChat(t)
		c := newChannel(t, k.options(base))
		for _, kd := range []check.Kind{check.KindDown, check.KindUp, check.KindReminder, check.KindExposed, check.KindCertificate, check.KindClosed} {
			d := notifiers.Sample(kd)
			if _, err := c.Deliver(t.Context(), d); err != nil {
				t.Errorf("%s, %s: %v %q", k.name, kd, err, chat.Problems())
			}
			if shown := lab.Render(last(t, chat, k.channel)); !strings.Contains(shown, notifiers.Title(d)) || !strings.Contains(shown, "This is a sample") {
				t.Errorf("%s, %s: it does not say what it is:\n%s", k.name, kd, shown)
			}
		}
	}
}

func TestMention(t *testing.T) {
	for _, k := range kinds() {
		o := k.options("")
		var want []string
		switch o.Type {
		case "slack":
			want = []string{"<!channel>", "<@U012AB>"}
		case "discord":
			want = []string{"@here", "<@123>", "<@&456>"}
		default:
			continue
		}
		chat, base := newChat(t)
		o = k.options(base)
		o.Mention = strings.Join(want, " ")
		c := newChannel(t, o)
		for _, tc := range []struct {
			kind check.Kind
			loud bool
		}{{check.KindDown, true}, {check.KindReminder, true}, {check.KindExposed, true}, {check.KindUp, false}, {check.KindCertificate, false}, {check.KindClosed, false}} {
			e := applicationDown()
			e.Members[0].Name = "<!here> @everyone <@999>"
			if _, err := c.Deliver(t.Context(), delivery(tc.kind, e)); err != nil {
				t.Fatal(err, chat.Problems())
			}
			got := strings.Join(last(t, chat, k.channel).Pings, " ")
			for _, w := range want {
				if strings.Contains(got, w) != tc.loud {
					t.Errorf("%s %s pings %q", k.name, tc.kind, got)
				}
			}
			if strings.Contains(got, "999") || strings.Contains(got, "everyone") || strings.Contains(got, "<!here>") {
				t.Errorf("%s %s pings by a name: %q", k.name, tc.kind, got)
			}
		}
	}
}
