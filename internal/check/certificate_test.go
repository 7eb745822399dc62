package check_test

import (
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
)

const day = 24 * time.Hour

func TestDue(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	usual := []time.Duration{21 * day, 14 * day, 7 * day}
	for _, tc := range []struct {
		what       string
		life, left time.Duration
		thresholds []time.Duration
		want       time.Duration
	}{
		{"long before", 90 * day, 60 * day, usual, 0},
		{"a moment before the largest", 90 * day, 21*day + 1, usual, 0},
		{"at the largest", 90 * day, 21 * day, usual, 21 * day},
		{"between two", 90 * day, 15 * day, usual, 21 * day},
		{"at the next", 90 * day, 14 * day, usual, 14 * day},
		{"at the last", 90 * day, 7 * day, usual, 7 * day},
		{"the last second", 90 * day, 1, usual, 7 * day},
		{"ended", 90 * day, 0, usual, 0},
		{"long ago", 90 * day, -day, usual, 0},
		{"in any order", 90 * day, 7 * day, []time.Duration{7 * day, 21 * day, 14 * day}, 7 * day},
		{"47 days: 21 is above a third", 47 * day, 16 * day, usual, 0},
		{"47 days: 14 is not", 47 * day, 14 * day, usual, 14 * day},
		{"63 days: a third of it is 21", 63 * day, 20 * day, usual, 21 * day},
		{"a second less", 63*day - time.Second, 20 * day, usual, 0},
		{"7 days: all are above a third", 7 * day, day, usual, 0},
		{"7 days, and a threshold of its own", 7 * day, day, []time.Duration{2 * day}, 2 * day},
		{"10 years", 3650 * day, 20 * day, usual, 21 * day},
		{"never", 90 * day, day, nil, 0},
	} {
		ends := now.Add(tc.left)
		// The last second belongs to the life: 90 days end a second before.
		c := &check.Chain{Fingerprint: "ab", NotBefore: ends.Add(time.Second - tc.life), NotAfter: ends, Verified: true}
		if got := c.Due(tc.thresholds, now); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.what, got, tc.want)
		}
		c.Verified = false
		if got := c.Due(tc.thresholds, now); got != 0 {
			t.Errorf("%s: %v is due of a chain that nobody verified", tc.what, got)
		}
	}
	var none *check.Chain
	if got := none.Due(usual, now); got != 0 {
		t.Errorf("%v is due without a chain", got)
	}
}

// An authority that ends before the leaf counts by its own life: the leaf that
// it issued lately would look short-lived.
func TestDueOfAnAuthority(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ends := now.Add(6 * day)
	c := &check.Chain{Fingerprint: "leaf", NotBefore: now.Add(-day), NotAfter: ends, Verified: true,
		Ending: &check.Certificate{Fingerprint: "authority", NotBefore: ends.Add(-3650 * day), NotAfter: ends}}
	if got := c.Due([]time.Duration{14 * day, 7 * day}, now); got != 7*day {
		t.Errorf("got %v, want 7 days", got)
	}
	if got := c.First().Fingerprint; got != "authority" {
		t.Errorf("first ends %q", got)
	}
	if c.Ending = nil; c.First().Fingerprint != "leaf" || !c.First().NotAfter.Equal(ends) {
		t.Errorf("first ends %+v", c.First())
	}
}

func TestTimeLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{
		21 * day: "21 days", 21*day - time.Minute: "21 days", 6*day + 11*time.Hour: "6 days", 6*day + 12*time.Hour: "7 days", 2 * day: "2 days",
		2*day - time.Minute: "48 hours", 35 * time.Hour: "35 hours", 2 * time.Hour: "2 hours", 2*time.Hour - time.Second: "120 minutes",
		time.Minute: "1 minute", 10 * time.Second: "less than a minute", -time.Hour: "less than a minute",
	} {
		if got := check.TimeLeft(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
