package agent

import (
	"bytes"
	"log/slog"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// debugText is what ?debug=true shows: the parts of blackbox_exporter's page in
// their order, with what we know of each request.
func debugText(v visit, r check.Result, metrics string) string {
	var b bytes.Buffer
	b.WriteString("Logs for the probe:\n")
	log := slog.New(slog.NewTextHandler(&b, nil)).With("module", v.module.name, "target", r.Monitor.URL)
	log.Info("Beginning probe", "probe", r.Monitor.Type, "timeout_seconds", v.limit.Seconds())
	logToken(log, r)
	if r.Detail != nil {
		for _, t := range r.Detail.Tries {
			logTry(log, t)
		}
		for _, note := range r.Detail.Notes {
			log.Info("Noticed", "note", note)
		}
	}
	if c := r.Certs; c != nil {
		log.Info("Certificate of the first answer", "subject", c.Subject, "issuer", c.Issuer, "valid_until", c.NotAfter.UTC().Format(time.RFC3339), "verified", c.Verified)
	}
	var phases []any
	values := r.Phases.Values()
	for i, name := range check.PhaseNames() {
		phases = append(phases, name, values[i])
	}
	log.Info("Timings", phases...)
	if f := r.Fault; f != nil {
		log.Error("Probe failed", "duration_seconds", r.Took.Seconds(), "class", string(f.Class), "reason", string(f.Reason), "message", f.Message, "hint", f.Hint)
	} else {
		log.Info("Probe succeeded", "duration_seconds", r.Took.Seconds())
	}
	b.WriteString("\n\n\nMetrics that would have been returned:\n" + metrics + "\n\n\nModule configuration:\n" + v.module.cfg.Shown())
	return b.String()
}

func logToken(log *slog.Logger, r check.Result) {
	if r.Detail == nil || r.Detail.Token == nil {
		return
	}
	t := r.Detail.Token
	log = log.With("credential", t.Credential, "fetched", t.Fetched, "scope", t.Scope)
	if !t.Expires.IsZero() {
		log = log.With("valid_for", time.Until(t.Expires).Round(time.Second))
	}
	if t.Warning != "" {
		log.Warn("Sending a token", "warning", t.Warning)
		return
	}
	log.Info("Sending a token")
}

func logTry(log *slog.Logger, t check.Try) {
	log = log.With("method", t.Method, "url", t.URL, "remote", t.Remote, "took", t.Took)
	if t.Note != "" {
		log = log.With("note", t.Note)
	}
	switch {
	case t.Status == 0:
		log.Error("No answer")
	case t.Location != "":
		log.Info("Received an answer", "status_code", t.Status, "location", t.Location)
	default:
		log.Info("Received an answer", "status_code", t.Status)
	}
}
