package exporters

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/watchword/watchword/internal/board"
	"github.com/watchword/watchword/internal/check"
)

// scratch is the memory of one scrape, reused by the next.
type scratch struct {
	samples []sample
	names   map[string]bool
	buf     []byte
}

// ServeHTTP answers a scrape in OpenMetrics 1.0 when that is asked for and in
// the text format 0.0.4 otherwise, compressed when that is accepted.
func (p *Prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format := expfmt.NegotiateAccept(r.Header, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtText)
	h := w.Header()
	h.Set("Content-Type", string(format))
	h.Add("Vary", "Accept, Accept-Encoding")
	if r.Method == http.MethodHead {
		return
	}
	var err error
	if acceptsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		err = p.compressed(w, format)
	} else {
		err = p.write(w, format)
	}
	if err != nil { // the scraper went away: its failed scrape is the report
		p.log.Debug("write metrics", "error", err)
	}
}

func (p *Prometheus) compressed(w io.Writer, format expfmt.Format) error {
	z, _ := p.gzips.Get().(*gzip.Writer)
	defer func() {
		z.Reset(io.Discard) // the pool must not hold the connection
		p.gzips.Put(z)
	}()
	z.Reset(w)
	if err := p.write(z, format); err != nil {
		return err
	}
	return z.Close()
}

// newGzip compresses fast: a scrape crosses a local network, if any.
func newGzip() any {
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil { // the level is a constant of the package
		return gzip.NewWriter(io.Discard)
	}
	return z
}

func (p *Prometheus) write(w io.Writer, format expfmt.Format) error {
	if err := p.writeRegistry(w, format); err != nil {
		return err
	}
	openMetrics := format.FormatType() == expfmt.TypeOpenMetrics
	if err := p.writeMonitors(w, openMetrics); err != nil {
		return err
	}
	if openMetrics {
		_, err := io.WriteString(w, "# EOF\n")
		return err
	}
	return nil
}

// writeRegistry goes through a buffer, since the encoder writes in many pieces.
// A family that cannot be gathered is left out and told in the log: the others
// are worth having.
func (p *Prometheus) writeRegistry(w io.Writer, format expfmt.Format) error {
	families, err := p.registry.Gather()
	if err != nil {
		p.log.Error("gather metrics", "error", err)
	}
	buf, _ := p.buffers.Get().(*bytes.Buffer)
	defer p.buffers.Put(buf)
	buf.Reset()
	if format.FormatType() == expfmt.TypeOpenMetrics {
		untangle(families)
	}
	enc := expfmt.NewEncoder(buf, format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			p.log.Error("encode metrics", "family", f.GetName(), "error", err)
		}
	}
	_, err = w.Write(buf.Bytes())
	return err
}

// untangle gives up the type of a counter whose family would have the name of
// another one in OpenMetrics, which drops the suffix _total there: that is
// go_memstats_alloc_bytes, a gauge, and go_memstats_alloc_bytes_total.
func untangle(families []*dto.MetricFamily) {
	names := make(map[string]bool, len(families))
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, f := range families {
		short, total := strings.CutSuffix(f.GetName(), "_total")
		if !total || !names[short] || f.GetType() != dto.MetricType_COUNTER {
			continue
		}
		f.Type = dto.MetricType_UNTYPED.Enum()
		for _, m := range f.GetMetric() {
			m.Untyped = &dto.Untyped{Value: new(m.GetCounter().GetValue())}
			m.Counter = nil
		}
	}
}

func (p *Prometheus) writeMonitors(w io.Writer, openMetrics bool) error {
	if p.o.Board == nil {
		return nil
	}
	s, _ := p.scratch.Get().(*scratch)
	defer p.scratch.Put(s)
	s.take(p.o.Board)
	defer s.forget()
	info := infoLabels(s.names, "monitor", "name", "type", "group", "url", "credential")
	families, kuma := p.families, []infoLabel(nil)
	if p.kuma.Load() {
		families, kuma = p.withKuma, infoLabels(s.names, kumaLabels()...)
	}

	l := lines{out: w, buf: s.buf[:0], openMetrics: openMetrics}
	for i := range families {
		f, labels := &families[i], info
		if f.kuma {
			labels = kuma
		}
		l.header(f)
		for j := range s.samples {
			f.write(&l, f.name, &s.samples[j], labels)
		}
		if l.err != nil {
			break
		}
	}
	l.flush()
	s.buf = l.buf
	return l.err
}

// take copies from the board what the families need, and which labels any of
// the monitors has.
func (s *scratch) take(monitors Monitors) {
	if s.names == nil {
		s.names = map[string]bool{}
	}
	monitors.Each(func(v *board.View) bool {
		if v.State == check.Paused {
			return true
		}
		s.samples = append(s.samples, newSample(v))
		for i := range v.Monitor.Labels {
			if name := v.Monitor.Labels[i].Name; !s.names[name] {
				s.names[name] = true
			}
		}
		return true
	})
}

// forget drops all pointers, so that removed monitors can be collected.
func (s *scratch) forget() {
	clear(s.samples)
	s.samples = s.samples[:0]
	clear(s.names)
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(h http.Header) bool {
	star := false
	for _, line := range h.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(strings.ToLower(item), ";")
			q, weighed := strings.CutPrefix(strings.TrimSpace(params), "q=")
			wanted := !weighed || strings.Trim(q, "0.") != ""
			switch strings.TrimSpace(name) {
			case "gzip":
				return wanted
			case "*":
				star = wanted
			}
		}
	}
	return star
}

func newSample(v *board.View) sample {
	s := sample{
		monitor: v.Monitor, status: check.Pending.Number(), succeeded: v.RunsOK, failed: v.RunsFailed,
		ran: v.Last.Has, code: v.Last.StatusCode, start: v.Last.Start, took: v.Last.Took,
		phases: v.Last.Phases, expires: v.Last.CertExpiry, passed: v.Last.Fault == nil,
		chain: v.Last.Chain, day: v.Uptime24h, month: v.Uptime30d,
	}
	if v.State != "" {
		s.status = v.State.Number()
	}
	if f := v.Last.Fault; f != nil {
		s.class, s.reason = f.Class, f.Reason
	}
	return s
}
