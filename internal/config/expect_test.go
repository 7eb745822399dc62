package config

import (
	"fmt"
	"testing"
)

// TestExpectDefaults: maps of the defaults merge with a monitor's own, lists and
// scalars are replaced, and each type gets of them what it takes.
func TestExpectDefaults(t *testing.T) {
	c := load(t, `
defaults:
  timeout: 5s
  upside_down: true
  expect: {status: 204, keyword: k, absent: n, regex: [a, b], absent_regex: c, json: .a, headers: {A: a, B: b}, absent_headers: {C: c}, max_duration: 1s, warn: true, http_version: 2, tls_version: 1.3}
monitors:
  - {name: A, url: "https://a.example.com/", expect: {regex: x, headers: {A: own, D: d}, absent_headers: {}, max_duration: 2s, http_version: [1.0, 1.1]}}
  - {name: B, type: authz, url: "https://b.example.com/", resource: "https://r.example.com/", expect: {headers: {A: own}}}
  - {name: C, type: guard, url: "https://c.example.com/"}
  - {name: D, type: issuer, url: "https://d.example.com"}
  - {name: E, url: "https://e.example.com/", upside_down: false, expect: {max_duration: 0, regex: ''}}
`)
	for i, want := range []string{
		"{[204] [k] [n] [x] [c] [.a] map[A:own B:b D:d] map[C:c] 2s true [1.0 1.1] 1.3} true",
		"{[200-299] [] [] [] [] [] map[A:own] map[] 1s true [] } true",
		"{[200-299] [] [] [] [] [] map[] map[] 0s false [] } false",
		"{[200-299] [] [] [] [] [] map[] map[] 0s false [] } false",
		"{[204] [k] [n] [] [c] [.a] map[A:a B:b] map[C:c] 0s true [2] 1.3} false",
	} {
		m := c.Monitors[i]
		if got := fmt.Sprint(m.HTTP.Expect, m.HTTP.UpsideDown); got != want {
			t.Errorf("%s: got %s, want %s", m.Name, got, want)
		}
	}
}
