package probes

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

// TestKeptConnectionsEnd: a connection is kept, but not for ever, so that the
// certificate is seen anew.
func TestKeptConnectionsEnd(t *testing.T) {
	for _, version := range []string{"1.1", "2"} {
		var dials atomic.Int32
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				dials.Add(1)
			}
		}
		srv.EnableHTTP2 = true
		srv.StartTLS()
		o := DefaultHTTPOptions()
		o.URL, o.Connection, o.HTTPVersion, o.TLS.InsecureSkipVerify = srv.URL, connectionReuse, version, true
		pool := transport.NewPool()
		rt, err := pool.Get(o.Transport())
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewHTTP(&check.Monitor{}, o, nil, Common{RT: rt})
		if err != nil {
			t.Fatal(err)
		}
		for run, want := range []int32{1, 1, 1, 2, 2} {
			if run == 2 { // its connection is the last one's still
				old := time.Now().Add(-longestKept)
				p.kept.since.Store(&old)
			}
			if r := p.Probe(t.Context()); r.Fault != nil || dials.Load() != want {
				t.Errorf("HTTP/%s, run %d: %d connections, want %d (%+v)", version, run, dials.Load(), want, r.Fault)
			}
		}
		pool.Close()
		srv.Close()
	}
}
