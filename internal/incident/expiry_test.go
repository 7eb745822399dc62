package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
)

const day = 24 * time.Hour

// shows has monitors that warn as the built-in defaults say.
func (w *world) shows(id string, change func(*incident.Policy)) {
	w.monitor(id, func(p *incident.Policy) {
		p.Monitor.URL = "https://" + id + ".example.com/"
		p.Monitor.CertificateWarn = []time.Duration{21 * day, 14 * day, 7 * day}
		if change != nil {
			change(p)
		}
	})
}

// cert is a certificate of 90 days that ends in so long.
func (w *world) cert(name string, left time.Duration) *check.Chain {
	ends := w.now.Add(left)
	return &check.Chain{Fingerprint: strings.Repeat(name, 32), Name: name + ".example.com", Subject: "CN=" + name + ".example.com", Issuer: "CN=R11,O=Let's Encrypt",
		NotBefore: ends.Add(-90 * day), NotAfter: ends, Verified: true}
}

// see is a run that passed, or did not, over TLS.
func (w *world) see(c *check.Chain, f *check.Fault, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		i := slices.IndexFunc(w.policies, func(p incident.Policy) bool { return p.Monitor.ID == id })
		s, change := w.tracker.Observe(check.Result{Monitor: w.policies[i].Monitor, Start: w.now, Certs: c, Fault: f})
		w.commit(change)
		if f == nil && s.State != check.Up {
			w.t.Errorf("%s is %s, want up: a warning is no outage", id, s.State)
		}
	}
}

func TestACertificateIsToldOnceAtEachThreshold(t *testing.T) {
	w := newWorld(t)
	w.shows("a", nil)
	w.configure()
	c := w.cert("a", 30*day)
	told := map[int][]string{}
	for d := 30; d > 0; d-- {
		for range 4 {
			w.see(c, nil, "a")
			w.wait(6 * time.Hour)
			if d%2 == 0 {
				w.restart()
			}
		}
		if lines := w.told(); len(lines) > 0 {
			told[d] = lines
		}
	}
	if got, want := fmt.Sprint(told), "map[7:[certificate a] 14:[certificate a] 21:[certificate a]]"; got != want {
		t.Errorf("told, by days left: %s, want %s", got, want)
	}
	if open := w.tracker.Open(); len(open) > 0 {
		t.Errorf("open: %+v", open)
	}
}

func TestWhatIsSaidOfACertificate(t *testing.T) {
	w := newWorld(t)
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w.opts.Zone, w.opts.Link = zone, func(id string) string { return "https://watch.example.com/" + id }
	var logged []string
	w.opts.Expiring = func(ids []string, f check.FaultText) { logged = append(logged, fmt.Sprint(ids, " ", f.Message)) }
	w.shows("wiki", nil)
	w.configure()
	c := w.cert("wiki", 6*day)
	w.see(c, nil, "wiki")
	w.wait(time.Minute)
	if len(w.sent) != 1 || len(w.sent[0].Events) != 1 {
		t.Fatalf("sent %+v", w.sent)
	}
	e, at := w.sent[0].Events[0], w.now.Add(-50*time.Second)
	want := check.Event{
		Incident: "certificate-" + c.Fingerprint[:16], Kind: check.KindCertificate, At: at, Severity: check.Warning,
		Cause: check.Cause{Kind: check.CauseCertificate, Key: "wiki.example.com"},
		Fault: check.FaultText{Class: check.TLS, Reason: check.CertificateExpired,
			Message: "the certificate of wiki.example.com (CN=wiki.example.com, issued by CN=R11,O=Let's Encrypt) expires in 6 days, on 2026-11-28 13:00 CET",
			Hint: "renew the certificate for wiki.example.com with its issuer, and load it at wiki.example.com: " +
				"a renewed file that nobody reloaded looks the same, and a renewal that is on its way cannot be seen from here"},
		Members: []check.Member{{ID: "wiki", Name: "WIKI"}}, Link: "https://watch.example.com/",
	}
	if got := fmt.Sprintf("%+v", e); got != fmt.Sprintf("%+v", want) {
		t.Errorf("got\n%s\nwant\n%+v", got, want)
	}
	if want := "[wiki] " + want.Fault.Message; len(logged) != 1 || logged[0] != want {
		t.Errorf("logged %q, want %q", logged, want)
	}
}

