package demo

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// logHandler shows among what happens what the agent logs about itself and its
// configuration. What it logs about monitors and tokens is shown as it is told.
type logHandler struct {
	m     *model
	quiet *atomic.Bool // the demo itself has the configuration read
	attrs string
}

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	about := strings.HasPrefix(r.Message, "configuration") || strings.HasPrefix(r.Message, "this key changes")
	if r.Level < slog.LevelError && (!about || h.quiet.Load()) {
		return nil
	}
	var b strings.Builder
	b.WriteString(r.Message + h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	h.m.note("log", b.String())
	return nil
}

func (h *logHandler) WithAttrs(as []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range as {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
	}
	return &logHandler{m: h.m, quiet: h.quiet, attrs: b.String()}
}

func (h *logHandler) WithGroup(string) slog.Handler { return h }
