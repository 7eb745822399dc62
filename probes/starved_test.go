package probes_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/probes"
)

// late is a context whose timer goes off long after its deadline, as on a
// machine that has no time for it.
type late struct {
	context.Context
	end time.Time
}

func (l late) Deadline() (time.Time, bool) { return l.end, true }

func (l late) Err() error {
	if l.Context.Err() == nil {
		return nil
	}
	return context.DeadlineExceeded
}

// lag returns a context that ends after the time given, and should have long ago
// by the time given.
func lag(t *testing.T, ends, by time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), ends)
	t.Cleanup(cancel)
	return late{ctx, time.Now().Add(ends - by)}
}

// That our own machine is too busy is no fault of the target.
func TestAStarvedRunBlamesNobody(t *testing.T) {
	hangs := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	without := func(reason check.Reason, class check.Class) *probes.Way {
		return way(&keys{err: &check.Fault{Class: class, Reason: reason, Cause: check.Cause{Kind: check.CauseProvider, Key: "p"}, Message: "no token", Hint: "look"}})
	}
	for _, tc := range []struct {
		name string
		ctx  context.Context
		url  string
		way  *probes.Way
		want string
	}{
		{"begun after the end", lag(t, time.Hour, time.Hour+350*time.Millisecond), "http://127.0.0.1:2/", nil, "agent/internal"},
		{"begun after the end, which is noticed", lag(t, 0, 350*time.Millisecond), hangs.URL, nil, "agent/internal"},
		{"a name", lag(t, time.Hour, time.Hour+350*time.Millisecond), "http://localhost:2/", nil, "agent/internal"},
		{"no token, begun after the end", lag(t, 0, 350*time.Millisecond), hangs.URL, without(check.TokenTimeout, check.IDP), "agent/internal"},
		{"no token for a reason", lag(t, 0, 350*time.Millisecond), hangs.URL, without(check.ClientRejected, check.Credential), "credential/client_rejected"},
		{"no token in time", lag(t, 0, -time.Hour), hangs.URL, without(check.TokenTimeout, check.IDP), "idp/token_timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := build(t, options(tc.url), tc.way).Probe(tc.ctx)
			want(t, r, tc.want)
			if f := r.Fault; tc.want == "agent/internal" && (f == nil || strings.Contains(f.Message, "-") || !strings.Contains(f.Message, "too busy") || f.Cause.Kind != check.CauseAgent || f.Hint == "") {
				t.Errorf("got %+v", f)
			}
		})
	}
	t.Run("noticed late", func(t *testing.T) {
		r := build(t, options(hangs.URL), nil).Probe(lag(t, 900*time.Millisecond, 800*time.Millisecond))
		want(t, r, "agent/internal")
	})
}

type wireFunc func(*http.Request) (*http.Response, error)

func (f wireFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What the other side said counts, whenever it is heard.
func TestARefusalIsOneAfterTheDeadline(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{os.NewSyscallError("connect", syscall.ECONNREFUSED), "network/connect"},
		{context.DeadlineExceeded, "network/timeout"},
		{errors.New("operation was cut short"), "network/timeout"},
	} {
		o := options("http://192.0.2.1/")
		p, err := probes.NewHTTP(monitor(o.URL), o, nil, probes.Common{RT: wireFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}, Err: tc.err}
		})})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		want(t, p.Probe(ctx), tc.want)
		cancel()
	}
}
