package probes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/check"
)

const ownToken = "authelia_at_token-of-ours.0123456789"

// judged reads an answer as a run does, without the wire.
func judged(t testing.TB, e Expect, a *answer) *finding {
	t.Helper()
	if e.Status == nil {
		e.Status = []string{"200-299"}
	}
	x, ps := newExpectations(e)
	if len(ps) > 0 {
		t.Fatalf("problems: %v", ps)
	}
	own := &url.URL{Scheme: "https", Host: "application.example.test", Path: "/api"}
	s := &scene{url: own, origin: originOf(own), expect: &x, limit: 100, secrets: func() []string { return []string{ownToken} }}
	a.url = own
	if a.status == 0 {
		a.status = 200
	}
	if x.more != nil && len(x.more.json) > 0 {
		a.asked = s.ask(t.Context(), x.more.json, a)
	}
	return s.readBody(a).fault
}

func said(f *finding) string {
	if f == nil {
		return "up"
	}
	return string(f.reason) + ": " + f.message
}

func reply(contentType, body string, headers ...string) *answer {
	a := &answer{header: http.Header{"Content-Type": {contentType}}, body: []byte(body), major: 1, minor: 1}
	for i := 0; i+1 < len(headers); i += 2 {
		a.header[headers[i]] = append(a.header[headers[i]], headers[i+1])
	}
	return a
}

const somePage = `<!doctype html><title>App</title><script>var x;</script><h1>dashboard v2</h1><p>Sales &amp; Marketing</p><p>Hello` + "\u00a0\n" + `World, <b>Alice</b> Smith</p><p>It’s “fine”</p><p>Cafe` + "\u0301" + ` open</p><p>a` + "\u200b" + `gain</p>`

const someData = `{ "status": "degraded", "queue": {"depth": 1234}, "services": [{"name":"db","up":true},{"name":"mail","up":false}], "name": "Gr\u00fcn", "id": 12345678901234567890, "price": 1.10 }`

