package auth

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// A token request whose turn came too late is no slow provider.
func TestAStarvedTokenRequestBlamesNobody(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-2*time.Second))
	defer cancel()
	x := &exchange{timeout: time.Second, sent: time.Now().Add(-3 * time.Second)}
	if f := x.unanswered(ctx, ctx.Err()); f.reason != check.Internal || !strings.Contains(f.message, "noticed 2s late") || f.todo == "" {
		t.Errorf("got %+v", f)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	x.sent = time.Now().Add(-time.Second)
	if f := x.unanswered(ctx, ctx.Err()); f.reason != check.TokenUnreachable {
		t.Errorf("at the deadline: got %+v", f)
	}
}
