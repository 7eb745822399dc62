package probes_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/probes"
)

func targets(t *testing.T, patterns ...string) *probes.Targets {
	t.Helper()
	ts, ps := probes.NewTargets(patterns)
	if len(ps) > 0 {
		t.Fatalf("%v: %v", patterns, ps)
	}
	return ts
}

// TestAllowedTargets: what is allowed is what the pattern says, however the
// target is spelt.
func TestAllowedTargets(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		yes, no []string
	}{
		{"https://*.example.com/*",
			[]string{"https://a.example.com", "https://a.b.example.com/x?q=1#f", "HTTPS://A.EXAMPLE.COM:443/", "https://a。example.com/", "https://ａ.example.com/", "https://b\u00fccher.example.com/", "https://a.example.com:/@evil.com:x"},
			[]string{
				"https://example.com/", "https://evilexample.com/", "https://evil.com/.example.com/", "https://evil.com?.example.com/", "https://evil.com#.example.com/",
				"https://a.example.com@evil.com/", "https://a.example.com:443@evil.com/", "https://a.example.com:x@evil.com/", "https://user@a.example.com/", `https://evil.com\.example.com/`, `https://evil.com\@a.example.com/`,
				`https:\\a.example.com/`, "https:/a.example.com/", "https:a.example.com/", "//a.example.com/", "///a.example.com", "https:///a.example.com/", "https://a.example.com.evil.com/",
				"https://a.example.com./", "https://a..example.com/", "https://.example.com/", "http://a.example.com/", "a.example.com", "https://a.example.com:8443/", "https://a.example.com:0443/",
				"https://a.example.com%2eevil.com/", "https://evil.com%2f.example.com/", "https://evil.com%23.example.com/", "https://evil.com%00.example.com/", "https://[::1].example.com/", "https://a.example.comx/",
				"ftp://a.example.com/", "javascript://a.example.com/", "https://a.example.com\t/", "https://evil.com\n.example.com/", " https://a.example.com/", "https:// a.example.com/", "https://a.example.com@/", "https://", "",
				"https://xn--/.example.com", "https://\u2028.example.com/",
			}},
		{"https://app.example.com",
			[]string{"https://app.example.com/any/../path", "https://app.example.com:443", "https://app.example.com/a%2Fb"},
			[]string{"https://app.example.com:444/", "https://www.app.example.com/"}},
		{"https://app.example.com/public/*",
			[]string{"https://app.example.com/public/", "https://app.example.com/public/a/b?x=/../", "https://app.example.com/public/..a"},
			[]string{
				"https://app.example.com/", "https://app.example.com/Public/x", "https://app.example.com/publicx", "https://app.example.com/public/../admin", "https://app.example.com/public/./../admin",
				"https://app.example.com/public/%2e%2e/admin", "https://app.example.com/public/.%2E/admin", "https://app.example.com/public/..%2fadmin", "https://app.example.com/public/..%5cadmin",
				`https://app.example.com/public/..\admin`, "https://app.example.com/public/..;/admin", "https://app.example.com/public/..;a=b/admin", "https://app.example.com/public/..%3b/admin",
				"https://app.example.com/public/%252e%252e/admin", "https://app.example.com/public/%252fadmin", "https://app.example.com/public/..", "https://app.example.com/admin?/public/", "https://app.example.com/admin#/public/",
				"https://app.example.com//public/", "https://app.example.com/public/%00",
			}},
		{"https://app.example.com/health", []string{"https://app.example.com/health", "https://app.example.com/health?deep=1"}, []string{"https://app.example.com/health/", "https://app.example.com/healthz"}},
		{"http://web-*.lan:*/", []string{"http://web-1.lan/", "web-1.lan", "web-12.lan:8080", "http://WEB-.LAN:9/"}, []string{"http://web-1.x.lan/", "http://xweb-1.lan/", "https://web-1.lan/", "http://web-1.lan/x"}},
		{"http://10.0.0.*:9100", []string{"10.0.0.7:9100", "http://10.0.0.255:9100/metrics"},
			[]string{"10.0.0.7", "http://10.0.0.evil.com:9100/", "http://10.0.0.7.evil.com:9100", "http://10.0.0.07:9100/", "http://10.0.1.7:9100/", "http://[::ffff:10.0.0.7]:9100/", "http://10.0.7:9100/", "http://167772167:9100"}},
		{"http://[::1]:9100/*", []string{"http://[::1]:9100/", "http://[0:0:0:0:0:0:0:1]:9100/x"}, []string{"http://[::2]:9100/", "http://localhost:9100/", "http://[::1%25lo]:9100/"}},
		{"http://*", []string{"anything", "http://127.0.0.1/", "http://[::1]/", "http://a.b.c./"}, []string{"https://anything", "anything:81"}},
		{"https://B\u00fccher.example", []string{"https://b\u00fccher.example/", "https://xn--bcher-kva.example/", "https://B\u00dcCHER.example"}, []string{"https://bucher.example/"}},
		{"http://my_service:8080", []string{"my_service:8080", "http://MY_SERVICE:8080/x"}, []string{"http://my.service:8080/"}},
	} {
		ts := targets(t, tc.pattern)
		for want, list := range map[bool][]string{true: tc.yes, false: tc.no} {
			for _, raw := range list {
				u, err := probes.Target(raw)
				if got := err == nil && ts.Allow(u); got != want {
					t.Errorf("%s with %q: allowed %t (%v %v), want %t", tc.pattern, raw, got, u, err, want)
				}
				if err != nil && raw != "" && strings.Contains(err.Error(), raw) {
					t.Errorf("the error quotes the target: %v", err)
				}
			}
		}
	}
}

