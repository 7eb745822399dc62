package probes

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

// mostBypasses bounds what is asked side by side.
const mostBypasses = 8

// CheckGuard says what is wrong with the options of a guard. It reads the files
// that they name and sends nothing. Whether the names in try are those of
// credentials is for the configuration to know.
func CheckGuard(o HTTPOptions, g GuardOptions) []check.Problem {
	return append(checkGuard(o, g), transport.Check(o.Transport())...)
}

func checkGuard(o HTTPOptions, g GuardOptions) []check.Problem {
	ps := checkRequest(guarded(o))
	add := func(path string, err error) {
		if err != nil {
			ps = append(ps, check.Problem{Path: path, Message: err.Error()})
		}
	}
	add("url", unnamed(o.URL))
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if GuardsOwnHeader(name) {
			add("headers."+name, errors.New("a guard decides itself who it says it is and what it accepts"))
		}
	}
	if len(g.Try)+len(g.BypassURLs) == 0 {
		add("try", errors.New("there is nothing to try: anonymous is the least"))
	}
	if n := len(g.BypassURLs); n > mostBypasses {
		add("bypass_urls", fmt.Errorf("%d are too many for one guard: %d are the most", n, mostBypasses))
	}
	for i, u := range g.BypassURLs {
		add(fmt.Sprintf("bypass_urls[%d]", i), checkBypass(u, o.URL))
	}
	return ps
}

// guarded returns the options of the requests of a guard: what it does not take
// is as if nobody had said it.
func guarded(o HTTPOptions) HTTPOptions {
	d := DefaultHTTPOptions()
	d.URL, d.Method, d.Headers, d.MaxBody = o.URL, o.Method, o.Headers, o.MaxBody
	d.IPFamily, d.Resolve, d.TLS, d.MaxRedirects = o.IPFamily, o.Resolve, o.TLS, guardRedirects
	d.ProxyURL, d.NoProxy, d.HTTPVersion = o.ProxyURL, o.NoProxy, o.HTTPVersion
	if o.Method != http.MethodHead { // which has no body to look in
		d.Expect.Absent = o.Expect.Absent
	}
	return d
}

// GuardsOwnHeader says whether a guard sets the header of this name itself: what
// makes somebody of a stranger, and what gates answer differently to.
func GuardsOwnHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Proxy-Authorization", "Cookie", "Accept":
		return true
	}
	return false
}

// unnamed objects to a user name in a URL.
func unnamed(raw string) error {
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		return errors.New("a guard comes as a stranger: no user name and password in its URL")
	}
	return nil
}

func checkBypass(raw, guardedURL string) error {
	if _, err := Origin(raw); err != nil {
		return err
	}
	if raw == guardedURL {
		return errors.New("this is the guarded URL itself: name what would lead past the gate")
	}
	return unnamed(raw)
}
