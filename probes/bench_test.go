package probes_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

// BenchmarkProbe is one probe beside the bare loop that it is measured against.
func BenchmarkProbe(b *testing.B) {
	page := "<!doctype html><html><head><title>App</title></head><body>" + strings.Repeat("<p>some text of a page</p>\n", 150) + "Dashboard</body></html>"
	srv := serve(b, answer(200, page, "Content-Type", "text/html; charset=utf-8"))
	for _, connection := range []string{"reuse", "fresh"} {
		o := options(srv.URL, keyword("Dashboard"), func(o *probes.HTTPOptions) { o.Connection = connection })
		pool := transport.NewPool()
		rt, err := pool.Get(o.Transport())
		if err != nil {
			b.Fatal(err)
		}
		p, err := probes.NewHTTP(monitor(o.URL), o, way(stamp("token-of-the-benchmark")), probes.Common{RT: rt, UserAgent: "x"})
		if err != nil {
			b.Fatal(err)
		}
		b.Run("probe/"+connection, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := p.Probe(b.Context()); r.Fault != nil {
					b.Fatal(r.Fault)
				}
			}
		})
		bare := &http.Client{Transport: &http.Transport{DisableKeepAlives: connection == "fresh"}}
		b.Run("bare/"+connection, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, srv.URL, nil)
				req.Header.Set("Authorization", "Bearer token-of-the-benchmark")
				resp, err := bare.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if !bytes.Contains(body, []byte("Dashboard")) {
					b.Fatal("no keyword")
				}
			}
		})
		bare.CloseIdleConnections()
		pool.Close()
	}
}
