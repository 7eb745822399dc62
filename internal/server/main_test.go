package server

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.999", "2026-11-24 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

// world is all that a server shows, and what it was asked to do.
type world struct {
	views    []board.View
	open     []check.IncidentRecord
	err      error // of reading incidents
	refused  []string
	reload   func(context.Context) []string
	notReady bool
	storage  Storage
	metrics  http.Handler
}

func (w *world) each(f func(*board.View) bool) {
	for i := range w.views {
		if !f(&w.views[i]) {
			return
		}
	}
}

func (w *world) get(id string) (board.View, bool) {
	for _, v := range w.views {
		if v.Monitor.ID == id {
			return v, true
		}
	}
	return board.View{}, false
}

func (w *world) incidents(_ context.Context, state string) ([]check.IncidentRecord, error) {
	if w.err != nil {
		return nil, w.err
	}
	if state == "open" {
		return w.open, nil
	}
	closed := check.IncidentRecord{
		ID: "20261101-000000-4", Cause: check.Cause{Kind: check.CauseMonitor, Key: "wiki"}, Opened: at("01:00:00"), Closed: at("01:05:30"),
		Fault:   check.FaultText{Class: check.Content, Reason: check.KeywordMissing, Message: `"Dashboard" is not in the page`, Hint: "look at the page"},
		Members: []check.Member{{ID: "wiki", Name: "Wiki"}},
	}
	return append(append([]check.IncidentRecord{}, w.open...), closed), nil
}

func (w *world) options() Options {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	if w.metrics == nil {
		w.metrics = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { plain(rw, "metrics") })
	}
	if w.reload == nil {
		w.reload = func(context.Context) []string { return w.refused }
	}
	if w.storage == (Storage{}) {
		w.storage = Storage{Writable: true}
	}
	return Options{
		Listen: "127.0.0.1:0", ExternalURL: "https://watch.example.com/", Version: "1.2.3", Location: "home", Zone: zone,
		Each: w.each, Get: w.get, Incidents: w.incidents,
		Reload:  func(ctx context.Context) []string { return w.reload(ctx) },
		Metrics: w.metrics, Ready: func() bool { return !w.notReady }, Storage: func() Storage { return w.storage },
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at("08:41:20") },
	}
}

func view(name, id, group string, s check.State) board.View {
	return board.View{
		Monitor: &check.Monitor{ID: id, Name: name, Type: "http", Group: group, URL: "https://" + id + ".example.com/", Credential: "authelia"},
		State:   s, Since: at("05:12:40"), Uptime24h: 1, Uptime7d: 0.999912345, Uptime30d: math.NaN(), RunsOK: 1000,
		Last: board.Last{
			Has: true, Start: at("08:41:02.5"), Took: 61*time.Millisecond + 250*time.Microsecond, StatusCode: 200, CertExpiry: at("00:00:00").AddDate(0, 2, 0),
			Phases: check.Phases{Token: 2 * time.Millisecond, Resolve: time.Millisecond, Connect: 9 * time.Millisecond, TLS: 20 * time.Millisecond, Processing: 29 * time.Millisecond, Transfer: 250 * time.Microsecond},
		},
	}
}

func failing(v board.View, f *check.FaultText, since string) board.View {
	v.Since, v.Last.Fault, v.Last.StatusCode, v.Last.CertExpiry, v.Uptime24h = at(since), f, 0, time.Time{}, 0.99144
	return v
}

// sample is a small world with something of everything.
func sample() *world {
	rejected := &check.FaultText{
		Class: check.Credential, Reason: check.ClientRejected,
		Message: "https://auth.example.com/api/oidc/token refuses client uptime-kuma: 401 invalid_client",
		Hint:    "write the new secret of credential authelia to /run/secrets/authelia_client_secret; it is read again at the next try, nothing needs a restart",
	}
	refused := &check.FaultText{
		Class: check.Network, Reason: check.Connect, Message: "connect to 192.0.2.7:443: connection refused",
		Hint: "is the service running, and does it listen on 192.0.2.7:443?",
	}
	keyword := &check.FaultText{
		Class: check.Content, Reason: check.KeywordMissing, Message: `the page has no "Invoices"; it begins "Maintenance <b>mode</b>"`,
		Hint: "open https://billing.example.com/ and see what it shows; expect.keyword is case-sensitive",
	}
	fresh := view("Printer", "printer", "Lab", check.Pending)
	fresh.Last, fresh.Since, fresh.Uptime24h, fresh.Uptime7d = board.Last{}, time.Time{}, math.NaN(), math.NaN()
	slow := view("Customer portal for partners in Switzerland, Liechtenstein and Vorarlberg 🏔", "portal", "Billing", check.Up)
	slow.Last.Took = 1320 * time.Millisecond
	members := []check.Member{{ID: "wiki", Name: "Wiki"}, {ID: "git", Name: "Git <script>alert(1)</script>"}, {ID: "photos", Name: "مدونة الشركة"}}
	return &world{
		views: []board.View{
			view("Sign-in page", "sign-in-page", "Gate", check.Up),
			failing(view("Wiki", "wiki", "Gate", check.Down), rejected, "08:29:21"),
			failing(view("Git <script>alert(1)</script>", "git", "Gate", check.Down), rejected, "08:29:25"),
			failing(view("مدونة الشركة", "photos", "Gate", check.Down), rejected, "08:29:29"),
			view("Grafana", "grafana", "Gate", check.Up),
			slow,
			failing(view("Billing console", "billing", "Billing", check.Down), keyword, "08:37:10"),
			failing(view("Ledger", "ledger", "Billing", check.Pending), refused, "08:41:00"),
			fresh,
			view("Proxmox", "proxmox", "Lab", check.Maintenance),
			view("Old wiki", "old-wiki", "Lab", check.Paused),
		},
		open: []check.IncidentRecord{
			{ID: "20261124-083710-2", Cause: check.Cause{Kind: check.CauseMonitor, Key: "billing"}, Fault: *keyword, Opened: at("08:37:10"), Members: []check.Member{{ID: "billing", Name: "Billing console"}}},
			{ID: "20261124-082921-1", Cause: check.Cause{Kind: check.CauseCredential, Key: "authelia"}, Fault: *rejected, Opened: at("08:29:21"), Members: members},
		},
	}
}

func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
