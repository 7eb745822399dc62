package probes

import (
	"net/http"

	"github.com/watchword/watchword/internal/check"
)

// guardReader reads answers for who does not want to get in. A verdict without a
// fault is shut; one of class exposed is open; any other does not say.
type guardReader struct {
	scene *scene
	plain bool // over plain http, where nobody has to answer
	try   *attempt
	to    string // the URL, fit to be shown
	why   string // it is shut, for people
	page  bool   // because it is a sign-in page
	led   bool   // by a redirect to what was read last
}

// by tells who comes, and where to.
func (g *guardReader) by(a *attempt, to string) { g.try, g.to = a, to }

func (g *guardReader) shut(why string) verdict {
	g.why = why
	return verdict{}
}

// readHead decides by status and Location wherever they do.
func (g *guardReader) readHead(a *answer) (verdict, bool) {
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.status == http.StatusProxyAuthRequired:
		return g.shut("refused"), true
	case redirects(a.status):
		return g.redirected(a), true
	case succeeds(a.status):
		mediaType, _ := splitType(a.header.Get("Content-Type"))
		if mediaType == "" || isHTML(mediaType, nil) || mediaType == "application/octet-stream" {
			return verdict{}, false
		}
		return verdict{fault: g.open(a)}, true // no page, so no sign-in page
	case a.status == http.StatusInternalServerError:
		return verdict{}, false // whose page it is tells who failed
	}
	if why := g.turnedAway(a.status); why != "" {
		return g.shut(why), true
	}
	return verdict{fault: g.unclear(a)}, true
}

// turnedAway says why another 4xx is shut, "" if it does not say: over plain http
// nobody has to answer, and without its claims a stranger was seen not to get in.
func (g *guardReader) turnedAway(status int) string {
	switch {
	case status/100 != 4 || status == http.StatusTooManyRequests:
	case g.plain:
		return "nothing is served there"
	case g.try.claim != nil:
		return "refused for what it claims"
	}
	return ""
}

func succeeds(status int) bool { return status >= 200 && status <= 299 }

// redirected: who is sent elsewhere did not get in. On the own origin it is the
// end of the way that counts.
func (g *guardReader) redirected(a *answer) verdict {
	loc := location(a)
	if loc == "" {
		return g.shut("a redirect to nowhere")
	}
	target, err := a.url.Parse(loc)
	if err != nil {
		return verdict{fault: g.scene.badLocation(a)}
	}
	if originOf(target) != originOf(a.url) {
		return g.shut("sent elsewhere")
	}
	return verdict{next: target, shape: signInShape(g.scene.url, target)}
}

// circle is a redirect that is not followed any more.
func (g *guardReader) circle(next hop) verdict {
	if next.passed != "" {
		return g.shut("sent to sign in, " + next.passed)
	}
	return verdict{fault: g.loop(next)}
}

func (g *guardReader) readBody(a *answer) verdict {
	switch {
	case !succeeds(a.status):
		return verdict{fault: g.unclear(a)}
	case a.broken != nil:
		return verdict{fault: a.broken}
	}
	g.led = a.redirected
	sign := g.signIn(a)
	if sign == "" {
		return verdict{fault: g.open(a)}
	}
	switch g.scene.expect.judge(a).reason {
	case check.KeywordPresent:
		return verdict{fault: g.open(a)}
	case check.BodyTooLarge:
		return verdict{fault: g.tooLong()}
	}
	g.page = true
	return g.shut("a sign-in page " + sign)
}

// signIn says by which sign an answer is a sign-in page, "" if it is none: the
// page has to show it, for an open application may have URLs like /auth/dashboard
// too. Where a word is known that stands behind the gate and it is missing, a
// password field is enough.
func (g *guardReader) signIn(a *answer) string {
	short := shortfall{lacks: len(g.scene.expect.absent) > 0}
	if sign := g.scene.shownSignIn(a, true, short); sign != "" {
		return sign
	}
	return g.scene.scriptedSignIn(a)
}