func TestAnAuthorityThatEndsFirstIsNamed(t *testing.T) {
	w := newWorld(t)
	w.shows("a", nil)
	w.shows("b", nil)
	w.configure()
	ends := w.now.Add(10 * day)
	for i, id := range []string{"a", "b"} { // two leaves, one authority, one message
		c := w.cert(id, time.Duration(60+i)*day)
		c.NotAfter = ends
		c.Ending = &check.Certificate{Fingerprint: strings.Repeat("f", 64), Subject: "CN=Old CA", NotBefore: ends.Add(-3650 * day), NotAfter: ends}
		w.see(c, nil, id)
	}
	w.wait(time.Minute)
	if len(w.sent) != 1 || w.sent[0].Events[0].Fault.Message != "the certificate of an authority (CN=Old CA) in the chain of a.example.com and b.example.com expires in 10 days, on 2026-12-02 12:00 UTC" {
		t.Errorf("sent %+v", w.sent)
	}
	w.expect("certificate a,b")
}

func TestOneCertificateOneMessage(t *testing.T) {
	w := newWorld(t)
	ids := []string{"a", "b", "c", "d", "e"}
	for _, id := range ids {
		w.shows(id, nil)
	}
	w.shows("late", nil)
	w.configure()
	c := w.cert("x", 22*day)
	w.see(c, nil, ids...)
	w.wait(day - time.Minute)
	w.expect()
	w.wait(time.Minute)
	w.see(c, nil, "a") // the others have shown it too, and run later than group_wait
	w.wait(time.Minute)
	w.see(c, nil, ids...)
	w.wait(time.Minute)
	if e := w.sent[0].Events[0]; !strings.HasPrefix(e.Fault.Message, "the certificate of a.example.com, b.example.com, c.example.com and 2 more (CN=x.example.com") {
		t.Errorf("said %q", e.Fault.Message)
	}
	w.expect("certificate a,b,c,d,e")
	w.see(c, nil, "late") // it is one certificate still
	w.wait(time.Minute)
	w.restart()
	w.see(c, nil, append(ids, "late")...)
	w.wait(time.Minute)
	w.expect()
	w.wait(7 * day)
	w.see(c, nil, "late", "a")
	w.wait(time.Minute)
	w.expect("certificate a,b,c,d,e,late")
}

// After a start the runs come one after the other, further apart than
// group_wait: who comes late is not told of again.
func TestACertificateThatIsDueAtTheStart(t *testing.T) {
	w := newWorld(t)
	logged := 0
	w.opts.Expiring = func([]string, check.FaultText) { logged++ }
	w.channels = append(w.channels, incident.Channel{Name: "hook", Keyed: true})
	both := func(p *incident.Policy) { p.Notify = []string{"ops", "hook"} }
	w.shows("a", nil)
	w.shows("b", nil)
	w.shows("c", both)
	w.shows("d", both)
	w.configure()
	c, other := w.cert("x", 5*day), w.cert("y", 4*day)
	w.see(c, nil, "a")
	w.see(other, nil, "b")
	w.wait(30 * time.Second)
	w.expect("certificate b a") // the first to expire first
	w.see(c, nil, "b", "c")     // b shows another one now, which is known
	w.wait(30 * time.Second)
	w.expect("hook: certificate c") // ops knows
	w.see(c, nil, "d")
	w.see(other, nil, "d")
	w.wait(30 * time.Second)
	w.expect("hook: certificate d") // of the other, which it did not know
	if logged != 2 {
		t.Errorf("logged %d times, want once a certificate", logged)
	}
}

func TestARenewedCertificateBeginsAnew(t *testing.T) {
	w := newWorld(t)
	w.shows("a", nil)
	w.configure()
	first := w.cert("a", 20*day)
	w.see(first, nil, "a")
	w.wait(time.Minute)
	w.expect("certificate a")
	second := w.cert("b", 90*day)
	w.see(second, nil, "a")
	w.see(first, nil, "a") // another server behind the same name has the old one yet
	w.see(second, nil, "a")
	w.wait(80 * day)
	w.expect()
	w.see(second, nil, "a")
	w.wait(time.Minute)
	w.expect("certificate a")
	if s, _ := w.tracker.State("a"); len(s.Warned) != 1 || s.Warned[0].Fingerprint != second.Fingerprint || s.Warned[0].Threshold != 14*day {
		t.Errorf("remembered %+v: what has ended is forgotten", s.Warned)
	}
}

