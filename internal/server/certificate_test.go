package server

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/lab"
)

// authority issues certificates into files.
type authority struct {
	*lab.CA
	t   *testing.T
	dir string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return authority{ca, t, t.TempDir()}
}

// issue writes a certificate over the one before, dated so that the change of
// the files shows.
func (a authority) issue(name string, o lab.CertOptions) TLS {
	a.t.Helper()
	c, err := a.Server(o)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key, err := c.Write(a.dir, name)
	if err != nil {
		a.t.Fatal(err)
	}
	return TLS{cert, key}
}

func (a authority) client(edit func(*tls.Config)) *http.Client {
	conf := &tls.Config{RootCAs: a.Pool(), ServerName: "localhost"}
	if edit != nil {
		edit(conf)
	}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	a.t.Cleanup(c.CloseIdleConnections)
	return c
}

// fetch returns the answer of a page, without its body.
func fetch(t *testing.T, c *http.Client, url string) (*http.Response, error) {
	t.Helper()
	resp, err := c.Get(url)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return resp, err
}

func TestHTTPS(t *testing.T) {
	a := newAuthority(t)
	o := sample().options()
	o.Rules = rulesOf(t, Access{TLS: a.issue("one", lab.CertOptions{})})
	s := start(t, o)
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("URL: got %s", s.URL())
	}
	resp, err := fetch(t, a.client(nil), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Errorf("got %d, %s", resp.StatusCode, resp.Proto)
	}
	if _, err := fetch(t, a.client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }), s.URL()); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if resp, err := fetch(t, a.client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), s.URL()); err != nil || resp.StatusCode != 200 {
		t.Errorf("TLS 1.2: %v", err)
	}
	if resp, err := fetch(t, a.client(nil), "http"+strings.TrimPrefix(s.URL(), "https")); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain http: %v", err)
	}
}

