package probes

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/watchword/watchword/internal/check"
)

func TestParseChallenges(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{``, ``},
		{`Bearer`, `bearer`},
		{`bearer ERROR="Invalid_token"`, `bearer error=Invalid_token`},
		{`Bearer error="invalid_token",error_description="a, b \"c\" \\d"`, `bearer error=invalid_token error_description=a, b "c" \d`},
		{`Bearer error = invalid_token , realm=x`, `bearer error=invalid_token realm=x`},
		{`Basic realm="a", Bearer error="e"`, `basic realm=a; bearer error=e`},
		{`Negotiate YII=, Basic realm="a"`, `negotiate; basic realm=a`},
		{`Negotiate, Basic realm="a"`, `negotiate; basic realm=a`},
		{`NTLM TlRMTVNTUAAB==`, `ntlm`},
		{`Digest realm="a", qop="auth,auth-int", nonce=n`, `digest realm=a qop=auth,auth-int nonce=n`},
		{`Bearer realm="open`, `bearer realm=open`},
		{`Bearer realm="", error=""`, `bearer realm= error=`},
		{`Bearer realm=, error=e`, `bearer error=e`},
		{`,, ,Bearer error="e",,`, `bearer error=e`},
		{`error="e"`, ``},
		{`"Bearer" error="e"`, `bearer error=e`},
		{"Bearer\terror=\"e\"", `bearer error=e`},
		{`Bearer error="e" scope="s"`, `bearer error=e scope=s`},
		{"Basic realm=\"a\"\nerror=\"x\"", `basic realm=a`}, // another header starts anew
	} {
		if got := spell(parseChallenges(strings.Split(tc.in, "\n"))); got != tc.want {
			t.Errorf("%q reads as %q, want %q", tc.in, got, tc.want)
		}
	}
	if n := len(parseChallenges([]string{strings.Repeat("Bearer a=b, ", 9999)})); n != maxChallenges {
		t.Errorf("%d challenges", n)
	}
}

func spell(cs []challenge) string {
	var all []string
	for _, c := range cs {
		s := c.scheme
		for _, p := range c.params {
			s += fmt.Sprintf(" %s=%s", p.name, p.value)
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

func TestQuote(t *testing.T) {
	s := scene{secrets: func() []string { return []string{"hunter2-hunter2", "two  spaces"} }}
	for in, want := range map[string]string{
		"a\r\nb":                                       "a b",
		"is hunter2-hunter2!":                          "is [secret]!",
		"is hunter2\u200b-hunter2!":                    "is [secret]!",
		"is two  spaces":                               "is [secret]",
		strings.Repeat("é", 300):                       strings.Repeat("é", quoteRunes-1) + "…",
		strings.Repeat(" ", 1<<20):                     "",
		strings.Repeat(" ", 65530) + "hunter2-hunter2": "",
	} {
		if got := s.quote(in); got != want {
			t.Errorf("quote(%.40q) = %q, want %q", in, got, want)
		}
	}
}

func TestSignInTitles(t *testing.T) {
	for _, k := range SignInTitles() {
		title := map[string]string{"exact": "%s", "prefix": "%sx", "suffix": "x%s"}[k.Match]
		if title == "" || knownTitle(strings.ToUpper(fmt.Sprintf(title, k.Title))) == "" {
			t.Errorf("%+v is not known", k)
		}
	}
	for _, title := range []string{"", "Dashboard", "Sign in", "How to sign in to things", "Design in"} {
		if got := knownTitle(title); (got != "") != (title == "Sign in") {
			t.Errorf("%q is known as %q", title, got)
		}
	}
}

func FuzzChallenges(f *testing.F) {
	for _, s := range []string{`Bearer error="invalid_token"`, `Basic realm="a\"b, c", Negotiate YII==`, `a=b`, `"`, `Bearer =`, "\x00é,"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, c := range parseChallenges([]string{a, b}) {
			if c.scheme == "" || strings.Trim(c.scheme, tokenChars) != "" || len(c.params) > maxChallengeParams {
				t.Errorf("read %+v", c)
			}
		}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a)
		if len(quoted) < maxChallengeBytes/2 { // what was quoted by the rules is read back
			cs := parseChallenges([]string{`Bearer realm="` + quoted + `", error=invalid_token`})
			if len(cs) != 1 || cs[0].get("realm") != a || cs[0].get("error") != "invalid_token" {
				t.Errorf("quoted %q and read %+v", a, cs)
			}
		}
	})
}

func FuzzCharset(f *testing.F) {
	f.Add([]byte("Verf\xfcgbar"), "text/html; charset=iso-8859-1")
	f.Add([]byte("<?xml encoding='x"), "text/xml")
	f.Add([]byte("\xff\xfea\x00"), "")
	f.Add([]byte("<meta charset=shift_jis>\x89"), "text/html")
	f.Add([]byte("\xef\xbb\xbfx"), "a/b;;charset=")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		before := string(body)
		text := decodeText(body, contentType)
		if string(body) != before {
			t.Error("the body was changed")
		}
		if len(text) > 4*len(body)+8 {
			t.Errorf("%d bytes became %d", len(body), len(text))
		}
		if plain(body) && string(text) != before {
			t.Errorf("plain text changed from %q to %q", before, text)
		}
		if utf8.Valid(body) && !strings.ContainsAny(before, "\x00\x1b\ufeff") && string(decodeText(body, "text/plain; charset=utf-8")) != before {
			t.Errorf("UTF-8 changed")
		}
	})
}

