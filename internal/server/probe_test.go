package server

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/secret"
)

// probed counts what reaches the prober.
type probed struct{ n int }

func (p *probed) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.n++
	_, _ = io.WriteString(w, "probe_success 1\n")
}

// TestWhoMayProbe: on loopback whoever is there, with a login who may read the
// metrics, and nobody else.
func TestWhoMayProbe(t *testing.T) {
	token, both := Access{Auth: Auth{Metrics: Scraper{BearerToken: secret.Literal(scrapeToken)}}}, basic(publicStatus)
	both.Auth.Metrics = Scraper{Username: "prometheus", PasswordHash: hashOf(scraperPassword)}
	const loopback, all = "127.0.0.1:0", "0.0.0.0:0"
	for _, c := range []struct {
		name, listen string
		access       Access
		want         string // of stranger, viewer, admin, token and scraper
	}{
		{"loopback", loopback, Access{}, "200 200 200 200 200"},
		{"loopback, metrics with a token", loopback, token, "401 401 401 200 401"},
		{"loopback, basic and a public page", loopback, basic(publicStatus, publicBadges), "401 200 200 401 401"},
		{"off loopback", all, Access{}, "403 403 403 403 403"},
		{"off loopback, metrics with a token", all, token, "401 401 401 200 401"},
		{"off loopback, basic", all, basic(), "401 200 200 401 401"},
		{"off loopback, basic, metrics with a name", all, both, "401 200 200 401 200"},
	} {
		o, p := sample().options(), &probed{}
		o.Listen, o.Rules, o.Probe = c.listen, rulesOf(t, c.access), p
		s := start(t, o)
		ran := 0
		for i, edit := range []func(*http.Request){nil, as("reader", readerPassword), as("alice", adminPassword), bearer(scrapeToken), as("prometheus", scraperPassword)} {
			s.attempts.forget()
			want := strings.Fields(c.want)[i]
			if want == "200" {
				ran++
			}
			if r := ask(t, s, "GET", "/probe?target=x", edit); strconv.Itoa(r.status) != want {
				t.Errorf("%s, number %d: got %d, want %s", c.name, i, r.status, want)
			}
		}
		if p.n != ran {
			t.Errorf("%s: %d probes ran, want %d", c.name, p.n, ran)
		}
	}
}

// TestNoPageProbes: a page of another site has a browser send no probe, by
// whatever name it reaches us.
func TestNoPageProbes(t *testing.T) {
	o, p := sample().options(), &probed{}
	o.Probe = p
	s := start(t, o)
	for _, c := range []struct {
		header, value string
		want          int
	}{
		{"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-site", 403}, {"Sec-Fetch-Site", "none", 200}, {"Sec-Fetch-Site", "same-origin", 200}, {"", "", 200},
		{"Host", "evil.example.com", 421}, {"Host", "localhost", 200},
	} {
		r := ask(t, s, "GET", "/probe?target=x", func(r *http.Request) {
			switch c.header {
			case "Host":
				r.Host = c.value
			case "":
			default:
				r.Header.Set(c.header, c.value)
			}
		})
		if r.status != c.want {
			t.Errorf("%s %s: got %d, want %d", c.header, c.value, r.status, c.want)
		}
	}
	if p.n != 4 {
		t.Errorf("%d probes ran, want 4", p.n)
	}
	if r := ask(t, s, "POST", "/probe?target=x", nil); r.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d", r.status)
	}
}

// TestProbesEndWithTheServer: what a probe waits for ends when the agent does.
func TestProbesEndWithTheServer(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	o := sample().options()
	o.Probe = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	s := newServer(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	go func() {
		req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL()+"probe?target=x", nil)
		req.Close = true
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-began
	cancel()
	if err := <-ended; err == nil {
		t.Error("the probe was not ended")
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