// TestUnmet goes over every kind of expectation: what a person is told.
func TestUnmet(t *testing.T) {
	html, api, text := func() *answer { return reply("text/html", somePage) }, func() *answer { return reply("application/json", someData) },
		func() *answer { return reply("text/plain", "OK: 3 of 4\nERROR 512 in shard\nversion: beta\n") }
	type h = map[string]string
	for name, tc := range map[string]struct {
		e    Expect
		a    *answer
		want string
	}{
		"all met": {Expect{Keyword: []string{"dashboard", "v2"}, Absent: []string{"Error"}, Regex: []string{`v\d`}, AbsentRegex: []string{`v3`},
			Headers: h{"content-type": "html$"}, AbsentHeaders: h{"X-Old": "."}, HTTPVersion: []string{"1.1", "2"}}, html(), "up"},
		"case":            {Expect{Keyword: []string{"Dashboard"}}, html(), `keyword_missing: "Dashboard" is not in the answer (200, titled "App"); but "dashboard" is, in "…`},
		"entity":          {Expect{Keyword: []string{"Sales & Marketing"}}, html(), `but "Sales &amp; Marketing" is, in `},
		"no-break space":  {Expect{Keyword: []string{"Hello World"}}, html(), `white space differs (a no-break space)`},
		"markup":          {Expect{Keyword: []string{"Alice Smith"}}, html(), `: markup stands in it`},
		"typography":      {Expect{Keyword: []string{`It's "fine"`}}, html(), `: quotes, dashes or dots are typographic`},
		"normal form":     {Expect{Keyword: []string{"Café open"}}, html(), `: letters are composed in another way`},
		"invisible":       {Expect{Keyword: []string{"again"}}, html(), `: invisible characters stand in it`},
		"two differences": {Expect{Keyword: []string{"SALES & Marketing"}}, html(), `: case differs, characters are escaped`},
		"a piece":         {Expect{Keyword: []string{"dashboard v3"}}, html(), `; the nearest to it: "dashboard v" in "`},
		"nothing near":    {Expect{Keyword: []string{"Lorem ipsum"}}, html(), `keyword_missing: "Lorem ipsum" is not in the answer (200, titled "App")`},
		"how it begins":   {Expect{Keyword: []string{"all good"}}, text(), `(200); it begins "OK: 3 of 4 ERROR 512 in shard version: beta"`},
		"escaped in JSON": {Expect{Keyword: []string{"Grün"}}, api(), `but "Gr\u00fcn" is`},
		"spaces in JSON":  {Expect{Keyword: []string{`"status":"degraded"`}}, api(), `: white space differs`},
		"absent":          {Expect{Absent: []string{"ERROR"}}, text(), `keyword_present: "ERROR" is in the answer (200) and should be absent: "OK: 3 of 4 ERROR 512`},
		"regex":           {Expect{Regex: []string{`OK`, `version: \d`}}, text(), `regex: the expression /version: \d/ does not match the answer (200); what is there: "OK: 3 of 4 ERROR`},
		"regex, near":     {Expect{Regex: []string{`Version: \d`}}, text(), `; but "version:" is, in "`},
		"regex, fixed":    {Expect{Regex: []string{`^\d+$`}}, text(), `/^\d+$/ does not match the answer (200); it begins "OK: 3`},
		"absent_regex":    {Expect{AbsentRegex: []string{`nope`, `ERROR \d+`}}, text(), `regex: the expression /ERROR \d+/ matches the answer (200) and should not: "`},
		"jq":              {Expect{JSON: []string{`.id > 1`, `.status == "ok"`}}, api(), `json: the query .status == "ok" is false, not true: .status is "degraded"`},
		"jq, null":        {Expect{JSON: []string{`.state == "ok"`}}, api(), `.state is null`},
		"jq, and":         {Expect{JSON: []string{`.queue.depth < 100 and .status == "degraded"`}}, api(), `: .queue.depth is 1234, .status is "degraded"`},
		"jq, all":         {Expect{JSON: []string{`all(.services[]; .up)`}}, api(), `is false, not true: .services[] | select(.up | not) is {"name":"mail","up":false}`},
		"jq, pipe":        {Expect{JSON: []string{`.services | all(.up)`}}, api(), `is {"name":"mail","up":false}`},
		"jq, each result": {Expect{JSON: []string{`.services[].up`}}, api(), `json: result 2 of the query .services[].up is false, not true`},
		"jq, length":      {Expect{JSON: []string{`[.services[] | select(.up | not).name] | length == 0`}}, api(), ` is ["mail"]`},
		"jq, variable":    {Expect{JSON: []string{`.queue as $q | $q.depth < 9`}}, api(), `: $q.depth is 1234`},
		"jq, function":    {Expect{JSON: []string{`def d: .queue.depth; d < 9`}}, api(), `: d is 1234`},
		"jq, not a truth": {Expect{JSON: []string{`.status`}}, api(), `the query .status is "degraded", not true`},
		"jq, one":         {Expect{JSON: []string{`1`}}, api(), `the query 1 is 1, not true`},
		"jq, error":       {Expect{JSON: []string{`.status.code == 1`}}, api(), `the query .status.code == 1 fails: "expected an object but got: string`},
		"jq, nothing":     {Expect{JSON: []string{`.services[] | select(.name == "x").up`}}, api(), `yields nothing (200): .services[] is {"name":"db","up":true}, {"name":"mail","up":false}`},
		"jq, no JSON":     {Expect{JSON: []string{`.a`}}, html(), `json: the answer (200, titled "App") is not JSON, and the query .a cannot be put to it`},
		"jq, text":        {Expect{JSON: []string{`.a`}}, text(), `is not JSON, and the query .a cannot be put to it; it begins "OK: 3`},
		"jq, empty":       {Expect{JSON: []string{`.a`}}, reply("application/json", " \n"), `is empty`},
		"jq, half":        {Expect{JSON: []string{`.a`}}, reply("application/json", `{"a": tru`), `is JSON that ends in the middle`},
		"jq, two values":  {Expect{JSON: []string{`.a`}}, reply("application/json", "{\"a\":true}\n{}"), `is not one JSON value: more follows after byte 10`},
		"jq, environment": {Expect{JSON: []string{`env == {}`, `$ENV == {}`}}, api(), "up"},
		"header":          {Expect{Headers: h{"Content-Type": "^text/"}}, api(), `header: the header Content-Type of the answer (200) is "application/json", which does not match /^text//`},
		"header, one of":  {Expect{Headers: h{"Via": "^b"}}, reply("", "", "Via", "a", "Via", "b"), "up"},
		"header, several": {Expect{Headers: h{"Via": "^c"}}, reply("", "", "Via", "a", "Via", "b"), `is "a", "b", which does not match /^c/`},
		"header, missing": {Expect{Headers: h{"strict-transport-security": "."}}, api(), `header: the answer (200) has no header Strict-Transport-Security; it should match /./`},
		"header, empty":   {Expect{Headers: h{"Via": "."}}, reply("", "", "Via", ""), `is "", which does not match`},
		"header, absent":  {Expect{AbsentHeaders: h{"Server": "nginx"}}, reply("", "", "Server", "nginx/1.2"), `header: the header Server of the answer (200) is "nginx/1.2", which matches /nginx/ and should not`},
		"header, cookie":  {Expect{Headers: h{"Set-Cookie": "Secure"}}, reply("", "", "Set-Cookie", "s=hunter2"), `is a value that is not shown, which does not match`},
		"header, URL":     {Expect{Headers: h{"Link": "^x"}}, reply("", "", "Link", "<https://a.example/?code=hunter2>; rel=x"), `"<https://a.example/?…>; rel=x"`},
		"version":         {Expect{HTTPVersion: []string{"1.0", "2"}}, api(), `protocol: the answer came over HTTP/1.1, and expect.http_version is 1.0 or 2`},
		"plain":           {Expect{TLSVersion: "1.3"}, &answer{plain: true, header: http.Header{}}, `handshake: the answer came over plain http`},
		"what is there first": {Expect{Keyword: []string{"nope"}, Regex: []string{"nope"}, JSON: []string{".a"}, Headers: h{"A": "b"}, Absent: []string{"OK"}},
			text(), "keyword_missing: "},
		"then the rest": {Expect{Keyword: []string{"OK"}, AbsentHeaders: h{"Content-Type": "."}, HTTPVersion: []string{"2"}}, text(), "header: "},
	} {
		t.Run(name, func(t *testing.T) {
			f := judged(t, tc.e, tc.a)
			if got := said(f); got != tc.want && (tc.want == "up" || !strings.Contains(got, tc.want)) {
				t.Errorf("says %s\nwant %s", got, tc.want)
			}
			if f != nil {
				checkFinding(t, f, "hunter2")
			}
		})
	}
}

