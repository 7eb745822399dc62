package exporters

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/watchword/watchword/internal/check"
)

// Blackbox is one run as blackbox_exporter tells of it: its names, its help and
// its meanings, with ours beside them.
type Blackbox struct {
	families []*dto.MetricFamily
	log      *slog.Logger
}

// NewBlackbox returns the metrics of a run. queries says whether the module has
// queries of JSON, in the place of which blackbox_exporter has CEL.
func NewBlackbox(r check.Result, seen check.Seen, queries bool, log *slog.Logger) Blackbox {
	g := gauges{prometheus.NewRegistry()}
	g.set("probe_success", "Displays whether or not the probe was a success", number(r.Fault == nil))
	g.set("probe_duration_seconds", "Returns how long the probe took to complete in seconds", r.Took.Seconds())
	g.address(seen)
	g.phases(seen)
	g.answer(r, seen)
	if queries {
		g.set("probe_failed_due_to_cel", "Indicates if probe failed due to CEL expression not matching", number(r.Fault != nil && r.Fault.Reason == check.JSON))
	}
	if a := seen.Last; a != nil && a.TLS != nil && len(a.TLS.PeerCertificates) > 0 {
		g.tls(a.TLS)
	}
	g.set("watchword_probe_token_duration_seconds", "How long the probe waited for its token, which is in probe_duration_seconds and in no phase", r.Phases.Token.Seconds())
	if f := r.Fault; f != nil {
		g.info("watchword_probe_fault", "Always 1; the labels say what failed", "class", string(f.Class), "reason", string(f.Reason))
	}
	families, err := g.registry.Gather()
	if err != nil {
		log.Error("gather metrics of a probe", "error", err)
	}
	return Blackbox{families, log}
}

// ServeHTTP answers in the format that is asked for.
func (b Blackbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format := expfmt.NegotiateAccept(r.Header, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtText)
	w.Header().Set("Content-Type", string(format))
	w.Header().Add("Vary", "Accept")
	text := b.text(format)
	if format.FormatType() == expfmt.TypeOpenMetrics {
		text = append(text, "# EOF\n"...)
	}
	_, _ = w.Write(text) // who asked may have gone
}

// String returns the text format.
func (b Blackbox) String() string { return string(b.text(expfmt.FmtText)) }

func (b Blackbox) text(format expfmt.Format) []byte {
	var buf bytes.Buffer
	enc := expfmt.NewEncoder(&buf, format)
	for _, f := range b.families {
		if err := enc.Encode(f); err != nil {
			b.log.Error("encode metrics of a probe", "family", f.GetName(), "error", err)
		}
	}
	return buf.Bytes()
}

// gauges are the metrics of one run: no history is in them.
type gauges struct{ registry *prometheus.Registry }

func (g gauges) set(name, help string, v float64) {
	m := gauge(name, help)
	m.Set(v)
	g.registry.MustRegister(m)
}

// info registers a gauge that is 1 and has its news in its labels, in pairs of
// name and value.
func (g gauges) info(name, help string, labels ...string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, valid(labels[i+1]))
	}
	m := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, names)
	m.WithLabelValues(values...).Set(1)
	g.registry.MustRegister(m)
}

// address tells of the address of the target; 0 where its name did not resolve.
func (g gauges) address(seen check.Seen) {
	var lookup, protocol, hash float64
	if len(seen.Hops) > 0 {
		first := seen.Hops[0]
		lookup = first.Phases.Resolve.Seconds()
		if at, err := netip.ParseAddrPort(first.Remote); err == nil {
			protocol, hash = 6, hashOf(at.Addr().Unmap())
			if at.Addr().Unmap().Is4() {
				protocol = 4
			}
		}
	}
	g.set("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", lookup)
	g.set("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", protocol)
	g.set("probe_ip_addr_hash", "Specifies the hash of IP address. It's useful to detect if the IP address changes.", hash)
}

func hashOf(a netip.Addr) float64 {
	h := fnv.New32a()
	_, _ = h.Write(a.AsSlice()) // never fails
	return float64(h.Sum32())
}

