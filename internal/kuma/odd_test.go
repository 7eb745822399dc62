package kuma_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/kuma"
)

// TestOdd: whatever stands in a database, what comes of it passes check, and no
// secret comes out.
func TestOdd(t *testing.T) {
	p := newPEMs(t)
	some(t, 30, func(r *rapid.T) {
		s := genSite(r, rapid.IntRange(1, 2).Draw(r, "version"), p)
		all := s.tables()
		for _, table := range slices.Sorted(maps.Keys(all)) {
			for i, row := range all[table] {
				if table == "setting" && i > 0 {
					continue
				}
				for _, column := range slices.Sorted(maps.Keys(row)) {
					if column != "id" && rapid.IntRange(0, 9).Draw(r, "odd") == 0 {
						row[column] = genOdd(r)
					}
				}
			}
		}
		path := filepath.Join(t.TempDir(), "kuma.db")
		s.loose = true
		s.write(t, path, false)()
		got := bring(t, r, path)
		for _, secret := range s.secrets {
			if strings.Contains(got.yaml, secret) && !s.elsewhere(secret) {
				r.Fatalf("the secret %q is in the YAML:\n%s", secret, got.yaml)
			}
		}
	})
}

// elsewhere says whether a secret stands where nobody keeps one: a body that is
// no longer what it was.
func (s *site) elsewhere(secret string) bool { return strings.Contains(secret, "body-password") }

func genOdd(r *rapid.T) any {
	return rapid.OneOf(
		rapid.SampledFrom([]any{nil, "", "x", "null", "[]", "{}", "[1", "{", `{"a":{"b":[1,null]}}`, `[null,"x",5]`, "0", "1", "true", -1, 0, 1e12, 0.5, -0.1, "NaN", "1e999", "\x00", "a\x00b", "\u202e", "\ufeff", "\xff\xfe",
			strings.Repeat("long ", 200), "${X}", "$${", "https://", "http://[::1", "ftp://x", "https://u:p@h/?a=b", "http://x y/", "{{ msg }}", "'", "\"", "\n", "- a: b", "2026-13-45", "25:99", "12:60", "*/0 * * * *", "0 0 31 2 *"}),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
	).Draw(r, "value")
}

// TestMissingColumns: older versions have fewer columns, and fewer tables.
func TestMissingColumns(t *testing.T) {
	p := newPEMs(t)
	some(t, 10, func(r *rapid.T) {
		s := genSite(r, 1, p)
		s.loose = true
		all := slices.Sorted(maps.Keys(s.monitors[0]))
		for _, column := range all {
			if !slices.Contains([]string{"id", "url", "type", "name"}, column) && rapid.IntRange(0, 3).Draw(r, column) == 0 {
				s.dropped = append(s.dropped, column)
			}
		}
		for _, table := range []string{"tag", "monitor_tag", "proxy", "maintenance", "monitor_maintenance", "notification", "monitor_notification"} {
			if rapid.IntRange(0, 4).Draw(r, table) == 0 {
				s.gone = append(s.gone, table)
			}
		}
		path := filepath.Join(t.TempDir(), "kuma.db")
		s.write(t, path, false)()
		bring(t, r, path)
	})
}

// many is a site with so many monitors, most of them behind a gate.
func many(n int) *site {
	s := &site{version: 2}
	for i := range 10 {
		s.monitors = append(s.monitors, object{"id": i + 1, "type": "group", "name": fmt.Sprint("Group ", i)})
	}
	for i := range n {
		s.monitors = append(s.monitors, object{"id": i + 11, "type": "keyword", "name": fmt.Sprint("Site ", i), "url": fmt.Sprintf("https://site%d.example.com/?token=secret%d", i, i), "keyword": "Dashboard", "parent": i%10 + 1,
			"interval": 60, "timeout": 48, "auth_method": "oauth2-cc", "oauth_token_url": "https://auth.example.com/token", "oauth_client_id": fmt.Sprint("client", i%20), "oauth_client_secret": "secret",
			"headers": fmt.Sprintf(`{"X-Api-Key":"key-of-%d"}`, i)})
	}
	return s
}

// How long that takes is for BenchmarkImport500: less than two seconds, the
// trial and all.
func TestFiveHundredMonitors(t *testing.T) {
	got := bring(t, t, many(500).database(t))
	if len(got.cfg.Monitors) != 500 || len(got.cfg.Credentials) != 20 {
		t.Errorf("%d monitors, %d credentials", len(got.cfg.Monitors), len(got.cfg.Credentials))
	}
}

func BenchmarkImport500(b *testing.B) {
	path := many(500).database(b)
	for b.Loop() {
		d, err := kuma.FromKuma(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Place(context.Background(), kuma.Target{YAML: filepath.Join(b.TempDir(), "w.yaml"), Force: true}); err != nil {
			b.Fatal(err)
		}
	}
}