// TestUnmetHints: what to do about it.
func TestUnmetHints(t *testing.T) {
	text := func() *answer { return reply("text/plain", "one\nOK: 3\nversion: 7\n") }
	for want, f := range map[string]*finding{
		"with (?m) in front it would match":        judged(t, Expect{Regex: []string{`^OK`}}, text()),
		"with (?i) in front it would match":        judged(t, Expect{Regex: []string{`ok: \d`}}, text()),
		"with (?s) in front it would match":        judged(t, Expect{Regex: []string{`OK.*version`}}, text()),
		"with (?ims) in front it would match":      judged(t, Expect{Regex: []string{`^ok.*version`}}, text()),
		"write it as it stands there":              judged(t, Expect{Keyword: []string{"Version: 7"}}, text()),
		"the keys of the document: id, name":       judged(t, Expect{JSON: []string{".state"}}, reply("", `{"name":1,"id":2}`)),
		"the document is a list of 3":              judged(t, Expect{JSON: []string{".[7]"}}, reply("", `[1,2,3]`)),
		"an object without keys":                   judged(t, Expect{JSON: []string{".a"}}, reply("", `{}`)),
		"the document is \"x\"":                    judged(t, Expect{JSON: []string{".a"}}, reply("", `"x"`)),
		"a page came instead of the data":          judged(t, Expect{JSON: []string{".a"}}, reply("text/html", somePage)),
		"HTTP/2 is agreed on in the TLS handshake": judged(t, Expect{HTTPVersion: []string{"2"}}, &answer{plain: true, major: 1, minor: 1}),
	} {
		if f == nil || !strings.Contains(f.hint, want) {
			t.Errorf("want %q in %+v", want, f)
		}
	}
}

