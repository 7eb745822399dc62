package probes_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// TestBodies: every method, with and without a body, byte for byte.
func TestBodies(t *testing.T) {
	var got string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %d %q %s", r.Method, r.ContentLength, r.Header["Content-Type"], b)
	})
	t.Setenv("WW_FORM_PASSWORD", "p&ss=wörd +1")
	password, err := secret.Parse("${WW_FORM_PASSWORD}", "")
	if err != nil {
		t.Fatal(err)
	}
	const odd = "{\"b\":  1.0e2,\r\n \"a\": \"<&>\\u00e9\", \"a\": 2}" // what a serialiser would change
	with := func(method, kind, body string) func(*probes.HTTPOptions) {
		return func(o *probes.HTTPOptions) { o.Method, o.BodyType, o.Body = method, kind, secret.Literal(body) }
	}
	form := func(o *probes.HTTPOptions) {
		o.Method, o.Form = "POST", map[string]secret.Text{"user": secret.Literal("a b"), "password": password}
	}
	for _, tc := range []struct {
		name string
		o    []func(*probes.HTTPOptions)
		want string
	}{
		{"json", []func(*probes.HTTPOptions){with("POST", "json", odd)}, fmt.Sprintf(`POST %d ["application/json"] %s`, len(odd), odd)},
		{"xml", []func(*probes.HTTPOptions){with("PUT", "xml", "<a/>")}, `PUT 4 ["application/xml"] <a/>`},
		{"text", []func(*probes.HTTPOptions){with("PATCH", "text", "é")}, `PATCH 2 ["text/plain; charset=utf-8"] é`},
		{"a form that is written out", []func(*probes.HTTPOptions){with("POST", "form", "a=b&c=%20")}, `POST 9 ["application/x-www-form-urlencoded"] a=b&c=%20`},
		{"a form", []func(*probes.HTTPOptions){form}, `POST 41 ["application/x-www-form-urlencoded"] password=p%26ss%3Dw%C3%B6rd+%2B1&user=a+b`},
		{"a type of its own", []func(*probes.HTTPOptions){with("POST", "json", "{}"), headers("content-type", "application/vnd.x+json")}, `POST 2 ["application/vnd.x+json"] {}`},
		{"no type", []func(*probes.HTTPOptions){with("POST", "", "x")}, `POST 1 [] x`},
		{"GET with a body", []func(*probes.HTTPOptions){with("GET", "text", "x")}, `GET 1 ["text/plain; charset=utf-8"] x`},
		{"DELETE with a body", []func(*probes.HTTPOptions){with("DELETE", "json", "[]")}, `DELETE 2 ["application/json"] []`},
		{"POST without one", []func(*probes.HTTPOptions){with("POST", "", "")}, `POST 0 [] `},
		{"OPTIONS", []func(*probes.HTTPOptions){with("OPTIONS", "", "")}, `OPTIONS 0 [] `},
		{"a method of WebDAV", []func(*probes.HTTPOptions){with("PROPFIND", "xml", "<p/>")}, `PROPFIND 4 ["application/xml"] <p/>`},
		{"HEAD", []func(*probes.HTTPOptions){with("HEAD", "", "")}, `HEAD 0 [] `},
		{"TRACE", []func(*probes.HTTPOptions){with("TRACE", "", "")}, `TRACE 0 [] `},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want(t, probe(t, options(srv.URL, tc.o...), nil), "up")
			if got != tc.want {
				t.Errorf("sent %s, want %s", got, tc.want)
			}
		})
	}
}

// TestFormsAndRedirects: a form is a body, and stays where it belongs; what the
// service repeats of it is not told.
func TestFormsAndRedirects(t *testing.T) {
	var seen []string
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { seen = append(seen, "other") })
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen = append(seen, fmt.Sprintf("%s %s %s %q", r.Method, r.URL.Path, b, r.Header.Get("Content-Type")))
		switch r.URL.Path {
		case "/keep":
			http.Redirect(w, r, "/drop", http.StatusTemporaryRedirect)
		case "/drop":
			http.Redirect(w, r, "/end", http.StatusSeeOther)
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusPermanentRedirect)
		case "/echo":
			w.WriteHeader(http.StatusTeapot)
			w.Write(b)
		}
	})
	form := func(o *probes.HTTPOptions) {
		o.Method, o.Form = "POST", map[string]secret.Text{"password": secret.Literal("hunter2-hunter2")}
	}
	want(t, probe(t, options(srv.URL+"/keep", form), nil), "up")
	const kind = `"application/x-www-form-urlencoded"`
	if got := strings.Join(seen, "; "); got != "POST /keep password=hunter2-hunter2 "+kind+"; POST /drop password=hunter2-hunter2 "+kind+`; GET /end  ""` {
		t.Errorf("saw %s", got)
	}
	seen = nil
	want(t, probe(t, options(srv.URL+"/away", form), nil), "target/redirected", "hunter2-hunter2")
	if len(seen) != 1 {
		t.Errorf("the form went along: %v", seen)
	}
	want(t, probe(t, options(srv.URL+"/echo", form), nil), "target/status", "hunter2-hunter2")
}

// TestCacheBust: a value that was never there, on the first request alone, and
// the rest of the query as it was written.
func TestCacheBust(t *testing.T) {
	var seen []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+"?"+r.URL.RawQuery)
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/next", http.StatusFound)
		}
	})
	bust := func(o *probes.HTTPOptions) { o.CacheBust = true }
	for _, q := range []string{"", "?b=%7e&a&b=2"} {
		seen = nil
		p := build(t, options(srv.URL+"/"+q, bust), nil)
		a, b := p.Probe(t.Context()), p.Probe(t.Context())
		want(t, a, "up")
		want(t, b, "up")
		before := "/?"
		if q != "" {
			before = "/" + q + "&"
		}
		if len(seen) != 4 || !strings.HasPrefix(seen[0], before+"watchword_cachebuster=") || seen[0] == seen[2] || len(seen[0]) < len(before)+40 || seen[1] != "/next?" {
			t.Errorf("asked for %q", seen)
		}
	}
}

// TestQueryAsBrowsersSendIt: what no request line can hold is escaped, in the URL
// as in a redirect; what was escaped, and all else, stays as it was written.
func TestQueryAsBrowsersSendIt(t *testing.T) {
	var seen []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.RequestURI)
		if r.URL.Path == "/" {
			w.Header().Set("Location", `/next?to=c d&"ö"`)
			w.WriteHeader(http.StatusFound)
		}
	})
	p := build(t, options(srv.URL+`/?q=a b&ü=<1>&x=%2f+%zz'{|}`), nil)
	want(t, p.Probe(t.Context()), "up")
	if wanted := []string{`/?q=a%20b&%C3%BC=%3C1%3E&x=%2f+%zz'{|}`, "/next?to=c%20d&%22%C3%B6%22"}; !slices.Equal(seen, wanted) {
		t.Errorf("asked for %q, want %q", seen, wanted)
	}
}
