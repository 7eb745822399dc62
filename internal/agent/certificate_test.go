package agent_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/incident"
	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/probes"
)

// shop issues certificates and shows the newest.
type shop struct {
	t     *testing.T
	ca    *lab.CA
	shown atomic.Pointer[tls.Certificate]
}

func newShop(t *testing.T) *shop {
	t.Helper()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return &shop{t: t, ca: ca}
}

// renew shows a certificate from now on that was issued before a while and
// expires after another.
func (s *shop) renew(since, left time.Duration) {
	s.t.Helper()
	now := time.Now()
	c, err := s.ca.Server(lab.CertOptions{CommonName: "wiki.example.com", Names: []string{"wiki.example.com", "127.0.0.1"}, NotBefore: now.Add(-since), NotAfter: now.Add(left)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.shown.Store(&c.TLS)
}

func (s *shop) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.shown.Load(), nil }}
}

// roomy is a listener whose connections take what is written at once: on a bare
// pipe a client that refuses a certificate and a server that goes on talking
// wait for each other.
type roomy struct{ net.Listener }

func (l roomy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r := &roomyConn{Conn: c, out: make(chan []byte, 100), done: make(chan struct{})}
	go r.pump()
	return r, nil
}

type roomyConn struct {
	net.Conn
	out  chan []byte
	done chan struct{}
	once sync.Once
}

func (c *roomyConn) Write(b []byte) (int, error) {
	select {
	case c.out <- bytes.Clone(b):
		return len(b), nil
	case <-c.done:
		return 0, net.ErrClosed
	}
}

func (c *roomyConn) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

// What was written is on its way: no deadline of its writer ends it.
func (c *roomyConn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *roomyConn) SetWriteDeadline(time.Time) error { return nil }

// pump ends once all that was written before Close is through, or the other
// end is gone.
func (c *roomyConn) pump() {
	defer c.Conn.Close()
	for {
		select {
		case b := <-c.out:
			if _, err := c.Conn.Write(b); err != nil {
				return
			}
			continue
		default:
		}
		select {
		case b := <-c.out:
			if _, err := c.Conn.Write(b); err != nil {
				return
			}
		case <-c.done:
			if len(c.out) == 0 {
				return
			}
		}
	}
}

const aDay = 24 * time.Hour