func FuzzJudge(f *testing.F) {
	const token = "authelia_at_token-of-ours.0123456789"
	f.Add(uint16(401), `Bearer error="invalid_token"`, "", "text/html", []byte("<title>Sign In</title>"), uint8(0))
	f.Add(uint16(302), "", "https://auth.example.test/?rd=x", "", []byte(token), uint8(1))
	f.Add(uint16(200), "Basic", " ", "text/plain", []byte("Dashboard"), uint8(2))
	f.Add(uint16(500), "", "", "", []byte("<center><h1>500 Internal Server Error</h1></center>"), uint8(3))
	f.Add(uint16(403), "", "http://[", "application/json", []byte(`{"t":"`+token+`"}`), uint8(7))
	f.Fuzz(func(t *testing.T, status uint16, challenge, location, contentType string, body []byte, mode uint8) {
		own := &url.URL{Scheme: "https", Host: "application.example.test", Path: "/"}
		x, _ := newExpectations(Expect{Status: []string{"200-299", "403"}[:1+mode%2], Keyword: []string{"Dashboard"}, Absent: []string{"Error"}})
		s := &scene{url: own, origin: originOf(own), expect: &x, hops: int(mode / 2 % 2), secrets: func() []string { return []string{token} }}
		if mode/4%2 == 0 {
			s.provider = "https://auth.example.test:443"
			s.way = &Way{Kind: []string{"client_credentials", "basic", "bearer", "header"}[mode/8%4], Credential: "key", Gate: "gate", Authelia: func() bool { return mode/32%2 == 0 }}
		}
		a := &answer{status: 100 + int(status)%900, url: own, redirected: mode/64 == 1, cut: mode/128 == 1, body: decodeText(body, contentType),
			header: http.Header{"Content-Type": {contentType}, "Location": {location}, "Www-Authenticate": {challenge}}}
		v, done := s.readHead(a)
		if !done {
			v = s.readBody(a)
		}
		if v.fault != nil {
			checkFinding(t, v.fault, token)
		}
		if v.next != nil && s.way != nil && originOf(v.next) != s.origin {
			t.Errorf("a credential would follow to %s", v.next)
		}
	})
}

func checkFinding(t *testing.T, f *finding, token string) {
	t.Helper()
	p := &HTTP{monitor: &check.Monitor{ID: "m"}, way: &Way{}}
	fault := (&run{p: p, at: new(url.URL)}).blame(f)
	if fault.Class == "" {
		t.Errorf("%q is outside the closed set", f.reason)
	}
	for _, text := range []string{fault.Message, fault.Hint} {
		switch {
		case text == "", utf8.RuneCountInString(text) > hintRunes, strings.Contains(text, token), strings.ContainsFunc(text, unicode.IsControl):
			t.Errorf("%s/%s says %q", fault.Class, fault.Reason, text)
		}
	}
}
