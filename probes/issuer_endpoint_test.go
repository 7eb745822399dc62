package probes_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/probes"
)

// TestIssuerReadsLeniently: one odd member does not make the rest unreadable.
func TestIssuerReadsLeniently(t *testing.T) {
	p := newIDP(t)
	p.keys = keySet(`{"kty":"RSA","kid":7,"n":5}`, `"no key"`, `null`, strings.Replace(goodKey, `"main"`, `20240101,"x5c":1,"key_ops":"verify"`, 1))
	r := askIssuer(t, p.issuer(), nil)
	want(t, r, "up")
	if note := r.Detail.Tries[1].Note; note != "keys: 20240101 (ES256)" {
		t.Errorf("noted %q", note)
	}
	p.keys = keySet(goodKey, strings.Replace(otherKey, `"x"`, `"d":{"a":1},"x"`, 1))
	want(t, askIssuer(t, p.issuer(), nil), "idp/discovery_failed")
	p.keys = keySet(goodKey)
	p.oauth = answer(200, `{"issuer":"`+p.URL+`/realm","jwks_uri":7,"token_endpoint":"`+p.URL+`/token"}`)
	p.openid = nil
	r = askIssuer(t, p.issuer(), nil)
	want(t, r, "idp/discovery_failed")
	if !strings.Contains(r.Fault.Message, "jwks_uri") {
		t.Errorf("message %q", r.Fault.Message)
	}
}

// TestIssuerLeavesAlone a token endpoint that a credential is told to wait for.
func TestIssuerLeavesAlone(t *testing.T) {
	p := newIDP(t)
	why := &check.Fault{Class: check.IDP, Reason: check.TokenRateLimited, Message: "m", Hint: "h", Cause: check.Cause{Kind: check.CauseProvider, Key: "p"}}
	w := way(stamp("old-token-000"))
	w.TokenURL = func() string { return p.URL + "/token" }
	w.Waits = func() (bool, *check.Fault) { return why != nil, why }
	if r := askIssuer(t, p.issuer(), w); r.Fault != why {
		t.Errorf("got %+v", r.Fault)
	}
	if n := len(p.take()); n != 2 {
		t.Errorf("%d requests, want those for the documents", n)
	}
	w.TokenURL = func() string { return "https://elsewhere.example.test/token" }
	want(t, askIssuer(t, p.issuer(), w), "up")
	why = nil
	w.TokenURL = nil
	want(t, askIssuer(t, p.issuer(), w), "up")
	if n := len(p.take()); n != 6 {
		t.Errorf("%d requests, want 6", n)
	}
}

// TestIssuerWaits as Retry-After says, an hour at most.
func TestIssuerWaits(t *testing.T) {
	for after, waits := range map[string]time.Duration{"600": 10 * time.Minute, "99999999": time.Hour, "DATE": 5 * time.Minute, "": 0, "x": 0, "-1": 0, "NaN": 0} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			if after == "DATE" {
				after = time.Now().Add(waits).UTC().Format(http.TimeFormat)
			}
			rt := inProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n++
				answer(429, "", "Retry-After", after)(w, r)
			}))
			i := issuerOver(t, options("https://auth.example.test"), probes.IssuerOptions{}, nil, probes.Common{RT: rt})
			want(t, i.Probe(t.Context()), "idp/token_rate_limited")
			time.Sleep(max(0, waits-time.Second))
			want(t, i.Probe(t.Context()), "idp/token_rate_limited")
			if asked := map[bool]int{true: 1, false: 2}[waits > 0]; n != asked {
				t.Errorf("Retry-After %q: asked %d times, want %d", after, n, asked)
			}
			time.Sleep(2 * time.Second)
			want(t, i.Probe(t.Context()), "idp/token_rate_limited")
			if waits > 0 && n != 2 {
				t.Errorf("Retry-After %q: not asked again afterwards", after)
			}
		})
	}
}

// TestIssuerWithClientCertificates: a token endpoint that demands one is there.
func TestIssuerWithClientCertificates(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		p := newIDP(t)
		mutual := httptest.NewUnstartedServer(answer(405, ""))
		mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: version}
		mutual.Config.ErrorLog = quiet(t, answer(405, "")).Config.ErrorLog
		mutual.StartTLS()
		t.Cleanup(mutual.Close)
		p.openid = p.document(map[string]string{"token_endpoint": mutual.URL + "/token"})
		o := options(p.issuer(), func(o *probes.HTTPOptions) { o.TLS.InsecureSkipVerify = true })
		r := buildIssuer(t, o, probes.IssuerOptions{}, way(stamp("old-token-000"))).Explain(t.Context())
		want(t, r, "up")
		if note := r.Detail.Tries[2].Note; !strings.Contains(note, "wants a client certificate") {
			t.Errorf("TLS %x: noted %q", version, note)
		}
	}
}
