package probes

import (
	"bytes"
	"html"
	"net/url"
	"strings"
	"unicode/utf8"

	xhtml "golang.org/x/net/html"
)

const titleWithin = 16 << 10 // a title further down is not one

// SignInTitle is the title of a sign-in page that is known as such.
type SignInTitle struct {
	Title  string // compared without case; white space counts once
	Match  string // exact, prefix, suffix
	System string // whose page it is, for the documentation
}

// SignInTitles returns the titles by which a sign-in page is known for what it
// is, whatever its status and whatever else it says. A title that an application
// might well have itself, like Zitadel's "Welcome Back!", is not among them: such
// pages are recognised by the redirect that leads to them.
func SignInTitles() []SignInTitle {
	return []SignInTitle{
		{"Login - Authelia", "exact", "Authelia"},
		{"Sign In", "exact", "oauth2-proxy, Pocket ID and others"},
		{"Sign in to ", "prefix", "Keycloak (\"Sign in to REALM\"), Microsoft Entra ID (\"Sign in to your account\")"},
		{" - Sign In", "suffix", "Okta (\"ORGANISATION - Sign In\"), caddy-security (\"PORTAL - Sign In\")"},
		{"authentik", "exact", "authentik"},
		{" - authentik", "suffix", "authentik"},
		{"Log in | ", "prefix", "Auth0"},
		{"Sign in with Auth0", "exact", "Auth0, classic"},
		{"Sign in - Google Accounts", "exact", "Google"},
		{"Sign in – Google Accounts", "exact", "Google"},
		{"Sign in ・ Cloudflare Access", "exact", "Cloudflare Access"},
		{"dex", "exact", "Dex"},
	}
}

// knownTitle says whose sign-in page has this title, "" for no known one.
func knownTitle(title string) string {
	lower := strings.ToLower(title)
	for _, t := range SignInTitles() {
		want := strings.ToLower(t.Title)
		switch {
		case t.Match == "exact" && lower == want,
			t.Match == "prefix" && strings.HasPrefix(lower, want),
			t.Match == "suffix" && strings.HasSuffix(lower, want):
			return t.System
		}
	}
	return ""
}

// pageTitle returns the text of the first title element, "" where there is none
// before the body. It is on the way of every page that passes, so it searches
// and does not parse.
func pageTitle(page []byte) string {
	page = page[:min(len(page), titleWithin)]
	for {
		i := bytes.IndexByte(page, '<')
		if i < 0 || tag(page[i:], "<body") {
			return ""
		}
		page = page[i:]
		if tag(page, "<title") {
			break
		}
		if bytes.HasPrefix(page, []byte("<!--")) {
			_, page, _ = bytes.Cut(page, []byte("-->"))
			continue
		}
		page = page[1:]
	}
	_, text, _ := bytes.Cut(page, []byte(">"))
	text, _, closed := bytes.Cut(text, []byte("<"))
	if !closed || !utf8.Valid(text) {
		return ""
	}
	return strings.Join(strings.Fields(html.UnescapeString(string(text))), " ")
}

func tag(page []byte, start string) bool {
	n := len(start)
	return len(page) > n && bytes.EqualFold(page[:n], []byte(start)) && bytes.IndexByte([]byte(" \t\r\n\f/>"), page[n]) >= 0
}

// page is what the slow look at a page finds.
type page struct {
	password bool   // has a field for a password
	refresh  string // where a meta element sends the browser
	script   bool   // has scripts, and nothing to read without them
}

// inspect reads a page tag by tag; what stands in comments, scripts and text is
// not taken for one.
func inspect(body []byte) page {
	var p page
	z, unread, text := xhtml.NewTokenizer(bytes.NewReader(body)), "", false
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			p.script = p.script && !text
			return p
		case xhtml.TextToken:
			text = text || unread == "" && len(bytes.TrimSpace(z.Text())) > 0
		case xhtml.EndTagToken:
			unread = ""
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			unread = p.take(z)
		}
	}
}

// take notes a tag, and returns its name where people do not read what is in it.
func (p *page) take(z *xhtml.Tokenizer) string {
	name, more := z.TagName()
	switch string(name) {
	case "input":
		p.password = p.password || strings.EqualFold(attributes(z, more)["type"], "password")
	case "meta":
		if a := attributes(z, more); strings.EqualFold(a["http-equiv"], "refresh") {
			p.refresh = refreshTarget(a["content"])
		}
	case "script":
		p.script = true
		return "script"
	case "title", "style", "noscript":
		return string(name)
	}
	return ""
}

func attributes(z *xhtml.Tokenizer, more bool) map[string]string {
	as := make(map[string]string)
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		if _, twice := as[string(k)]; !twice && len(as) < 32 {
			as[string(k)] = strings.TrimSpace(string(v))
		}
	}
	return as
}

// refreshTarget returns the URL of a Refresh header or meta element, as in
// "0; url=/login".
func refreshTarget(content string) string {
	_, after, found := strings.Cut(content, ";")
	name, target, assigned := strings.Cut(after, "=")
	if !found || !assigned || !strings.EqualFold(strings.TrimSpace(name), "url") {
		return ""
	}
	return strings.Trim(strings.TrimSpace(target), `"'`)
}

// signInShape says by which sign a redirect from one URL to another leads to a
// sign-in page, "" for none. own is the monitor's URL: what is in it already
// does not count.
func signInShape(own, target *url.URL) string {
	if target.RawQuery != "" {
		has, had := target.Query(), own.Query()
		for _, name := range []string{"rd", "redirect_uri", "redirect_url", "client_id"} {
			if has.Has(name) && (!had.Has(name) || had.Get(name) != has.Get(name)) {
				return "with " + name + " in its query"
			}
		}
	}
	for _, dir := range []string{"/oauth2/", "/auth/"} {
		if under(target.Path, dir) && !under(own.Path, dir) {
			return "under " + dir
		}
	}
	return ""
}

func under(path, dir string) bool { return strings.HasPrefix(path+"/", dir) }
