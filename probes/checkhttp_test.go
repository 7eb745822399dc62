package probes_test

import (
	"strings"
	"testing"

	"github.com/watchword/watchword/probes"
)

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"HTTPS://Example.COM/a?b":       "https://example.com:443",
		"http://example.com":            "http://example.com:80",
		"http://u:p@example.com:8080/x": "http://example.com:8080",
		"https://[2001:DB8::1]/":        "https://[2001:db8::1]:443",
		"https://bücher.example/":       "https://xn--bcher-kva.example:443",
	} {
		if got, err := probes.Origin(in); err != nil || got != want {
			t.Errorf("Origin(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "example.com", "ftp://x/", "http://", "http://h:0/", "http://h:99999/", "http://sec ret/", "http://h:p-secret/"} {
		if got, err := probes.Origin(in); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Origin(%q) = %q, %v", in, got, err)
		}
	}
}

func TestCheckHTTP(t *testing.T) {
	good := options("https://application.example.test/", keyword("a"), status("200", "300-399"), headers("X-A", "b"))
	if ps := probes.CheckHTTP(good); len(ps) != 0 {
		t.Errorf("problems of a good one: %v", ps)
	}
	for _, tc := range []struct {
		path string
		o    probes.HTTPOptions
	}{
		{"url", options("application.example.test")},
		{"method", options("http://h", func(o *probes.HTTPOptions) { o.Method = "get" })},
		{"method", options("http://h", func(o *probes.HTTPOptions) { o.Method = "" })},
		{"headers.a b", options("http://h", headers("a b", "x"))},
		{"headers.content-length", options("http://h", headers("content-length", "1"))},
		{"headers.X", options("http://h", headers("X", "a\r\nb"))},
		{"max_redirects", options("http://h", func(o *probes.HTTPOptions) { o.MaxRedirects = -1 })},
		{"max_body", options("http://h", func(o *probes.HTTPOptions) { o.MaxBody = 0 })},
		{"connection", options("http://h", func(o *probes.HTTPOptions) { o.Connection = "kept" })},
		{"ip_family", options("http://h", func(o *probes.HTTPOptions) { o.IPFamily = "ipv5" })},
		{"expect.status", options("http://h", status())},
		{"expect.status[1]", options("http://h", status("200", "2xx"))},
		{"expect.status[0]", options("http://h", status("299-200"))},
		{"expect.keyword[0]", options("http://h", keyword(""))},
		{"expect.absent[1]", options("http://h", absent("a", ""))},
		{"expect.keyword", options("http://h", keyword("a"), func(o *probes.HTTPOptions) { o.Method = "HEAD" })},
		{"expect.absent", options("http://h", absent("a"), func(o *probes.HTTPOptions) { o.Method = "HEAD" })},
	} {
		ps := probes.CheckHTTP(tc.o)
		if len(ps) != 1 || ps[0].Path != tc.path || ps[0].Message == "" {
			t.Errorf("%s: problems %v", tc.path, ps)
		}
	}
}
