package probes

import (
	"net/url"
)

// signIn is rule 3: by which sign an answer is a sign-in page, "" if it is none.
// A known title is enough, also on an expected status and where all keywords
// were found: behind a gate, nobody watches the sign-in page on purpose, and a
// keyword like "Dashboard" may well stand in its footer. A password field alone
// is not enough, because applications have such pages too.
//
// Without a credential a page that is asked for by its own URL and shows all the
// keywords is what the user wanted to see: so a portal itself can be watched.
func (s *scene) signIn(a *answer, expected bool, short shortfall) string {
	if a.passed != "" {
		return "at the end of a redirect " + a.passed
	}
	return s.shownSignIn(a, expected, short)
}

// shownSignIn is signIn by what the page itself shows, whatever way led to it.
func (s *scene) shownSignIn(a *answer, expected bool, short shortfall) string {
	mediaType, _ := splitType(a.header.Get("Content-Type"))
	if !isHTML(mediaType, a.body) {
		return ""
	}
	if title := pageTitle(a.body); knownTitle(title) != "" && !s.askedFor(a, expected, short) {
		return "titled \"" + s.quote(title) + "\""
	}
	if !a.redirected && expected && !short.lacks {
		return ""
	}
	return s.signInForm(a)
}

// askedFor says whether a page is the one that the user wants to see.
func (s *scene) askedFor(a *answer, expected bool, short shortfall) bool {
	return s.way == nil && !a.redirected && expected && s.expect.wordy() && short.reason == ""
}

// signInForm takes the slow look at a page.
func (s *scene) signInForm(a *answer) string {
	p := inspect(a.body)
	switch {
	case p.password:
		return "with a password field"
	case p.refresh != "" && s.leadsToSignIn(a, p.refresh):
		return "that sends the browser on to sign in"
	}
	return ""
}

// scriptedSignIn says by which sign a page that a script has yet to fill is a
// sign-in, "" if it is none: it was asked for with the address on the monitor's
// own origin where the browser is to come back to.
func (s *scene) scriptedSignIn(a *answer) string {
	mediaType, _ := splitType(a.header.Get("Content-Type"))
	if a.passed == "" || a.cut || !isHTML(mediaType, a.body) {
		return ""
	}
	has := a.url.Query()
	for _, name := range []string{"rd", "redirect_uri", "redirect_url"} {
		back, err := url.Parse(has.Get(name))
		if err == nil && back.Host != "" && originOf(back) == s.origin && inspect(a.body).script {
			return "that a script fills, asked for with the way back in " + name
		}
	}
	return ""
}

func (s *scene) leadsToSignIn(a *answer, target string) bool {
	u, err := a.url.Parse(target)
	if err != nil {
		return false
	}
	o := originOf(u)
	return signInShape(s.url, u) != "" || o == s.provider && o != s.origin
}
