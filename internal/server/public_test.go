package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

func publicOf(t *testing.T, w *world) (page, text string) {
	t.Helper()
	o := w.options()
	o.Rules = rulesOf(t, basic(publicStatus))
	s := start(t, o)
	r := ask(t, s, "GET", "/", nil)
	if r.status != http.StatusOK {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if full := ask(t, s, "GET", "/", as("reader", readerPassword)).body; !strings.Contains(full, "api/v1/monitors") {
		t.Error("who is logged in does not get the whole page")
	}
	return r.body, words(t, r.body)
}

func TestStrangersSeeNamesAndStates(t *testing.T) {
	page, got := publicOf(t, sample())
	for _, want := range []string{
		"Billing console is down. We cannot see 3 services at the moment. 1 service failed and is being checked again.", "Everything else that is checked works.",
		"Wiki Not checked since 09:29:21", "Git <script>alert(1)</script> Not checked since 09:29:25", "Grafana Working since 06:12:40",
		"Billing console Down since 09:37:10", "Ledger Failed, being checked again since 09:41:00", "Printer Not checked yet", "Proxmox Maintenance", "Old wiki Paused",
		"Gate", "Lab", "Log in", "As of 09:41:20, times in Europe/Berlin",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s\nin: %s", want, got)
		}
	}
	for _, secret := range []string{
		"example.com", "authelia", "uptime-kuma", "invalid_client", "client_rejected", "credential", "keyword", "Invoices", "network", "connect", "192.0.2.7", "/run/secrets",
		"1.2.3", "home", "99.14", "61 ms", "08:41:02", "inc-", "h-2", "api/v1",
	} {
		if strings.Contains(page, secret) {
			t.Errorf("strangers are told %q", secret)
		}
	}
	checkElements(t, page)
	if !strings.Contains(page, `href="login"`) {
		t.Error("there is no way to log in")
	}
}

func TestThePublicHeadline(t *testing.T) {
	own := &check.FaultText{Class: check.Content, Reason: check.KeywordMissing, Message: "m"}
	offline := &check.FaultText{Class: check.Network, Reason: check.Connect, Message: "m"}
	up, down := view("A", "a", "", check.Up), failing(view("B", "b", "", check.Down), own, "08:00:00")
	exposed := failing(view("C", "c", "", check.Exposed), &check.FaultText{Class: check.ExposedTo, Reason: check.AnonymousAccess}, "08:00:00")
	pending := failing(view("D", "d", "", check.Pending), own, "08:00:00")
	unseen := failing(view("E", "e", "", check.Down), offline, "08:00:00")
	guard := failing(view("Open gate", "g", "Guards", check.Exposed), &check.FaultText{Class: check.ExposedTo, Reason: check.AnonymousAccess}, "08:00:00")
	guard.Monitor.Type = "guard"
	shut := view("Shut gate", "h", "Guards", check.Up)
	shut.Monitor.Type = "guard"
	fresh := view("F", "f", "", check.Pending)
	fresh.Last = board.Last{}
	lost := []check.IncidentRecord{{ID: "1", Cause: check.Cause{Kind: check.CauseAgent, Key: "agent"}, Fault: check.FaultText{Class: check.Agent, Reason: check.Offline}, Members: []check.Member{{ID: "e", Name: "E"}}}}
	for want, w := range map[string]*world{
		"Nothing is checked at the moment.":                    {views: []board.View{guard, shut}},
		"Everything works.":                                    {views: []board.View{up, guard, shut}},
		"B is down. Everything else that is checked works.":    {views: []board.View{up, down}},
		"B and C are down.":                                    {views: []board.View{down, exposed}},
		"4 services are down.":                                 {views: []board.View{down, down, exposed, down}},
		"1 service failed and is being checked again.":         {views: []board.View{pending}},
		"We cannot see 1 service at the moment.":               {views: []board.View{unseen}, open: lost},
		"E is down.":                                           {views: []board.View{unseen}},
		"B is down. We cannot see 1 service at the moment.":    {views: []board.View{down, unseen}, open: lost},
		"Nothing is checked at the moment. Services F Not che": {views: []board.View{fresh}},
	} {
		page, got := publicOf(t, w)
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in %q", want, got)
		}
		if strings.Contains(got, "gate") || strings.Contains(got, "Guards") || strings.Contains(strings.ToLower(got), "exposed") || strings.Contains(got, "open to") {
			t.Errorf("strangers are told that a door is open: %s", got)
		}
		checkElements(t, page)
	}
}
