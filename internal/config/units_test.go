package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
		err  string
	}{
		{"0", 0, ""},
		{"0s", 0, ""},
		{"30s", 30 * time.Second, ""},
		{"1h30m", 90 * time.Minute, ""},
		{"7d", 7 * day, ""},
		{"1d12h", 36 * time.Hour, ""},
		{"0.5d", 12 * time.Hour, ""},
		{"250ms", 250 * time.Millisecond, ""},
		{"30", 0, "a duration needs a unit: write 30s"},
		{"1.5", 0, "a duration needs a unit: write 1.5s"},
		{"", 0, "not a duration: write it like 30s, 5m, 1h30m or 7d"},
		{"d", 0, "not a duration: write it like 30s, 5m, 1h30m or 7d"},
		{"NaNd", 0, "not a duration: write it like 30s, 5m, 1h30m or 7d"},
		{"inf", 0, "not a duration: write it like 30s, 5m, 1h30m or 7d"},
		{"1d-1h", 0, "not a duration: write it like 30s, 5m, 1h30m or 7d"},
		{"5 m", 0, "not a duration: write it like 30s, 5m, 1h30m or 7d"},
		{"-5s", 0, "a duration cannot be negative"},
		{"-5", 0, "a duration cannot be negative"},
		{"-1d", 0, "a duration cannot be negative"},
		{"1000000d", 0, "the duration is too long"},
		{"106750d24h", 106751 * day, ""},
		{"106750d99h", 0, "the duration is too long"},
	} {
		got, err := parseDuration(tt.in)
		if msg := text(err); got != tt.want || msg != tt.err {
			t.Errorf("%q: got %v, %q, want %v, %q", tt.in, got, msg, tt.want, tt.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1000": 1000, "1000B": 1000, "1kB": 1000, "1KB": 1000, "512KiB": 512 << 10, "1MB": 1e6, "1MiB": 1 << 20, "2 GiB": 2 << 30, "1GB": 1e9,
		"": -1, "MiB": -1, "1.5MiB": -1, "-1": -1, "1mib": -1, "9223372036854775808": -1, "9223372036854775807KiB": -1, "--1": -1,
	} {
		got, err := parseSize(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: got %d, %v, want %d", in, got, err, want)
		}
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{
		"Application": "application", "Gate is shut": "gate-is-shut", "  A -- B!  ": "a-b", "ÄÖÜ": "", "Bücher": "b-cher", "": "", "--": "", "42": "42", "K\u212a": "k",
	} {
		if got := slug(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"interval", "retry_interval", "url", "headers", "expect"}
	for in, want := range map[string]string{
		"intervall": "interval", "Interval": "interval", "intreval": "interval", "ulr": "url", "header": "headers", "retry-interval": "retry_interval",
		"expected": "expect", "x": "", "frobnicate": "", "": "",
	} {
		if got := nearest(in, known); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
