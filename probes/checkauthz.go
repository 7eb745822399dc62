package probes

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

// CheckAuthz says what is wrong with the options of a monitor of type authz. It
// reads the files that they name and sends nothing.
func CheckAuthz(o HTTPOptions, a AuthzOptions) []check.Problem {
	return append(checkAuthz(o, a), transport.Check(o.Transport())...)
}

func checkAuthz(o HTTPOptions, a AuthzOptions) []check.Problem {
	d := DefaultHTTPOptions()
	d.URL, d.Method, d.Headers, d.MaxBody, d.Connection = o.URL, o.Method, o.Headers, o.MaxBody, o.Connection
	d.IPFamily, d.Resolve, d.TLS, d.Expect = o.IPFamily, o.Resolve, o.TLS, o.Expect.ofDecision()
	d.ProxyURL, d.NoProxy, d.HTTPVersion = o.ProxyURL, o.NoProxy, o.HTTPVersion
	ps := checkRequest(d)
	add := func(path string, warning bool, err error) {
		if err != nil {
			ps = append(ps, check.Problem{Path: path, Message: err.Error(), Warning: warning})
		}
	}
	if !slices.Contains(implementations(), a.Implementation) {
		add("implementation", false, fmt.Errorf("%q is neither %s", a.Implementation, strings.Join(implementations(), " nor ")))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if a.SetsItself(name) {
			add("headers."+name, false, fmt.Errorf("%s sets this header itself, by resource and method", a.Implementation))
		}
	}
	add("resource", false, checkResource(a.Resource))
	add("implementation", true, a.misplaced(o.URL))
	return ps
}

// ofDecision returns what can be expected of the decision of a gate: nobody reads
// its body.
func (e Expect) ofDecision() Expect {
	return Expect{Status: e.Status, Headers: e.Headers, AbsentHeaders: e.AbsentHeaders, MaxDuration: e.MaxDuration, Warn: e.Warn}
}

func checkResource(raw string) error {
	if raw == "" {
		return errors.New("a monitor of type authz needs a resource: the URL that is asked about")
	}
	if _, err := Origin(raw); err != nil {
		return err
	}
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		return errors.New("no user name and password belong in it: nothing is sent there")
	}
	return nil
}

// misplaced warns where the path of the endpoint is named after another way of
// asking.
func (a AuthzOptions) misplaced(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	for _, other := range implementations() {
		if other != a.Implementation && strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/"+other) {
			return fmt.Errorf("url ends in %s: is that the implementation?", other)
		}
	}
	return nil
}
