package check

import (
	"fmt"
	"time"
)

// Chain describes the certificate chain that a server showed. What strangers
// wrote into it is made one printable line each.
type Chain struct {
	Fingerprint string // SHA-256 of the leaf, hex
	Name        string // what the leaf is for: its common name, else its first name
	Subject     string // distinguished name of the leaf, "" for none
	Issuer      string
	NotBefore   time.Time    // of the leaf
	NotAfter    time.Time    // the earliest of the chain
	Verified    bool         // false: nobody asked whether it can be trusted
	Ending      *Certificate // that ends before the leaf does; nil: the leaf itself is the first
}

// Certificate describes one certificate.
type Certificate struct {
	Fingerprint string // SHA-256, hex
	Subject     string // distinguished name, "" for none
	Issuer      string
	NotBefore   time.Time
	NotAfter    time.Time
}

// First returns the certificate of the chain that expires first.
func (c *Chain) First() Certificate {
	if c.Ending != nil {
		return *c.Ending
	}
	return Certificate{c.Fingerprint, c.Subject, c.Issuer, c.NotBefore, c.NotAfter}
}

// Due returns the smallest of the thresholds that the time left until the chain
// ends is within, 0 for none. A threshold above a third of the life of the
// certificate that ends first is none of its: short-lived ones are renewed
// later than that, and there is nothing to tell. Nor is there of a chain that
// has ended, which fails by itself, or that nobody verified.
func (c *Chain) Due(thresholds []time.Duration, now time.Time) time.Duration {
	if c == nil || !c.Verified {
		return 0
	}
	left := c.NotAfter.Sub(now)
	if left <= 0 {
		return 0
	}
	third := c.First().life() / 3
	var due time.Duration
	for _, t := range thresholds {
		if left <= t && t <= third && (due == 0 || t < due) {
			due = t
		}
	}
	return due
}

// life is how long the certificate is valid, its last second included (RFC 5280,
// section 4.1.2.5).
func (c Certificate) life() time.Duration { return c.NotAfter.Sub(c.NotBefore) + time.Second }

// TimeLeft writes how long something still lasts, for a sentence: "6 days",
// "35 hours", "1 minute". It rounds to the nearest.
func TimeLeft(d time.Duration) string {
	const day = 24 * time.Hour
	unit, name := time.Minute, "minute"
	switch {
	case d >= 2*day:
		unit, name = day, "day"
	case d >= 2*time.Hour:
		unit, name = time.Hour, "hour"
	}
	switch n := int64(d+unit/2) / int64(unit); {
	case n < 1:
		return "less than a minute"
	case n == 1:
		return "1 " + name
	default:
		return fmt.Sprintf("%d %ss", n, name)
	}
}
