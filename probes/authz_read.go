package probes

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

// authzReader reads the answers of a gate that was asked for its decision. They
// are those that a proxy would pass on to a stranger, so the rules are those of
// the scene; but no application stands behind them, and no redirect is followed.
type authzReader struct {
	scene *scene
	authz *Authz
}

// readHead reads challenges and redirects.
func (z *authzReader) readHead(a *answer) (verdict, bool) {
	v, done := z.scene.readHead(a)
	if done || !redirects(a.status) || z.scene.expect.expects(a.status) {
		return v, done
	}
	target, err := a.url.Parse(location(a))
	switch {
	case location(a) == "" || err != nil:
		return v, false
	case moved(a.url, target):
		return verdict{fault: z.moved(a, target)}, true
	case z.scene.way == nil:
		return verdict{fault: z.sentOn(a)}, true
	}
	return z.scene.refuse(z.scene.loginRedirect(a, target, "which a proxy passes on to whoever asks")), true
}

// moved says whether a redirect leads to the endpoint by another spelling, and
// not to sign in.
func moved(from, to *url.URL) bool {
	return strings.EqualFold(from.Hostname(), to.Hostname()) && strings.TrimRight(from.Path, "/") == strings.TrimRight(to.Path, "/")
}

// readBody reads statuses.
func (z *authzReader) readBody(a *answer) verdict {
	v := z.scene.readBody(a)
	if v.fault == nil {
		if succeeds(a.status) && isPage(a) {
			return verdict{fault: z.page(a)}
		}
		return v
	}
	switch v.fault.reason {
	case check.LoginPage:
		if succeeds(a.status) {
			v = verdict{fault: z.page(a)}
		}
	case check.TokenRejected:
		v.fault = z.unauthorized(a)
	case check.Forbidden:
		v.fault = z.forbidden(a)
	case check.GatewayError:
		v.fault.hint = z.failed()
	case check.Status:
		v.fault.hint = z.status(a, v.fault.hint)
	}
	return v
}

// isPage says whether an answer is a page for people. Some endpoints call a word
// or nothing HTML, so that the type alone does not tell.
func isPage(a *answer) bool {
	mediaType, _ := splitType(a.header.Get("Content-Type"))
	start := bytes.ToLower(a.body[:min(len(a.body), 4<<10)])
	return isHTML(mediaType, a.body) && (bytes.Contains(start, []byte("<html")) || bytes.Contains(start, []byte("<!doctype")))
}
