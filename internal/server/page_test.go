package server

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// show renders the page without a wire.
func show(t testing.TB, w *world) string {
	t.Helper()
	s, err := New(w.options())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b bytes.Buffer
	o := s.overview(t.Context())
	if err := s.template.Execute(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// words are the texts of a page as a reader without styles gets them.
func words(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "title" {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestPageTellsWhatThereIsToTell(t *testing.T) {
	page := show(t, sample())
	got := words(t, page)
	for _, want := range []string{
		"The credential authelia is refused and Billing console is down.",
		"3 of 11 up · Tue 24 Nov, 09:41:20",
		"2 causes, 4 monitors",
		"https://auth.example.com/api/oidc/token refuses client uptime-kuma: 401 invalid_client",
		"write the new secret of credential authelia to /run/secrets/authelia_client_secret",
		"3 monitors behind it are held", "11 min, since 09:29:21 credential/client_rejected",
		`the page has no "Invoices"; it begins "Maintenance <b>mode</b>"`,
		"expect.keyword is case-sensitive", "Held: the credential authelia is refused.",
		"Pending Ledger https://ledger.example.com/ 61 ms 99.14 09:41:02 on the way there network/connect for 20 s, since 09:41:00 connect to 192.0.2.7:443: connection refused is the service running",
		"New Printer https://printer.example.com/ – – not yet", "Maintenance Proxmox", "Paused Old wiki", "1.32 s",
		"Watchword 1.2.3", "All times Europe/Berlin",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s\nin: %s", want, got)
		}
	}
	for id, state := range map[string]string{"wiki": "down", "billing": "down", "ledger": "pending", "grafana": "up", "proxmox": "maintenance", "old-wiki": "paused", "printer": "pending"} {
		if want := fmt.Sprintf(`id="m-%s" data-status="%s"`, id, state); !strings.Contains(page, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if i, j := strings.Index(page, `id="m-wiki"`), strings.Index(page, `id="m-sign-in-page"`); i > j {
		t.Error("trouble does not come first in its group")
	}
}

// Whatever stands in a name, a URL or a fault, the page is made of our elements
// only.
func TestPageEscapesEverything(t *testing.T) {
	evil := `"'><script>alert(1)</script><img src=x onerror=alert(1)><b>` + "`{{.}}\u202e" + `</title></textarea>&lt;`
	v := view(evil, "evil", evil, check.Down)
	m := *v.Monitor
	m.URL, m.Credential = evil, evil
	v.Monitor = &m
	f := check.FaultText{Class: check.Class(evil), Reason: check.Reason(evil), Message: evil, Hint: evil}
	v = failing(v, &f, "08:00:00")
	w := &world{views: []board.View{v, v}, storage: Storage{Message: evil}}
	for _, kind := range []check.CauseKind{check.CauseMonitor, check.CauseAddress, check.CauseCredential, check.CauseGate, check.CauseProvider} {
		w.open = append(w.open, check.IncidentRecord{
			ID: evil, Cause: check.Cause{Kind: kind, Key: evil}, Fault: f, Opened: at("08:00:00"), Members: []check.Member{{ID: evil, Name: evil}, {ID: "evil", Name: evil}},
		})
	}
	for n := range 4 {
		part := *w
		part.open = w.open[:n]
		checkElements(t, show(t, &part))
	}
	page := show(t, w)
	checkElements(t, page)
	if got := words(t, page); strings.Count(got, "<script>alert(1)</script>") < 20 {
		t.Errorf("names are not shown as they are: %s", got)
	}
}

func checkElements(t *testing.T, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" || n.Data == "img" || n.Data == "b" && n.FirstChild == nil || n.Data == "style" || n.Data == "iframe" {
			t.Errorf("foreign element %s", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "href" && strings.Contains(a.Val, ":") && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("element %s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
}

func TestPageTellsOfTheDisk(t *testing.T) {
	w := sample()
	if strings.Contains(show(t, w), "database") {
		t.Error("a disk that is well is told of")
	}
	w.storage = Storage{Message: "no space left on device"}
	if got := words(t, show(t, w)); !strings.Contains(got, "The database cannot be written: no space left on device.") {
		t.Errorf("got %s", got)
	}
}

func TestManyMonitorsAreFolded(t *testing.T) {
	w := sample()
	for i := range 1000 {
		w.views = append(w.views, view(fmt.Sprintf("Shop %d", i), fmt.Sprintf("shop-%d", i), "Shops", check.Up))
	}
	page := show(t, w)
	if strings.Count(page, `<tr role="row" id="m-`) != 1011 {
		t.Error("not every monitor is there")
	}
	if !strings.Contains(page, "Show the other 2") || strings.Count(page, `<details class="group" open>`) != 2 || strings.Count(page, `<details class="group">`) != 2 {
		t.Error("groups in trouble are not open, or the others not closed")
	}
}

func TestHeadline(t *testing.T) {
	incident := func(kind check.CauseKind, key string, class check.Class, reason check.Reason, members ...string) check.IncidentRecord {
		r := check.IncidentRecord{ID: key, Cause: check.Cause{Kind: kind, Key: key}, Fault: check.FaultText{Class: class, Reason: reason}, Opened: at("08:00:00")}
		for _, m := range members {
			r.Members = append(r.Members, check.Member{ID: m, Name: m})
		}
		return r
	}
	held := view("E", "e", "", check.Maintenance)
	up, down, pending, paused := view("iCloud", "a", "", check.Up), failing(view("B", "b", "", check.Down), &check.FaultText{}, "08:00:00"), failing(view("C", "c", "", check.Pending), &check.FaultText{}, "08:00:00"), view("D", "d", "", check.Paused)
	fresh := view("E", "e", "", check.Pending)
	fresh.Last = board.Last{}
	mon := incident(check.CauseMonitor, "wiki", check.Content, check.KeywordMissing, "iWiki")
	idp := incident(check.CauseProvider, "https://auth.example.com", check.IDP, check.TokenUnreachable, "a", "b", "c")
	gate := incident(check.CauseGate, "authelia", check.Gateway, check.LoginRedirect, "a", "b")
	open := incident(check.CauseMonitor, "paperless", check.ExposedTo, check.AnonymousAccess, "Paperless")
	for _, c := range []struct {
		name  string
		views []board.View
		open  []check.IncidentRecord
		want  string
		title string
	}{
		{"nothing", nil, nil, "Nothing is watched yet.", "Watchword"},
		{"one", []board.View{up}, nil, "iCloud is up.", "All well · Watchword"},
		{"all", []board.View{up, up}, nil, "All 2 monitors are up.", "All well · Watchword"},
		{"new", []board.View{fresh, fresh}, nil, "2 monitors wait for their first run.", "Watchword"},
		{"some new", []board.View{up, fresh}, nil, "1 monitor is up, 1 waits for its first run.", "All well · Watchword"},
		{"some paused", []board.View{up, up, paused}, nil, "2 monitors are up, 1 paused.", "All well · Watchword"},
		{"some of both", []board.View{up, paused, held, held}, nil, "1 monitor is up, 2 in maintenance, 1 paused.", "All well · Watchword"},
		{"one in maintenance", []board.View{held}, nil, "E is in maintenance.", "Watchword"},
		{"all in maintenance", []board.View{held, held}, nil, "All 2 monitors are in maintenance.", "Watchword"},
		{"none up", []board.View{held, paused}, nil, "1 monitor is in maintenance, 1 paused.", "Watchword"},
		{"all paused", []board.View{paused}, nil, "Nothing is watched at the moment.", "Watchword"},
		{"pending", []board.View{up, pending}, nil, "1 monitor fails and is being tried again.", "1 failing · Watchword"},
		{"down", []board.View{up, down, pending}, nil, "1 monitor is down.", "1 down · Watchword"},
		{"a monitor", []board.View{down}, []check.IncidentRecord{mon}, "iWiki is down.", "1 open · Watchword"},
		{"by members", []board.View{down}, []check.IncidentRecord{mon, idp}, "The identity provider auth.example.com is not working and iWiki is down.", "2 open · Watchword"},
		{"exposed first", []board.View{down}, []check.IncidentRecord{gate, idp, open}, "Paperless is open to strangers, the identity provider auth.example.com is not working, and the gate authelia does not take our token.", "3 open · Watchword"},
		{"many", []board.View{down}, []check.IncidentRecord{mon, gate, idp, open}, "4 things are wrong; the worst: Paperless is open to strangers.", "4 open · Watchword"},
		{"many, ours", []board.View{down}, []check.IncidentRecord{mon, gate, idp, mon}, "4 things are wrong; the worst: the identity provider auth.example.com is not working.", "4 open · Watchword"},
	} {
		page := show(t, &world{views: c.views, open: c.open})
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for n := range doc.Descendants() {
			if n.Data != "h1" && n.Data != "title" {
				continue
			}
			for d := range n.Descendants() {
				if d.Type == html.TextNode {
					got[n.Data] += d.Data
				}
			}
		}
		if got["h1"] != c.want || got["title"] != c.title {
			t.Errorf("%s: got %q, %q\nwant %q, %q", c.name, got["h1"], got["title"], c.want, c.title)
		}
	}
}

func TestClauses(t *testing.T) {
	for want, r := range map[string]check.IncidentRecord{
		"the secret of credential k cannot be read":  {Cause: check.Cause{Kind: check.CauseCredential, Key: "k"}, Fault: check.FaultText{Reason: check.SecretUnavailable}},
		"the token of credential k cannot be used":   {Cause: check.Cause{Kind: check.CauseCredential, Key: "k"}, Fault: check.FaultText{Reason: check.TokenUnusable}},
		"the gate k answers with errors":             {Cause: check.Cause{Kind: check.CauseGate, Key: "k"}, Fault: check.FaultText{Class: check.Target, Reason: check.GatewayError}},
		"h:443 cannot be reached":                    {Cause: check.Cause{Kind: check.CauseAddress, Key: "h:443"}, Fault: check.FaultText{Class: check.Network, Reason: check.Timeout}},
		"W cannot be reached":                        {Cause: check.Cause{Kind: check.CauseAddress, Key: "h:443"}, Fault: check.FaultText{Class: check.Network, Reason: check.Timeout}, Members: []check.Member{{Name: "W"}}},
		"the certificate of h:443 has expired":       {Cause: check.Cause{Kind: check.CauseAddress, Key: "h:443"}, Fault: check.FaultText{Class: check.TLS, Reason: check.CertificateExpired}},
		"the certificate of h:443 cannot be trusted": {Cause: check.Cause{Kind: check.CauseAddress, Key: "h:443"}, Fault: check.FaultText{Class: check.TLS, Reason: check.CertificateHostname}},
		"h:443 does not complete the TLS handshake":  {Cause: check.Cause{Kind: check.CauseAddress, Key: "h:443"}, Fault: check.FaultText{Class: check.TLS, Reason: check.Handshake}},
		"h:443 answers with errors":                  {Cause: check.Cause{Kind: check.CauseAddress, Key: "h:443"}, Fault: check.FaultText{Class: check.Target, Reason: check.GatewayError}},
		"this agent has lost its own network":        {Cause: check.Cause{Kind: check.CauseAgent, Key: "agent"}, Fault: check.FaultText{Class: check.Agent, Reason: check.Offline}},
		"this agent has a fault of its own":          {Cause: check.Cause{Kind: check.CauseAgent, Key: "agent"}, Fault: check.FaultText{Class: check.Agent, Reason: check.Internal}},
		"m is down":                                  {Cause: check.Cause{Kind: check.CauseMonitor, Key: "m"}},
	} {
		c := clauseOf(&r)
		if got := c.Before + c.Name + c.After; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Every class has its place on the way, and a glyph that the page holds.
func TestHops(t *testing.T) {
	page := show(t, &world{})
	check.EachReason(func(c check.Class, r check.Reason) {
		h := hopOf(&check.FaultText{Class: c, Reason: r})
		if h.Words == "" || !strings.Contains(page, `<symbol id="`+h.Glyph+`"`) {
			t.Errorf("%s/%s: got %+v", c, r, h)
		}
	})
}

func TestFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "<1 ms", 61250 * time.Microsecond: "61 ms", 999 * time.Millisecond: "999 ms", 1320 * time.Millisecond: "1.32 s", 59999 * time.Millisecond: "59.99 s", 90 * time.Second: "1 min 30 s",
	} {
		if got := took(d); got != want {
			t.Errorf("took %v: got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 45 * time.Second: "45 s", 6*time.Minute + 20*time.Second: "6 min 20 s", 12*time.Minute + 9*time.Second: "12 min", 3 * time.Hour: "3 h",
		3*time.Hour + 5*time.Minute: "3 h 5 min", 50 * time.Hour: "2 d 2 h", 23*24*time.Hour + time.Hour: "23 d", 59*time.Minute + 59*time.Second: "59 min",
	} {
		if got := length(d); got != want {
			t.Errorf("length %v: got %q, want %q", d, got, want)
		}
	}
	for u, want := range map[float64]string{1: "100", .99996: "99.99", .9914: "99.14", 0: "0.00", .29: "29.00", math.Inf(1): "100"} {
		if got := percent(u); got != want {
			t.Errorf("percent %v: got %q, want %q", u, got, want)
		}
	}
	if got := percent(math.NaN()); got != "–" {
		t.Errorf("percent of nothing: got %q", got)
	}
	zone := time.FixedZone("east", 3600)
	now := at("23:30:00") // already the 25th there
	for when, want := range map[time.Time]string{
		at("23:10:05"): "00:10:05", at("22:10:05"): "24 Nov 23:10:05", at("00:00:00").AddDate(-1, 0, 0): "24 Nov 2025 01:00",
	} {
		if got := stampOf(when, now, zone); got.Text != want {
			t.Errorf("stamp of %v: got %q, want %q", when, got.Text, want)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	w := sample()
	for i := range 10_000 {
		w.views = append(w.views, view(fmt.Sprintf("Shop %d", i), fmt.Sprintf("shop-%d", i), fmt.Sprintf("region-%d", i%40), check.Up))
	}
	for b.Loop() {
		show(b, w)
	}
}

// How long a certificate lasts, and that people are warned of it.
func TestPageShowsCertificates(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		left time.Duration
		warn []time.Duration
		want string
	}{
		{60 * day, []time.Duration{21 * day}, `c-cert"><time datetime="2027-01-23T09:41:20+01:00" title="23 Jan 2027 09:41">60 d</time>`},
		{21*day + time.Hour, []time.Duration{21 * day}, `c-cert"><time`},
		{21 * day, []time.Duration{7 * day, 21 * day}, `c-cert soon"><time datetime="2026-12-15T09:41:20+01:00" title="15 Dec 09:41:20">21 d</time>`},
		{21 * day, nil, `c-cert"><time`},
		{47 * time.Hour, []time.Duration{21 * day}, `>1 d 23 h</time>`},
		{40 * time.Minute, []time.Duration{21 * day}, `c-cert soon"><time datetime="2026-11-24T10:21:20+01:00" title="10:21:20">40 min</time>`},
		{-time.Hour, nil, `c-cert soon"><time datetime="2026-11-24T08:41:20+01:00" title="08:41:20">expired</time>`},
	} {
		v := view("Wiki", "wiki", "", check.Up)
		v.Monitor.CertificateWarn = tc.warn
		ends := at("08:41:20").Add(tc.left)
		v.Last.CertExpiry, v.Last.Chain = ends, &check.Chain{NotBefore: ends.Add(-90 * day), NotAfter: ends, Verified: true}
		if page := html.UnescapeString(show(t, &world{views: []board.View{v}})); !strings.Contains(page, tc.want) {
			_, cell, _ := strings.Cut(page, `<tbody`)
			t.Errorf("%v: want %s in %s", tc.left, tc.want, cell)
		}
	}
}