// A browser that is held to https is so on every port of the name. So only a
// name that is meant to be for https as a whole is bound.
func TestWhichNamesAreHeldToHTTPS(t *testing.T) {
	a := newAuthority(t)
	files := a.issue("one", lab.CertOptions{})
	for _, c := range []struct {
		external, host string
		want           bool
	}{
		{"https://watch.example.com/", "watch.example.com", true},
		{"https://Watch.Example.com:443/sub/", "watch.example.com:443", true},
		{"https://watch.example.com:9640/", "watch.example.com:9640", false},
		{"http://watch.example.com/", "watch.example.com", false},
		{"https://watch.example.com/", "nas.example.com:9640", false},
		{"https://watch.example.com/", "127.0.0.1:9640", false},
		{"https://localhost/", "localhost", false},
		{"", "nas.example.com:9640", false},
	} {
		o := sample().options()
		o.Listen, o.ExternalURL, o.Rules = "0.0.0.0:0", c.external, rulesOf(t, Access{TLS: files})
		s := start(t, o)
		_, port, err := net.SplitHostPort(s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:"+port+"/healthz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		resp, err := a.client(nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		want := ""
		if c.want {
			want = "max-age=15552000"
		}
		if got := resp.Header.Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s at %q: Strict-Transport-Security %q, want %q", c.external, c.host, got, want)
		}
	}
}

func serial(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := fetch(t, c, url)
	if err != nil {
		t.Fatal(err)
	}
	return resp.TLS.PeerCertificates[0].SerialNumber.String()
}

// shown is the serial number of the certificate that a handshake shows.
func (p *pair) shown(t *testing.T) string {
	t.Helper()
	c, err := p.current(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.SerialNumber.String()
}

// A renewed certificate is taken; a broken one never, and the log says so, once.
func TestTheCertificateIsReadAnew(t *testing.T) {
	a := newAuthority(t)
	log := &strings.Builder{}
	files := a.issue("one", lab.CertOptions{})
	p, err := newPair(files, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	first := p.shown(t)
	a.issue("one", lab.CertOptions{})
	p.refresh()
	second := p.shown(t)
	if first == second {
		t.Error("the old certificate is shown")
	}
	key, err := os.ReadFile(files.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	other := a.issue("two", lab.CertOptions{})
	for what, path := range map[string]string{"another's key": other.KeyFile, "no key": other.CertFile, "no file": ""} {
		_ = os.Remove(files.KeyFile)
		if path != "" {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, files.KeyFile, string(b))
		}
		for range 2 {
			p.refresh()
			if got := p.shown(t); got != second {
				t.Errorf("%s: another certificate is shown", what)
			}
		}
	}
	if got := strings.Count(log.String(), "the new certificate cannot be used"); got != 3 {
		t.Errorf("the log tells of %d broken pairs, want 3: %s", got, log)
	}
	if strings.Contains(log.String(), "PRIVATE") || !strings.Contains(log.String(), "one.key") {
		t.Errorf("got log %s", log)
	}
	write(t, files.KeyFile, string(key))
	p.refresh()
	if got := p.shown(t); got != second {
		t.Error("the mended pair is not shown")
	}
}

// Whoever connects has the files looked at, and those who come next get what is
// in them.
func TestARenewedCertificateIsShown(t *testing.T) {
	a := newAuthority(t)
	o := sample().options()
	o.Rules = rulesOf(t, Access{TLS: a.issue("one", lab.CertOptions{})})
	s := start(t, o)
	c := a.client(nil)
	first := serial(t, c, s.URL())
	a.issue("one", lab.CertOptions{})
	for end := time.Now().Add(10 * time.Second); serial(t, c, s.URL()) == first; {
		if time.Now().After(end) {
			t.Fatal("the old certificate is shown")
		}
	}
}

// Where nobody connects, the certificate is fresh when somebody does.
func TestTheCertificateIsLookedAtNowAndThen(t *testing.T) {
	a := newAuthority(t)
	rules := rulesOf(t, Access{TLS: a.issue("one", lab.CertOptions{})})
	first := rules.pair.shown(t)
	a.issue("one", lab.CertOptions{})
	synctest.Test(t, func(t *testing.T) {
		s := &Server{arrived: make(chan struct{}, 1)}
		s.rules.Store(rules)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go s.keepFresh(ctx)
		time.Sleep(lookEvery)
		synctest.Wait()
		if rules.pair.shown(t) == first {
			t.Error("the old certificate is shown")
		}
	})
}

// A reload turns https on and off on the same address; what was connected
// before is let go after its next answer.
func TestHTTPSIsTurnedOnAndOff(t *testing.T) {
	a := newAuthority(t)
	o := sample().options()
	s := start(t, o)
	kept := &http.Client{Transport: &http.Transport{}}
	defer kept.CloseIdleConnections()
	plain := s.URL()
	if _, err := fetch(t, kept, plain); err != nil {
		t.Fatal(err)
	}
	s.Use(rulesOf(t, Access{TLS: a.issue("one", lab.CertOptions{})}))
	resp, err := fetch(t, kept, plain)
	if err != nil || resp.StatusCode != 200 || !resp.Close {
		t.Errorf("the connection of before: %v; it is to be closed", err)
	}
	if resp, err := fetch(t, kept, plain); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain http after that: %v", err)
	}
	if resp, err := fetch(t, a.client(nil), s.URL()); err != nil || resp.StatusCode != 200 || !strings.HasPrefix(s.URL(), "https") {
		t.Errorf("https: %v", err)
	}
	s.Use(rulesOf(t, Access{}))
	if resp, err := fetch(t, kept, plain); err != nil || resp.StatusCode != 200 || s.URL() != plain {
		t.Errorf("plain http again: %v", err)
	}
}

// Silent TLS connections do not hold up the shutdown either.
func TestShutdownWithSilentTLS(t *testing.T) {
	a := newAuthority(t)
	o := sample().options()
	o.Rules = rulesOf(t, Access{TLS: a.issue("one", lab.CertOptions{})})
	s := newServer(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: a.Pool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the shutdown took %v", took)
	}
}

func TestCheckTLS(t *testing.T) {
	a := newAuthority(t)
	one, two := a.issue("one", lab.CertOptions{}), a.issue("two", lab.CertOptions{Expired: true})
	early := a.issue("three", lab.CertOptions{NotYetValid: true})
	write(t, a.dir+"/encrypted.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
	for _, c := range []struct {
		name    string
		files   TLS
		path    string
		warning bool
		want    []string
	}{
		{"good", one, "", false, nil},
		{"none", TLS{}, "", false, nil},
		{"no key", TLS{one.CertFile, ""}, "tls.cert_file", false, []string{"key_file as well"}},
		{"no certificate", TLS{"", one.KeyFile}, "tls.key_file", false, []string{"cert_file as well"}},
		{"absent", TLS{one.CertFile, a.dir + "/no.key"}, "tls.key_file", false, []string{"there is no file", "no.key"}},
		{"swapped", TLS{one.KeyFile, one.CertFile}, "tls.cert_file", false, []string{"are swapped", "one.key"}},
		{"no pair", TLS{one.CertFile, two.KeyFile}, "tls.key_file", false, []string{"two.key is not the key of the certificate in", "one.crt"}},
		{"encrypted", TLS{one.CertFile, a.dir + "/encrypted.key"}, "tls.key_file", false, []string{"encrypted.key", "openssl pkey"}},
		{"expired", two, "tls.cert_file", true, []string{"two.crt", "expired on"}},
		{"not yet valid", early, "tls.cert_file", true, []string{"the server's certificate in", "three.crt", "is the clock right?"}},
	} {
		ps := CheckTLS(c.files)
		if len(c.want) == 0 {
			if len(ps) > 0 {
				t.Errorf("%s: got %v", c.name, ps)
			}
			continue
		}
		if len(ps) != 1 || ps[0].Path != c.path || ps[0].Warning != c.warning {
			t.Errorf("%s: got %v, want one of %s, warning %t", c.name, ps, c.path, c.warning)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(ps[0].Message, want) {
				t.Errorf("%s: got %q, want it to say %q", c.name, ps[0].Message, want)
			}
		}
		if _, err := NewRules(Access{TLS: c.files}, slog.New(slog.DiscardHandler)); (err == nil) != c.warning {
			t.Errorf("%s: NewRules: %v", c.name, err)
		}
	}
}