func TestBadPatterns(t *testing.T) {
	for _, raw := range []string{
		"", "*", "example.com", "*://example.com", "ftp://example.com", "https://", "https:///x", "https://example.*", "https://example.c*", "https://*.*", "https://a..b", "https://.b", "https://a.", "https://user@a.b", "https://a.b:x",
		"https://a.b/x?y", "https://a.b/#x", "https://a.b/x y", `https://a.b\x`, `https://a.b/\x`, "https://a.b/../x", "https://a.b/%2e%2e/*", "https://[::1", "https://[::zz]", "https://*.*.*.*.b", "https://\u2028.b", "HTTPS://a.b",
	} {
		if _, ps := probes.NewTargets([]string{raw}); len(ps) != 1 || ps[0].Path != "allowed_targets[0]" {
			t.Errorf("%q: %v", raw, ps)
		}
	}
}

// TestLook: what a run sees is the same as what it judges.
func TestLook(t *testing.T) {
	last := serve(t, answer(200, "Dashboard", "Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"))
	p := build(t, options(serve(t, answer(302, "", "Location", last.URL+"/x")).URL), nil)
	r, seen := p.Look(t.Context())
	want(t, r, "up")
	a := seen.Last
	if len(seen.Hops) != 2 || seen.Redirects != 1 || a == nil || a.Status != 200 || a.Version != "HTTP/1.1" || a.Length != 9 || a.Body != 9 || a.Modified.Unix() != 1445412480 || a.TLS != nil {
		t.Errorf("saw %+v %+v", seen, a)
	}
	var sum check.Phases
	for _, h := range seen.Hops {
		if !h.Connected || !h.Answered || h.Remote == "" {
			t.Errorf("hop %+v", h)
		}
		sum.Connect += h.Phases.Connect
		sum.Processing += h.Phases.Processing
		sum.Transfer += h.Phases.Transfer
	}
	if sum != (check.Phases{Connect: r.Phases.Connect, Processing: r.Phases.Processing, Transfer: r.Phases.Transfer}) {
		t.Errorf("the hops make %+v of %+v", sum, r.Phases)
	}
	last.Close()
	if r, seen = p.Look(t.Context()); r.Fault == nil || seen.Last != nil || len(seen.Hops) != 2 || seen.Hops[1].Connected {
		t.Errorf("after the second hop refused: %+v %+v", r.Fault, seen)
	}
}

// TestLeads: a redirect is followed to where it may lead only.
func TestLeads(t *testing.T) {
	asked := 0
	other := serve(t, func(_ http.ResponseWriter, _ *http.Request) { asked++ })
	srv := serve(t, answer(302, "", "Location", other.URL+"/"))
	for _, leads := range []bool{false, true} {
		rt := &http.Transport{DisableKeepAlives: true}
		p, err := probes.NewHTTP(monitor(srv.URL), options(srv.URL), nil, probes.Common{RT: rt, Leads: func(*url.URL) bool { return leads }})
		if err != nil {
			t.Fatal(err)
		}
		r := p.Probe(t.Context())
		if leads {
			want(t, r, "up")
		} else {
			want(t, r, "target/redirected")
			if !strings.Contains(r.Fault.Hint, "allowed_targets") || asked > 0 {
				t.Errorf("hint %q, the other was asked %d times", r.Fault.Hint, asked)
			}
		}
	}
}

// FuzzTarget: whatever is allowed by a pattern goes to a host of that pattern,
// as net/http sends it.
func FuzzTarget(f *testing.F) {
	for _, raw := range []string{"https://a.example.com/x", "https://a.example.com@evil.com/", `https://evil.com\.example.com`, "HTTPS://A。Example.COM:443/%2e%2e/", "https://[::1].example.com", "a.example.com:443/?#", "https://evil.com%2f.example.com/"} {
		f.Add(raw)
	}
	ts, ps := probes.NewTargets([]string{"https://*.example.com/public/*"})
	if len(ps) > 0 {
		f.Fatal(ps)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := probes.Target(raw)
		if err != nil || !ts.Allow(u) {
			return
		}
		sent, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("%q became %q: %v", raw, u, err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
		if err != nil || !strings.HasSuffix(req.URL.Hostname(), ".example.com") || strings.ContainsAny(req.URL.Host, `@/\?#%`) {
			t.Errorf("%q goes to %q: %v", raw, u, err)
		}
		origin, err := probes.Origin(u.String())
		if err != nil || origin != "https://"+sent.Hostname()+":443" || sent.User != nil {
			t.Errorf("%q has the origin %q: %v", raw, origin, err)
		}
		if clean := path.Clean(sent.Path); !strings.HasPrefix(clean+"/", "/public/") {
			t.Errorf("%q asks for %q", raw, clean)
		}
	})
}