// phases sums up the requests. As blackbox_exporter has it, connect and tls count
// where there was a connection in the end, processing where an answer came, and
// transfer is that of the last answer.
func (g gauges) phases(seen check.Seen) {
	m := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "probe_http_duration_seconds", Help: "Duration of http request by phase, summed over all redirects"}, []string{"phase"})
	add := func(phase string, counts bool, d time.Duration) {
		m.WithLabelValues(phase).Add(number(counts) * d.Seconds())
	}
	hops := seen.Hops
	if len(hops) == 0 { // all phases are there, always
		hops = []check.Hop{{}}
	}
	for i, h := range hops {
		add("resolve", true, h.Phases.Resolve)
		add("connect", h.Connected, h.Phases.Connect)
		add("tls", h.Connected, h.Phases.TLS)
		add("processing", h.Answered, h.Phases.Processing)
		add("transfer", h.Answered && i == len(hops)-1, h.Phases.Transfer)
	}
	g.registry.MustRegister(m)
}

// answer tells of the last answer; all is 0 where none came.
func (g gauges) answer(r check.Result, seen check.Seen) {
	a := check.Answer{}
	if seen.Last != nil {
		a = *seen.Last
	}
	g.set("probe_http_status_code", "Response HTTP status code", float64(a.Status))
	g.set("probe_http_content_length", "Length of http content response", float64(a.Length))
	g.set("probe_http_uncompressed_body_length", "Length of uncompressed response body", float64(a.Body))
	g.set("probe_http_redirects", "The number of redirects", float64(seen.Redirects))
	g.set("probe_http_ssl", "Indicates if SSL was used for the final redirect", number(a.TLS != nil))
	version, err := strconv.ParseFloat(strings.TrimPrefix(a.Version, "HTTP/"), 64)
	if err != nil {
		version = 0
	}
	g.set("probe_http_version", "Returns the version of HTTP of the probe response", version)
	g.set("probe_failed_due_to_regex", "Indicates if probe failed due to regex", number(isText(r.Fault)))
	if !a.Modified.IsZero() {
		g.set("probe_http_last_modified_timestamp_seconds", "Returns the Last-Modified HTTP response header in unixtime", float64(a.Modified.Unix()))
	}
}

// isText says whether a text in the answer was at fault: what blackbox_exporter
// looks for by regular expressions, in the body and in headers.
func isText(f *check.Fault) bool {
	if f == nil {
		return false
	}
	switch f.Reason {
	case check.KeywordMissing, check.KeywordPresent, check.Regex, check.Header:
		return true
	}
	return false
}

func (g gauges) tls(s *tls.ConnectionState) {
	leaf := s.PeerCertificates[0]
	print := sha256.Sum256(leaf.Raw)
	g.set("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", float64(firstToEnd(s.PeerCertificates).Unix()))
	g.set("probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp", float64(lastToEnd(s.VerifiedChains).Unix()))
	g.info("probe_ssl_last_chain_info", "Contains SSL leaf certificate information",
		"fingerprint_sha256", hex.EncodeToString(print[:]), "subject", leaf.Subject.String(), "issuer", leaf.Issuer.String(),
		"subjectalternative", strings.Join(leaf.DNSNames, ","), "serialnumber", fmt.Sprintf("%x", leaf.SerialNumber.Bytes()))
	g.info("probe_tls_version_info", "Returns the TLS version used or NaN when unknown", "version", tls.VersionName(s.Version))
	g.info("probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake", "cipher", tls.CipherSuiteName(s.CipherSuite))
}

// firstToEnd returns when the first certificate of a chain expires.
func firstToEnd(chain []*x509.Certificate) time.Time {
	first := chain[0].NotAfter
	for _, c := range chain {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

// lastToEnd returns when the chain that lasts longest ends. The zero time where
// nothing was verified is what blackbox_exporter tells, too.
func lastToEnd(chains [][]*x509.Certificate) time.Time {
	var last time.Time
	for _, c := range chains {
		if end := firstToEnd(c); end.After(last) {
			last = end
		}
	}
	return last
}
