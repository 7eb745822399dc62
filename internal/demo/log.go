package demo

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// logHandler shows the errors of the agent among what happens.
type logHandler struct {
	m     *model
	attrs []slog.Attr
}

func (s *screen) logHandler() slog.Handler { return &logHandler{m: s.m} }

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	write := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	r.Attrs(write)
	h.m.note("log", b.String())
	return nil
}

func (h *logHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return &logHandler{m: h.m, attrs: append(slices.Clip(h.attrs), as...)}
}

func (h *logHandler) WithGroup(string) slog.Handler { return h }
