package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// ParseDuration reads a duration as the configuration writes it: 30s, 5m, 1h30m,
// 7d.
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }

// Span writes a duration as people do, and as ParseDuration reads it: 1m30s, 7d,
// never 1h0m0s.
func Span(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseDuration reads 30s, 5m, 1h30m, 7d, 1d12h; 0 alone needs no unit. Its
// errors quote s.
func parseDuration(s string) (time.Duration, error) {
	switch {
	case s == "0":
		return 0, nil
	case strings.HasPrefix(s, "-"):
		return 0, errors.New("a duration cannot be negative")
	case s != "" && strings.Trim(s, ".0123456789") == "":
		return 0, errors.New("a duration needs a unit: write " + s + "s")
	}
	days, rest, err := parseDays(s)
	if err != nil || rest == "" && s != "" {
		return days, err
	}
	d, err := time.ParseDuration(rest)
	switch {
	case err != nil || strings.ContainsAny(rest[:1], "+-"):
		return 0, errDuration()
	case d > math.MaxInt64-days:
		return 0, errLong()
	}
	return days + d, nil
}

// parseDays reads the days before the rest, which the library does not know.
func parseDays(s string) (days time.Duration, rest string, err error) {
	num, rest, ok := strings.Cut(s, "d")
	if !ok {
		return 0, s, nil
	}
	n, err := strconv.ParseFloat(num, 64)
	switch {
	case err != nil || !(n >= 0): // NaN is not
		return 0, "", errDuration()
	case n > float64(math.MaxInt64/day-1):
		return 0, "", errLong()
	}
	return time.Duration(n * float64(day)), rest, nil
}

func errDuration() error { return errors.New("not a duration: write it like 30s, 5m, 1h30m or 7d") }

func errLong() error { return errors.New("the duration is too long") }

// parseSize reads a number of bytes, plain or with a unit: 1MiB, 512KiB, 1MB.
func parseSize(s string) (int64, error) {
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '-' })
	if i < 0 {
		i = len(s)
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return 0, errors.New("not a size: write it like 1MiB, 512KiB, 1MB or a number of bytes")
	}
	if n < 0 {
		return 0, errors.New("a size cannot be negative")
	}
	unit, ok := sizeUnit(strings.TrimSpace(s[i:]))
	if !ok {
		return 0, errors.New("unknown unit of a size: it is B, KB, KiB, MB, MiB, GB or GiB")
	}
	if n > math.MaxInt64/unit {
		return 0, errors.New("the size is too large")
	}
	return n * unit, nil
}

func sizeUnit(s string) (int64, bool) {
	switch s {
	case "", "B":
		return 1, true
	case "kB", "KB":
		return 1000, true
	case "KiB":
		return 1 << 10, true
	case "MB":
		return 1e6, true
	case "MiB":
		return 1 << 20, true
	case "GB":
		return 1e9, true
	case "GiB":
		return 1 << 30, true
	}
	return 0, false
}