// TestCutBody: an expectation is undecided only where the rest could decide it.
func TestCutBody(t *testing.T) {
	cut := func(body string) *answer { a := reply("text/plain", body); a.cut = true; return a }
	for name, tc := range map[string]struct {
		e    Expect
		a    *answer
		want string
	}{
		"regex, found":                {Expect{Regex: []string{"a"}}, cut("abc"), "up"},
		"regex, not yet":              {Expect{Regex: []string{"d"}}, cut("abc"), "body_too_large"},
		"absent_regex, found":         {Expect{AbsentRegex: []string{"a"}}, cut("abc"), "regex"},
		"absent_regex, not yet":       {Expect{AbsentRegex: []string{"d"}}, cut("abc"), "body_too_large"},
		"json, in the middle":         {Expect{JSON: []string{".a"}}, cut(`{"a": tr`), "body_too_large"},
		"json, more may follow":       {Expect{JSON: []string{".a"}}, cut(`{"a": true} `), "body_too_large"},
		"json, a number that is cut":  {Expect{JSON: []string{". == 12"}}, cut(`12`), "body_too_large"},
		"json, nothing yet":           {Expect{JSON: []string{"."}}, cut(`  `), "body_too_large"},
		"json, none for sure":         {Expect{JSON: []string{".a"}}, cut(`<html>`), "json"},
		"a header is decided":         {Expect{Keyword: []string{"d"}, Headers: map[string]string{"A": "b"}}, cut("abc"), "header"},
		"headers need no body":        {Expect{Headers: map[string]string{"Content-Type": "plain"}}, cut("abc"), "up"},
		"a header that must not be":   {Expect{Absent: []string{"d"}, AbsentHeaders: map[string]string{"Content-Type": "plain"}}, cut("abc"), "header"},
		"the version comes last":      {Expect{Absent: []string{"d"}, HTTPVersion: []string{"2"}}, cut("abc"), "body_too_large"},
		"the version needs no body":   {Expect{HTTPVersion: []string{"2"}}, cut("abc"), "protocol"},
		"not judged by other answers": {Expect{Status: []string{"204"}, JSON: []string{"."}}, cut("abc"), "status"},
	} {
		if got := said(judged(t, tc.e, tc.a)); got != tc.want && !strings.HasPrefix(got, tc.want+": ") {
			t.Errorf("%s: says %s, want %s", name, got, tc.want)
		}
	}
}

// TestAsSent: Uptime Kuma looks at JSON that it wrote anew, and takes each page
// for UTF-8.
func TestAsSent(t *testing.T) {
	latin, _ := charmap.ISO8859_1.NewEncoder().String("<p>Verfügbar</p>")
	for body, keyword := range map[string]string{`{"status": "ok", "n": 1.0}`: `"status": "ok", "n": 1.0`, "{\n  \"a\":\t1e3 }": "\"a\":\t1e3", latin: "Verfügbar"} {
		a := reply("text/html; charset=iso-8859-1", "")
		a.body = decodeText([]byte(body), a.header.Get("Content-Type"))
		if got := said(judged(t, Expect{Keyword: []string{keyword}, Regex: []string{"^(?s:.*)" + keyword[:4]}}, a)); got != "up" {
			t.Errorf("%q: %s", body, got)
		}
	}
}

