package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseDuration reads 30s, 5m, 1h30m, 7d, 1d12h; 0 alone needs no unit. Its
// errors quote s.
func parseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	wrong := errors.New("not a duration: write it like 30s, 5m, 1h30m or 7d")
	if s == "" {
		return 0, wrong
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "-+.0123456789") == "" {
		if strings.HasPrefix(s, "-") {
			return 0, errors.New("a duration cannot be negative")
		}
		return 0, errors.New("a duration needs a unit: write " + s + "s")
	}
	rest := s
	var days time.Duration
	if num, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseFloat(num, 64)
		if err != nil || math.IsNaN(n) {
			return 0, wrong
		}
		if n > float64(math.MaxInt64/day-1) {
			return 0, errors.New("the duration is too long")
		}
		days, rest = time.Duration(n*float64(day)), after
	}
	var d time.Duration
	if rest != "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil || days != 0 && strings.ContainsAny(rest[:1], "+-") {
			return 0, wrong
		}
	}
	switch {
	case days < 0 || d < 0:
		return 0, errors.New("a duration cannot be negative")
	case d > math.MaxInt64-days:
		return 0, errors.New("the duration is too long")
	}
	return days + d, nil
}

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