// Half a year of a certificate: it is told at each threshold, expires, is
// renewed by a shorter one, and that is told as its own life asks for.
func TestTheLifeOfACertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.renew(0, 90*aDay)
		pipe := lab.NewPipe()
		srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ErrorLog: log.New(io.Discard, "", 0)}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(tls.NewListener(roomy{pipe}, s.config())) }()
		rt := pipe.Transport()
		rt.DisableKeepAlives, rt.TLSClientConfig = true, &tls.Config{RootCAs: s.ca.Pool(), MinVersion: tls.VersionTLS12}
		o := probes.DefaultHTTPOptions()
		o.URL = "https://wiki.example.com/"
		m := &check.Monitor{ID: "wiki", Name: "Wiki", Type: "http", URL: o.URL, CertificateWarn: []time.Duration{21 * aDay, 14 * aDay, 7 * aDay}}
		probe, err := probes.NewHTTP(m, o, nil, probes.Common{RT: rt})
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		opts := incident.Options{GroupWait: 10 * time.Second, NewID: func() string { n++; return fmt.Sprint(n) }, DeliveryID: func() int64 { n++; return n }}
		tracker := incident.New(opts)
		tracker.Configure(opts, []incident.Policy{{Monitor: m, Interval: 6 * time.Hour, Recoveries: 1, Notify: []string{"ops"}}}, []incident.Channel{{Name: "ops"}}, time.Now())
		began := time.Now()
		var told []string
		note := func(c check.Change) {
			for _, d := range c.Deliveries {
				told = append(told, fmt.Sprintf("day %d: %s %s", time.Since(began)/aDay, d.Kind, d.Events[0].Fault.Message))
			}
		}
		for day := range 140 {
			if day == 92 {
				s.renew(0, 47*aDay)
			}
			for range 4 {
				_, c := tracker.Observe(probe.Probe(t.Context()))
				note(c)
				time.Sleep(time.Minute)
				c, _ = tracker.Advance(time.Now())
				note(c)
				time.Sleep(6*time.Hour - time.Minute)
			}
		}
		// The clock of these tests begins with the year 2000.
		const of = "the certificate of wiki.example.com (CN=wiki.example.com, issued by CN=Watchword Lab CA) expires in "
		want := []string{
			"day 69: certificate " + of + "21 days, on 2000-03-31 00:00 UTC", "day 76: certificate " + of + "14 days, on 2000-03-31 00:00 UTC",
			"day 83: certificate " + of + "7 days, on 2000-03-31 00:00 UTC", "day 90: down the certificate \"wiki.example.com\" expired on 2000-03-31T00:00:00Z",
			"day 92: up the certificate \"wiki.example.com\" expired on 2000-03-31T00:00:00Z",
			"day 125: certificate " + of + "14 days, on 2000-05-19 00:00 UTC", "day 132: certificate " + of + "7 days, on 2000-05-19 00:00 UTC",
			"day 139: down the certificate \"wiki.example.com\" expired on 2000-05-19T00:00:00Z",
		}
		if !slices.Equal(told, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// One message for all that show a certificate, over restarts and reloads, and
// it is seen wherever people look.
func TestCertificateWarning(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.renew(84*aDay, 6*aDay)
	dir := t.TempDir()
	caFile, err := s.ca.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	wiki := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), s.config())
	w := newWorld(t, lab.Config{}, lab.ChatOptions{})
	file := filepath.Join(dir, "watch.yaml")
	yaml := func(more string) string {
		return head(dir) + fmt.Sprintf("notifiers:\n  chat: {type: slack, webhook_url: %q}\ndefaults: {interval: 1s, retries: 0, retry_interval: 1s, tls: {ca_file: %q}%s}\n", w.slack(), caFile, more) +
			fmt.Sprintf("monitors:\n  - {name: Wiki, url: %q}\n  - {name: Recent changes, url: %q}\n  - {name: Never, url: %q, certificate_warn: []}\n", wiki.URL(), wiki.URL()+"/recent", wiki.URL())
	}
	save(t, file, yaml(""))
	a := start(t, file)
	until(t, 10*time.Second, "the warning is told", func() bool { return w.said("expires in 6 days") == 1 })
	until(t, 10*time.Second, "all are up", func() bool { return a.states()["up"] == 3 })
	if m := a.monitors()["wiki"]; m.CertificateExpires == nil || m.Fault != nil {
		t.Errorf("the API shows %+v", m)
	}
	if is := a.incidents("all"); len(is) > 0 {
		t.Errorf("there are incidents: %+v", is)
	}
	if _, page := a.ask(http.MethodGet, "/"); strings.Count(page, `c-cert soon"`) != 2 || strings.Count(page, ">6 d</time>") != 3 {
		t.Errorf("the page does not show it: %s", page)
	}
	if _, ok := a.metric(`watchword_probe_certificate_expiry_timestamp_seconds{monitor="wiki"}`); !ok {
		t.Error("there is no metric")
	}
	quiet := func(what string, n int) {
		t.Helper()
		during(t, 1800*time.Millisecond, what, func() bool { return len(w.texts()) == n })
	}
	quiet("nothing is told twice", 1)
	if text := w.texts()[0]; !strings.Contains(text, "[Certificate] ") || strings.Contains(text, "Never") {
		t.Errorf("said %s", text)
	}
	if n := strings.Count(a.log.String(), "certificate expires soon"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	if err := a.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}

	a = start(t, file)
	until(t, 10*time.Second, "all are up again", func() bool { return a.states()["up"] == 3 })
	save(t, file, yaml(", headers: {X-Changed: yes}")) // every monitor is built anew
	if code, body := a.ask(http.MethodPost, "/-/reload"); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	quiet("neither a restart nor a reload tells it again", 1)

	s.renew(87*aDay, 3*aDay)
	until(t, 10*time.Second, "another certificate is another warning", func() bool { return w.said("expires in 3 days") == 1 })
	quiet("which is told once", 2)
}
