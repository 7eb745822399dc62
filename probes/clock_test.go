package probes

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

// TestMinded: the clocks are named where they are the cause, and nowhere else.
func TestMinded(t *testing.T) {
	now := time.Now()
	dating := func(ahead time.Duration) dated {
		return dated{http.Header{"Date": {now.Add(ahead).UTC().Format(http.TimeFormat)}}, now, now}
	}
	provider := func(ahead time.Duration) *Way {
		return &Way{Clock: func() (time.Duration, bool) { return ahead, true }}
	}
	wrong := machine.NewClocks(now.Add(time.Hour), nil)
	right := machine.NewClocks(now.Add(-time.Hour), nil)
	const minutes = 5 * time.Minute
	for name, tt := range map[string]struct {
		reason check.Reason
		way    *Way
		dated  dated
		clocks *machine.Clocks
		want   string // "": the hint as it was
	}{
		"expired, and our clock is wrong":     {check.CertificateExpired, nil, dated{}, wrong, "this machine's clock is wrong: it says "},
		"not yet, and our clock is wrong":     {check.CertificateNotYetValid, nil, dated{}, wrong, "timedatectl"},
		"expired":                             {check.CertificateExpired, nil, dated{}, right, ""},
		"untrusted, and our clock is wrong":   {check.CertificateUntrusted, nil, dated{}, wrong, ""},
		"refused by a gate with our time":     {check.TokenRejected, provider(minutes), dating(0), right, "the identity provider's clock is 5m"},
		"refused by a gate behind":            {check.LoginRedirect, provider(0), dating(-minutes), right, "of that of app.test:443: a new token is not valid there yet"},
		"refused, and only our clock is off":  {check.TokenRejected, provider(minutes), dating(minutes), right, ""},
		"refused by a rule":                   {check.Forbidden, provider(minutes), dating(0), right, "else: as before"},
		"an odd gate without a provider":      {check.TokenRejected, nil, dating(minutes), right, ""},
		"a provider of whom nothing is known": {check.TokenRejected, &Way{Clock: func() (time.Duration, bool) { return 0, false }}, dating(minutes), right, ""},
		"an application that fails":           {check.Status, provider(minutes), dating(0), right, ""},
	} {
		r := &run{p: &HTTP{way: tt.way, common: Common{Clocks: tt.clocks}}, at: &url.URL{Scheme: "https", Host: "app.test"}, dated: tt.dated}
		before := &check.Fault{Class: check.ClassOf(tt.reason), Reason: tt.reason, Hint: "as before"}
		got := r.minded(before)
		if before.Hint != "as before" {
			t.Errorf("%s: a fault of somebody else's was changed", name)
		}
		if tt.want == "" && got.Hint != "as before" || !strings.Contains(got.Hint, tt.want) || got.Reason != tt.reason {
			t.Errorf("%s: %s with the hint %q, want %q", name, got.Reason, got.Hint, tt.want)
		}
	}
	if f := (&run{p: &HTTP{}}).minded(nil); f != nil {
		t.Errorf("a run that passed has %v", f)
	}
}
