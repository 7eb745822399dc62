package probes_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/probes"
)

// TestGuardClaimsAddresses: a gate that trusts a header for the networks that are
// trusted most is told of by the first run, and by the next ones for the others.
func TestGuardClaimsAddresses(t *testing.T) {
	for _, tc := range []struct {
		address string
		path    bool
		runs    int
	}{
		{"127.0.0.1", false, 1}, {"10.0.0.1", false, 1}, {"192.168.0.1", false, 1}, {"172.16.0.1", true, 2}, {"::1", true, 2},
	} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			in := r.Header.Get("X-Forwarded-For") == tc.address && (r.Header.Get("X-Original-Uri") != "") == tc.path
			answer(map[bool]int{true: 200, false: 401}[in], "")(w, r)
		})
		p := buildGuard(t, options(srv.URL), guardOptions(try("anonymous")))
		if n := runsUntilIn(t, p, tc.address); n > tc.runs {
			t.Errorf("%s with a path %v: found in run %d, want %d at most", tc.address, tc.path, n, tc.runs)
		}
	}
}

// runsUntilIn counts the runs that a guard needs, at most 11; it stays down then.
func runsUntilIn(t *testing.T, p *probes.Guard, says string) int {
	t.Helper()
	n := 1
	for ; n <= 10; n++ {
		if r := p.Probe(t.Context()); r.Fault != nil {
			if r.Fault.Class != check.ExposedTo || !strings.Contains(r.Fault.Message, says) {
				t.Errorf("fault %+v, want %q in it", r.Fault, says)
			}
			break
		}
	}
	if n <= 10 && p.Probe(t.Context()).Fault == nil {
		t.Errorf("%s: up although it is as open as before", says)
	}
	return n
}

// TestGuardTriesNone: a token whose header says that it needs no signature.
func TestGuardTriesNone(t *testing.T) {
	for _, way := range []string{"garbage", "foreign"} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
			head, err := base64.RawURLEncoding.DecodeString(parts[0])
			in := err == nil && len(parts) == 3 && parts[2] == "" && slices.Contains(strings.Split(string(head), `"`), "none")
			answer(map[bool]int{true: 200, false: 401}[in], "")(w, r)
		})
		if n := runsUntilIn(t, buildGuard(t, options(srv.URL), guardOptions(try(way))), "alg: none"); n > 2 {
			t.Errorf("%s: not found in 2 runs", way)
		}
	}
}