// TestExactNumbers: numbers are those that were sent.
func TestExactNumbers(t *testing.T) {
	for query, want := range map[string]string{
		`.id == 12345678901234567890`:   "up",
		`.id == 12345678901234567891`:   `.id is 12345678901234567890`,
		`.id == 12345678901234567168`:   `.id is 12345678901234567890`, // the same as a float64
		`.price == 1.1`:                 "up",
		`.price == 1.2`:                 `.price is 1.10`,
		`.queue.depth + 1 == 1235`:      "up",
		`(.id | tostring | length) > 5`: "up",
	} {
		if got := said(judged(t, Expect{JSON: []string{query}}, reply("application/json", someData))); got != want && (want == "up" || !strings.Contains(got, want)) {
			t.Errorf("%s: %s", query, got)
		}
	}
}

// TestRunawayQuery ends with its context.
func TestRunawayQuery(t *testing.T) {
	for _, text := range []string{"def f: f; f", "[range(infinite)] | length > 0", "last(repeat(.)) | true"} {
		q, err := newQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		s := &scene{url: &url.URL{Scheme: "https", Host: "a.example"}}
		began := time.Now()
		said := s.ask(ctx, []*query{q}, reply("application/json", "{}"))
		cancel()
		if said == nil || !strings.Contains(said.message, "was not done within") || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %+v after %s", text, said, time.Since(began))
		}
	}
}

// TestQueryOfABusyMachine: queries that had no processor to run on say nothing of
// the answer.
func TestQueryOfABusyMachine(t *testing.T) {
	q, err := newQuery(".")
	if err != nil {
		t.Fatal(err)
	}
	for ago, want := range map[time.Duration]check.Reason{time.Second: check.Internal, 0: ""} {
		limited, cancel := context.WithDeadline(t.Context(), time.Now().Add(-ago))
		f := unasked(t.Context(), limited, time.Now().Add(-3*time.Second), q)
		if cancel(); f == nil && want != "" || f != nil && f.reason != want {
			t.Errorf("%s too late: %+v", ago, f)
		}
	}
}

// TestHeaderThatIsNeverSeen: net/http takes it out of the answer.
func TestHeaderThatIsNeverSeen(t *testing.T) {
	for _, name := range []string{"connection", "Transfer-Encoding", "Trailer"} {
		if err := answerHeader(name); err == nil {
			t.Errorf("%s can be looked at", name)
		}
	}
}

// TestQuotedSecrets: what was sent is in no quote, wherever the place is.
func TestQuotedSecrets(t *testing.T) {
	echo := "<title>Echo</title><p>Authorization: Bearer " + ownToken + "</p><p>dashboard</p><p>" + ownToken + "</p>"
	split := "dashboard " + strings.Replace(ownToken, "-of", "\u200b-of", 1) + " dashboard"
	for _, body := range []string{echo, split, `{"token": "` + ownToken + `", "dashboard": 1}`, ownToken + "dashboard" + ownToken, "dashboard " + url.QueryEscape(ownToken)} {
		for name, e := range map[string]Expect{
			"keyword": {Keyword: []string{"Dashboard"}}, "absent": {Absent: []string{"dashboard"}}, "regex": {Regex: []string{`dashboard\d{9}`}},
			"absent_regex": {AbsentRegex: []string{"(?s).*"}}, "json": {JSON: []string{".token == 1", ".dashboard"}}, "header": {Headers: map[string]string{"X-Echo": "^no"}},
			"absent header": {AbsentHeaders: map[string]string{"X-Echo": "."}},
		} {
			f := judged(t, e, reply("text/html", body, "X-Echo", "you sent "+ownToken))
			if f == nil {
				t.Errorf("%s of %q passes", name, body)
				continue
			}
			checkFinding(t, f, ownToken)
			if strings.Contains(f.message, "token-of") {
				t.Errorf("%s: %s", name, f.message)
			}
		}
	}
	a := reply("text/plain", "dashboard "+ownToken[:20])
	a.cut = true // in the middle of an echo
	if f := judged(t, Expect{Absent: []string{"dashboard"}}, a); strings.Contains(f.message, "authelia_at") {
		t.Errorf("says %s", f.message)
	}
}