// Failing, recovering, a reload and a kill repeat nothing; an expired one is an
// outage, and no warning.
func TestNothingRepeatsAWarning(t *testing.T) {
	w := newWorld(t)
	w.shows("a", func(p *incident.Policy) { p.Retries = 1 })
	w.configure()
	c := w.cert("a", 6*day)
	w.see(c, nil, "a")
	w.restart() // killed before it went out
	w.expect()
	w.see(c, status(), "a")
	w.wait(20 * time.Second)
	w.expect("certificate a")
	w.see(c, status(), "a")
	w.wait(20 * time.Second)
	w.see(c, nil, "a")
	w.wait(20 * time.Second)
	w.expect("down a", "up a")
	w.change("a", func(p *incident.Policy) {
		m := *p.Monitor
		m.CertificateWarn = []time.Duration{30 * day, 7 * day}
		p.Monitor = &m
	})
	w.see(c, nil, "a")
	w.wait(time.Minute)
	w.restart()
	w.see(c, nil, "a")
	w.wait(6 * day)
	w.expect()
	expired := &check.Fault{Class: check.TLS, Reason: check.CertificateExpired, Cause: check.Cause{Kind: check.CauseAddress, Key: "a.example.com:443"}, Message: "the certificate expired"}
	for range 3 {
		w.see(nil, expired, "a")
		w.wait(time.Minute)
	}
	w.see(c, status(), "a") // a kept connection
	w.wait(time.Minute)
	w.expect("down a")
}

func TestWhoIsToldOfACertificate(t *testing.T) {
	w := newWorld(t)
	w.opts.GroupWait = 0
	w.channels = append(w.channels, incident.Channel{Name: "deaf", Wants: func(k check.Kind) bool { return k != check.KindCertificate }})
	var logged []string
	w.opts.Expiring = func(ids []string, _ check.FaultText) { logged = append(logged, strings.Join(ids, ",")) }
	w.shows("deaf", func(p *incident.Policy) { p.Notify = []string{"deaf"} })
	w.shows("nobody", func(p *incident.Policy) { p.Notify = nil })
	w.shows("never", func(p *incident.Policy) { p.Monitor.CertificateWarn = nil })
	w.shows("unverified", nil)
	w.configure()
	for range 3 {
		w.see(w.cert("1", day), nil, "deaf")
		w.see(w.cert("2", day), nil, "nobody")
		w.see(w.cert("3", day), nil, "never")
		c := w.cert("4", day)
		c.Verified = false
		w.see(c, nil, "unverified")
		w.wait(time.Minute)
	}
	w.expect()
	slices.Sort(logged)
	if want := []string{"deaf", "nobody"}; !slices.Equal(logged, want) {
		t.Errorf("logged %q, want %q: the log tells once, whoever is told", logged, want)
	}
}

// A monitor whose URL changed is not named for what its old host showed.
func TestAChangedMonitorForgetsWhatItSaw(t *testing.T) {
	w := newWorld(t)
	w.shows("a", nil)
	w.shows("b", nil)
	w.configure()
	c := w.cert("x", 21*day+time.Minute)
	w.see(c, nil, "a", "b")
	w.change("b", func(p *incident.Policy) {
		m := *p.Monitor
		m.URL = "https://elsewhere.example.com/"
		p.Monitor = &m
	})
	w.wait(time.Hour)
	w.see(c, nil, "a")
	w.wait(time.Minute)
	w.expect("certificate a")
}

// BenchmarkObserveWithCertificate is what an ordinary run costs.
func BenchmarkObserveWithCertificate(b *testing.B) {
	t := incident.New(incident.Options{})
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := &check.Monitor{ID: "a", Type: "http", CertificateWarn: []time.Duration{21 * day, 14 * day, 7 * day}}
	t.Configure(incident.Options{}, []incident.Policy{{Monitor: m, Recoveries: 1}}, nil, now)
	c := &check.Chain{Fingerprint: "x", NotBefore: now, NotAfter: now.Add(90 * day), Verified: true}
	for b.Loop() {
		t.Observe(check.Result{Monitor: m, Start: now, Certs: c})
	}
}
