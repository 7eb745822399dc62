package probes

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/watchword/watchword/internal/check"
)

// demands are the expectations beside statuses and words.
type demands struct {
	regex, absentRegex     []*regexp.Regexp
	json                   []*query
	headers, absentHeaders []headerDemand
	within                 time.Duration // 0: no limit
	warn                   bool
	versions               []string // of HTTP; nil: any
	oldestTLS              string   // "" for what holds anyway
}

// headerDemand is what a header has to be like, or must not.
type headerDemand struct {
	name string // canonical
	re   *regexp.Regexp
}

// The versions of HTTP and TLS that can be expected.
func httpVersions() []string { return []string{"1.0", "1.1", "2"} }
func tlsVersions() []string  { return []string{"1.0", "1.1", "1.2", "1.3"} }

func newDemands(e Expect, ps []check.Problem) (*demands, []check.Problem) {
	d := demands{within: e.MaxDuration, warn: e.Warn, versions: e.HTTPVersion, oldestTLS: e.TLSVersion}
	d.regex, ps = expressions("expect.regex", e.Regex, ps)
	d.absentRegex, ps = expressions("expect.absent_regex", e.AbsentRegex, ps)
	d.headers, ps = headerDemands("expect.headers", e.Headers, ps)
	d.absentHeaders, ps = headerDemands("expect.absent_headers", e.AbsentHeaders, ps)
	for i, text := range e.JSON {
		q, err := newQuery(text)
		if err != nil {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("expect.json[%d]", i), Message: err.Error()})
			continue
		}
		d.json = append(d.json, q)
	}
	if e.MaxDuration < 0 {
		ps = append(ps, check.Problem{Path: "expect.max_duration", Message: "it cannot be negative"})
	}
	ps = checkVersions(e, ps)
	if d.none() {
		return nil, ps
	}
	return &d, ps
}

func (d *demands) none() bool {
	return len(d.regex)+len(d.absentRegex)+len(d.json)+len(d.headers)+len(d.absentHeaders)+len(d.versions) == 0 && d.within == 0 && d.oldestTLS == ""
}

func checkVersions(e Expect, ps []check.Problem) []check.Problem {
	for i, v := range e.HTTPVersion {
		if !slices.Contains(httpVersions(), v) {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("expect.http_version[%d]", i),
				Message: fmt.Sprintf("%q is none of %s", v, strings.Join(httpVersions(), ", "))})
		}
	}
	if v := e.TLSVersion; v != "" && !slices.Contains(tlsVersions(), v) {
		ps = append(ps, check.Problem{Path: "expect.tls_version", Message: fmt.Sprintf("%q is none of %s", v, strings.Join(tlsVersions(), ", "))})
	}
	return ps
}

func expressions(path string, texts []string, ps []check.Problem) ([]*regexp.Regexp, []check.Problem) {
	var res []*regexp.Regexp
	for i, text := range texts {
		re, err := expression(text)
		if err != nil {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("%s[%d]", path, i), Message: err.Error()})
			continue
		}
		res = append(res, re)
	}
	return res, ps
}

func expression(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, errors.New("the expression is empty: it would match everything")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, fmt.Errorf("no regular expression of RE2: %s", why)
	}
	return re, nil
}

func headerDemands(path string, texts map[string]string, ps []check.Problem) ([]headerDemand, []check.Problem) {
	var hs []headerDemand
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		re, err := expression(texts[name])
		if wrong := answerHeader(name); wrong != nil {
			err = wrong
		}
		if err != nil {
			ps = append(ps, check.Problem{Path: path + "." + name, Message: err.Error()})
			continue
		}
		hs = append(hs, headerDemand{http.CanonicalHeaderKey(name), re})
	}
	return hs, ps
}

// answerHeader objects to what is no name of a header that can be looked at.
func answerHeader(name string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is not the name of a header", name)
	}
	switch http.CanonicalHeaderKey(name) {
	case "Connection", "Transfer-Encoding", "Trailer":
		return errors.New("this header belongs to the connection and cannot be looked at")
	}
	return nil
}