// TestQuotedTokens: what an endpoint hands out is in no quote either, though it is
// none of ours.
func TestQuotedTokens(t *testing.T) {
	const handedOut = "opaque-4711-token-of-theirs"
	body := `{"access_token":"` + handedOut + `","token_type":"bearer","user":{"api_key":"` + handedOut + `"}}`
	for _, e := range []Expect{
		{JSON: []string{`.access_token | startswith("eyJ")`}}, {JSON: []string{".access_token"}}, {JSON: []string{"."}}, {JSON: []string{".user"}},
		{JSON: []string{`.user["api_key"] == "x"`}}, {JSON: []string{".access_token.value"}}, {JSON: []string{".access_token + 1 == 2"}}, {JSON: []string{"halt_error"}},
		{Keyword: []string{"Dashboard"}}, {Keyword: []string{`"token_type": "bearer"`}}, {Absent: []string{"bearer"}}, {Regex: []string{"Bearer"}}, {AbsentRegex: []string{"(?s).*"}},
		{Status: []string{"201"}},
	} {
		f := judged(t, e, reply("application/json", body))
		if f == nil || strings.Contains(f.message+f.hint, "4711") {
			t.Errorf("%+v: %+v", e, f)
		}
	}
}

// TestSignInByExpectation: a page with a password field is a sign-in page where
// what should be there is not, and not where what should not be is.
func TestSignInByExpectation(t *testing.T) {
	form := `<html><title>Welcome</title><form><input type="password"></form></html>`
	for want, es := range map[string][]Expect{
		"login_page": {{Keyword: []string{"Dashboard"}}, {Regex: []string{"Dash"}}, {JSON: []string{".a"}}, {Headers: map[string]string{"X-App": "1"}}},
		"not login_page": {{}, {Keyword: []string{"Welcome"}}, {Regex: []string{"Welc"}}, {Absent: []string{"Welcome"}}, {AbsentRegex: []string{"Wel"}},
			{AbsentHeaders: map[string]string{"Content-Type": "."}}, {HTTPVersion: []string{"2"}}},
	} {
		for _, e := range es {
			got := said(judged(t, e, reply("text/html", form)))
			if strings.HasPrefix(got, "login_page") != (want == "login_page") {
				t.Errorf("%+v: %s, want %s", e, got, want)
			}
		}
	}
	known := strings.Replace(form, "Welcome", "Sign In", 1) // asked for by its own URL
	if got := said(judged(t, Expect{Regex: []string{"password"}}, reply("text/html", known))); got != "up" {
		t.Errorf("the sign-in page itself: %s", got)
	}
	if got := said(judged(t, Expect{Headers: map[string]string{"Content-Type": "html"}}, reply("text/html", known))); !strings.HasPrefix(got, "login_page") {
		t.Errorf("a header says nothing of the page: %s", got)
	}
}

