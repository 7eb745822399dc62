package probes

import (
	"fmt"
	"net/http"

	"github.com/watchword/watchword/internal/check"
)

// The messages and hints of a guard. They say what was tried, where, and how the
// answer began; what stands in it is for nobody else, so no body is quoted.

// open is that somebody got in who should not. It is told after the second time.
func (g *guardReader) open(a *answer) *finding {
	where, after := "is open", ""
	switch {
	case g.plain:
		where = "is open over plain http"
	case g.try.reason == check.BypassOpen:
		where = "is open past the gate"
	}
	if a.redirected {
		after = fmt.Sprintf(", after a redirect to %s", g.scene.shown(a.url))
	}
	return &finding{g.try.reason, fmt.Sprintf("%s %s: twice it answered %d to a request %s (%s)%s", g.to, where, a.status, g.try.what, g.try.how.name, after), g.close(a)}
}

// close is what to do about it.
func (g *guardReader) close(a *answer) string {
	switch g.try.reason {
	case check.BypassOpen:
		return fmt.Sprintf("whoever reaches %s needs no gate: bind the service to the gate's own network or to 127.0.0.1, take back a published port, or let a firewall pass the gate alone", g.scene.origin)
	case check.GarbageAccepted:
		return fmt.Sprintf("what stands before %s looks whether there is a token and not whose it is: have it verify signature, issuer, audience and expiry, or ask the provider", g.to)
	case check.WrongCredentialAccepted:
		return fmt.Sprintf("credential %q is one that must be refused at %s: does the gate check the audience of a token, and what do its rules say of this client?%s", g.try.way, g.to, g.tell())
	}
	if c := g.try.claim; c != nil {
		return fmt.Sprintf("%s, or the service behind it, believes %s and its like from whoever sends them: have the proxy that meets the world take these headers away or overwrite them, and trust them from its address alone (trusted proxies)", g.scene.origin, c.name)
	}
	if g.plain {
		return fmt.Sprintf("have %s redirect to https, or ask the gate there as well as over https", g.scene.origin)
	}
	return fmt.Sprintf("nobody asks who comes to %s: is the gate switched on for this host and path, and is there a rule of it (bypass, skip, an excluded path) or a route that leads past it?", g.scene.shown(a.url))
}

// tell names the command that shows what a token is good for.
func (g *guardReader) tell() string {
	if g.try.key.Kind != kindClientCredentials {
		return ""
	}
	return fmt.Sprintf(" watchword token %s shows its audience and scope", g.try.way)
}

// unclear is a status that does not say whether the gate is shut.
func (g *guardReader) unclear(a *answer) *finding {
	f := &finding{reason: check.Status, message: fmt.Sprintf("%s answered %s to a request %s (%s), which does not say whether it is shut", g.to, named(a.status), g.try.what, g.try.how.name)}
	at := g.scene.shown(a.url)
	switch {
	case failedBefore(a):
		f.reason, f.hint = check.GatewayError, fmt.Sprintf("the gate, or what it asks, does not work: start it, then look whether %s is shut", at)
	case a.status >= 500:
		f.hint = fmt.Sprintf("the gate or the service behind it failed: look at the log of both; the service should not be reached at all without a credential (%s)", at)
	case a.status == http.StatusNotFound:
		f.hint = fmt.Sprintf("is the path right? a gate asks who comes before anything is looked for at %s", at)
	case a.status == http.StatusMethodNotAllowed:
		f.hint = fmt.Sprintf("does %s take %s? the monitor's method says what a guard asks with", at, g.try.how.method)
	case a.status == http.StatusTooManyRequests:
		f.hint = "we are asked to come less often: a longer interval, fewer tries, or an exception for the monitor"
	default:
		f.hint = fmt.Sprintf("a gate answers 401 or 403, or sends to sign in: look at what %s says", at)
	}
	return f
}

func (g *guardReader) loop(next hop) *finding {
	return &finding{check.RedirectLoop,
		fmt.Sprintf("%s answered a request %s (%s) with more than %d redirects on its own origin, the last to %s", g.to, g.try.what, g.try.how.name, guardRedirects, g.scene.shown(next.url)),
		"watchword probe shows the hops: name the URL of a page, or the place where the gate sends to sign in"}
}

func (g *guardReader) tooLong() *finding {
	return &finding{check.BodyTooLarge,
		fmt.Sprintf("%s answered with a sign-in page that is longer than max_body (%d bytes), and expect.absent is undecided within it", g.to, g.scene.limit),
		"raise max_body, or choose a word that stands nearer to the top of the page behind the gate"}
}
