package probes

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// header is one header of the configuration.
type header struct {
	name  string // canonical
	value secret.Text
}

// setHeaders prepares the header of the requests. What stands in the
// configuration itself is prepared once; files and variables are read at use.
func (p *HTTP) setHeaders(configured map[string]secret.Text) {
	p.prepared = p.defaults()
	if t := p.body.contentType(); t != "" {
		p.prepared["Content-Type"] = []string{t}
	}
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		h := header{http.CanonicalHeaderKey(name), configured[name]}
		v, err := h.value.Reveal()
		switch {
		case err == nil && h.name == "Host" && (h.value.IsLiteral() || h.value.IsZero()):
			p.host = v
		case err == nil && (h.value.IsLiteral() || h.value.IsZero()):
			p.prepared[h.name] = []string{v}
		default:
			p.headers = append(p.headers, h)
		}
	}
}

func (p *HTTP) defaults() http.Header {
	return http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "User-Agent": {p.common.UserAgent}}
}

// hop is one request of a run.
type hop struct {
	method     string
	url        *url.URL
	own        bool   // it stays on the monitor's origin
	bare       bool   // the redirect dropped the body
	redirected bool   // a redirect led here
	passed     string // by which sign an earlier redirect led to a sign-in, "" once the way came back
}

func (p *HTTP) first() hop {
	h := hop{method: p.method, url: p.url, own: true}
	if p.cacheBust {
		h.url = busted(p.url)
	}
	return h
}

// busted returns u with a parameter that no cache has seen, the rest of the query
// as it was written.
func busted(u *url.URL) *url.URL {
	with := *u
	if with.RawQuery != "" {
		with.RawQuery += "&"
	}
	with.RawQuery += "watchword_cachebuster=" + strings.ToLower(rand.Text())
	return &with
}

// after returns the hop that a redirect leads to (RFC 9110, 15.4): 307 and 308
// keep method and body, the others make it a GET. ok is false where the body
// would leave the monitor's origin.
func (p *HTTP) after(h hop, status int, v *verdict) (next hop, ok bool) {
	next = hop{method: h.method, url: asSent(v.next), bare: h.bare, redirected: true, passed: h.passed}
	next.own = originOf(v.next) == p.origin
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		next.bare = true
		if h.method != http.MethodHead {
			next.method = http.MethodGet
		}
	}
	switch {
	case v.shape != "":
		next.passed = v.shape
	case next.own:
		next.passed = ""
	}
	return next, next.own || (next.bare || p.body.isZero()) && p.common.Foreign != nil
}

// ownHeader returns the header of requests to the monitor's origin, before the
// credential is put on it.
func (p *HTTP) ownHeader() (h http.Header, host string, err error) {
	h, host = maps.Clone(p.prepared), p.host
	for _, c := range p.headers {
		v, err := c.value.Reveal()
		if err == nil && !httpguts.ValidHeaderFieldValue(v) {
			err = &secret.MissingError{What: "its value holds characters that no header may hold"}
		}
		if err != nil {
			return nil, "", &headerError{c.name, err}
		}
		if c.name == "Host" {
			host = v
			continue
		}
		h[c.name] = []string{v}
	}
	if p.user != nil && h["Authorization"] == nil {
		password, _ := p.user.Password()
		h["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(p.user.Username()+":"+password))}
	}
	return h, host, nil
}

type headerError struct {
	name string
	err  error
}

func (e *headerError) Error() string { return "header " + e.name + ": " + e.err.Error() }

func (e *headerError) Unwrap() error { return e.err }

// request builds the request of a hop around a header that is its own.
func (p *HTTP) request(ctx context.Context, h hop, head http.Header) (*http.Request, error) {
	req := &http.Request{Method: h.method, URL: h.url, Host: h.url.Host, Header: head,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if !h.bare && !p.body.isZero() {
		body, err := p.body.reveal()
		if err != nil {
			return nil, &headerError{"body", err}
		}
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
	} else if h.bare {
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"} {
			head.Del(name)
		}
	}
	return req.WithContext(transport.Bind(ctx)), nil
}

// jars keep the cookies of one run, a jar for each origin: a jar of its own
// would give those of one port to another.
type jars map[string]*cookiejar.Jar

func (j *jars) keep(u *url.URL, h http.Header) {
	if len(h["Set-Cookie"]) == 0 {
		return
	}
	if *j == nil {
		*j = make(jars)
	}
	origin := originOf(u)
	jar := (*j)[origin]
	if jar == nil {
		jar, _ = cookiejar.New(nil) // never fails
		(*j)[origin] = jar
	}
	jar.SetCookies(u, (&http.Response{Header: h}).Cookies())
}

func (j jars) put(req *http.Request) {
	if len(j) == 0 {
		return
	}
	if jar := j[originOf(req.URL)]; jar != nil {
		for _, c := range jar.Cookies(req.URL) {
			req.AddCookie(c)
		}
	}
}

// secretsOf returns what is to be scrubbed from quotes: answers echo what they
// were sent.
func (p *HTTP) secretsOf() []string {
	var all []string
	if p.way != nil && p.way.Secrets != nil {
		all = slices.Clone(p.way.Secrets())
	}
	for name, vs := range p.prepared {
		if sensitive(name) {
			for _, v := range vs {
				all = append(all, partsOf(v)...)
			}
		}
	}
	for _, h := range p.headers {
		all = append(all, reveal(h.value)...)
	}
	all = append(append(all, p.body.secrets()...), p.route.Secrets()...)
	if p.user != nil {
		name := p.user.Username()
		password, ok := p.user.Password()
		if !ok {
			all = append(all, longEnough([]string{name})...) // some services take a key so
		}
		all = append(all, password, base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
	}
	for _, vs := range p.url.Query() {
		all = append(all, longEnough(vs)...)
	}
	return all
}

// longEnough drops what is too short for a key, like the 2 of "page=2": it would
// be found in every text.
func longEnough(vs []string) []string {
	return slices.DeleteFunc(slices.Clone(vs), func(v string) bool { return len(v) < 6 })
}

func reveal(t secret.Text) []string {
	v, err := t.Reveal()
	if err != nil || v == "" {
		return nil
	}
	return partsOf(v)
}

// partsOf returns a header value and what of it a service may repeat alone: the
// token of "Bearer TOKEN", the password of "Basic BASE64", the values of cookies.
func partsOf(v string) []string {
	parts := []string{v}
	rest := v
	if scheme, after, found := strings.Cut(v, " "); found && !strings.ContainsAny(scheme, "=;,") {
		rest = after
	}
	for field := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == ' ' || r == ';' || r == ',' }) {
		_, value, _ := strings.Cut(field, "=")
		parts = append(parts, field, strings.Trim(value, `"`))
		if b, err := base64.StdEncoding.DecodeString(field); err == nil {
			_, password, _ := strings.Cut(string(b), ":")
			parts = append(parts, password)
		}
	}
	return longEnough(parts)
}

func sensitive(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "token", "key", "secret", "cookie", "pass", "session"},
		func(part string) bool { return strings.Contains(name, part) })
}

// unreadable is the fault of a header or body whose secret cannot be read.
func unreadable(err error) *finding {
	return &finding{check.SecretUnavailable, "the request could not be written: " + secret.Line(err.Error(), quoteRunes),
		"the variable must be set for the agent, or the file be there and readable by it"}
}