// TestQueryErrors: the place and the reason.
func TestQueryErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "empty", " \n": "empty", ".a ==": `unexpected EOF after ".a =="`, ".a ] .b": `unexpected token "]" after ".a "`,
		"foo": "function not defined: foo/0", `import "a" as a; .`: "cannot load module", "input": "not allowed", "$x": "variable not defined",
	} {
		if _, err := newQuery(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestSlowestPhase is named, of the last try alone.
func TestSlowestPhase(t *testing.T) {
	const long = 700 * time.Millisecond
	for says, phases := range map[string]check.Phases{
		"700 ms of it to resolve the name":                {Token: 9 * time.Second, Resolve: long, TLS: 10},
		"700 ms of it to connect":                         {Connect: long},
		"700 ms of it for the TLS handshake":              {TLS: long, Transfer: long - 1},
		"700 ms of it waiting for the answer to begin":    {Processing: long},
		"700 ms of it to receive the answer":              {Transfer: long},
		"it took 1.235 s, and max_duration is 200.1 ms (": {},
	} {
		before := check.Phases{Token: phases.Token, Processing: time.Minute}
		phases.Processing += time.Minute
		r := &run{pace: &pace{before: before}, res: check.Result{Phases: phases, Remote: "192.0.2.1:443"}, tries: make([]check.Try, 2)}
		f := r.slow(1234500*time.Microsecond, 200100*time.Microsecond)
		if !strings.Contains(f.message, says) || !strings.HasSuffix(f.message, " (2 requests)") || f.hint == "" {
			t.Errorf("%s; want %s", f.message, says)
		}
	}
}

// TestLongestPiece against the plain way.
func TestLongestPiece(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, word := rapid.StringMatching(`[abü ]{0,40}`).Draw(t, "text"), rapid.StringMatching(`[abü ]{1,20}`).Draw(t, "word")
		best := 0
		for i := range word {
			for j := i + 1; j <= len(word); j++ {
				if (j == len(word) || utf8.RuneStart(word[j])) && strings.Contains(text, word[i:j]) {
					best = max(best, j-i)
				}
			}
		}
		end, n := longestPiece([]byte(text), []byte(word))
		if n != best && utf8.RuneCountInString(text) == len(text) || n > best || !strings.Contains(word, text[end-n:end]) {
			t.Errorf("found %q, want %d bytes", text[end-n:end], best)
		}
	})
}

// FuzzExpect judges answers of strangers by every kind of expectation: what is
// said of them is of the closed set, in one short line, and holds no secret.
func FuzzExpect(f *testing.F) {
	f.Add([]byte(somePage), "text/html", "nginx", false)
	f.Add([]byte(someData), "application/json", ownToken, true)
	f.Add([]byte(`{"status": "`+ownToken+`", "a": [1e999, {"b": null}]}`), "application/json", "\xff", false)
	f.Add([]byte("dash&#98;oard&nbsp;\xff\\ud800<b"), "text/html; charset=iso-8859-1", "", true)
	es := []Expect{
		{Keyword: []string{"Dashboard of all"}}, {Keyword: []string{"ü — “é”"}}, {Absent: []string{"a"}}, {Regex: []string{`(?i)dash\w+ (of|x){2}`}}, {AbsentRegex: []string{`(?s).+`}},
		{JSON: []string{`.status == "ok"`}}, {JSON: []string{`[.. | numbers] | length > 3 and (map(. < 2) | all)`}}, {JSON: []string{`.a[] | .b | test("x")`}},
		{Headers: map[string]string{"Server": "^x"}}, {AbsentHeaders: map[string]string{"Server": "."}}, {HTTPVersion: []string{"2"}},
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType, header string, cut bool) {
		for _, e := range es {
			a := reply(contentType, string(decodeText(body, contentType)), "Server", header)
			a.cut = cut
			if found := judged(t, e, a); found != nil {
				checkFinding(t, found, ownToken)
			}
		}
		for _, word := range []string{"Dashboard of all", string(body[:min(len(body), 40)]), header} {
			if n, ok := nearest(body, []byte(word)); ok && (n.from < 0 || n.to <= n.from || n.to > len(body)) {
				t.Errorf("%q is nearest at %+v of %d", word, n, len(body))
			}
		}
	})
}

func BenchmarkNearest(b *testing.B) {
	for name, unit := range map[string]string{"text": "<p>some text of a page, not that</p>\n", "entities": "&amp;&lt;", "unicode": "Übersicht ", "same": "a", "escapes": `\u00fc`} {
		body := []byte(strings.Repeat(unit, nearWindow/len(unit)+1))
		for _, word := range []string{"Dashboard of all", strings.Repeat("a", 300) + "b"} {
			b.Run(fmt.Sprintf("%s/%d", name, len(word)), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					nearest(body, []byte(word))
				}
			})
		}
	}
}
