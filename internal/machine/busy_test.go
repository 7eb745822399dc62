package machine

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStarved(t *testing.T) {
	for _, tc := range []struct {
		name        string
		began, seen time.Duration // after the start; the deadline is at 2 s
		want        string
	}{
		{"in time", 0, time.Second, ""},
		{"seen at once", 0, 2*time.Second + 20*time.Millisecond, ""},
		{"seen late", 1999 * time.Millisecond, 3 * time.Second, "noticed 1s late"},
		{"begun at the end", 2 * time.Second, 2 * time.Second, "came 0s after"},
		{"begun late", 2350 * time.Millisecond, 2350 * time.Millisecond, "came 350ms after"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				began := time.Now().Add(tc.began)
				<-time.After(tc.seen)
				if got := Starved(ctx, began); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
					t.Errorf("got %q, want %q", got, tc.want)
				}
			})
		})
	}
	if got := Starved(t.Context(), time.Now()); got != "" {
		t.Errorf("without a deadline: %q", got)
	}
}
