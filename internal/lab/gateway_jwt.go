package lab

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// check says what a token is worth to a gate that takes JWTs, and its claims
// as far as the signature holds. These gates keep the keys, so that a provider
// that is down does not concern them, and revocation neither.
func (j *JWTGate) check(token string) (verdict, *Claims) {
	c, err := j.Provider.VerifyJWT(token)
	switch {
	case err != nil:
		return refused, c
	case !j.audience(c):
		return refused, nil
	case len(j.Clients) > 0 && !slices.Contains(j.Clients, c.ClientID):
		return forbidden, c
	}
	return allowed, c
}

func (j *JWTGate) audience(c *Claims) bool {
	return len(j.Audience) == 0 || slices.ContainsFunc(c.Audience, func(a string) bool {
		return slices.Contains(j.Audience, a)
	})
}

// judgeJWT decides with the switches of the [Access]. Its rules and their
// policies are Authelia's and have no say here. Only "Bearer", spelt so, is a
// scheme.
func (g *Gateway) judgeJWT(r *http.Request) (v verdict, c *Claims, token string) {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case g.open.Load():
		v = allowed
	case g.closed.Load():
		v = forbidden
	case !given:
		v = anonymous
	case g.refuse.Load():
		v = refused
	default:
		v, c = g.o.JWT.check(token)
	}
	g.counts[v].Add(1)
	return v, c, token
}

func (g *Gateway) serveOAuth2Proxy(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ping", "/ready":
		writeBody(w, http.StatusOK, "text/plain; charset=utf-8", "OK")
		return
	}
	v, c, _ := g.judgeJWT(r)
	if c != nil && v == allowed {
		w.Header()["Gap-Auth"] = []string{c.ClientID}
	}
	switch {
	case r.URL.Path == "/oauth2/auth":
		oauth2ProxyAuth(w, v)
	case v == allowed:
		if !g.pass(w, r) {
			writeBody(w, http.StatusBadGateway, "text/html; charset=utf-8", errorPage("502 Bad Gateway"))
		}
	case v == forbidden:
		writeBody(w, http.StatusForbidden, "text/html; charset=utf-8", errorPage("403 Forbidden"))
	case v == refused && g.o.JWT.NoFallback:
		w.Header().Set("X-Content-Type-Options", "nosniff")
		writeBody(w, http.StatusForbidden, "text/plain; charset=utf-8", "Forbidden\n")
	default:
		g.oauth2ProxySignIn(w, r)
	}
}

func oauth2ProxyAuth(w http.ResponseWriter, v verdict) {
	if v == allowed {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	writeBody(w, http.StatusUnauthorized, "text/plain; charset=utf-8", "Unauthorized\n")
}

func (g *Gateway) oauth2ProxySignIn(w http.ResponseWriter, r *http.Request) {
	j := &g.o.JWT
	isAPI := slices.ContainsFunc(j.APIRoutes, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) })
	if isAPI || j.ForceJSON || strings.Contains(r.Header.Get("Accept"), "application/json") {
		writeBody(w, http.StatusUnauthorized, "application/json", "{}")
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate, max-age=0")
	h.Set("Expires", "Thu, 01 Jan 1970 00:00:00 UTC")
	h.Set("X-Accel-Expires", "0")
	if !j.SkipButton {
		writeBody(w, http.StatusForbidden, "text/html; charset=utf-8", oauth2ProxyPage)
		return
	}
	q := g.ask(r)
	to := j.Provider.issuerOf(r) + "/auth?" + url.Values{
		"approval_prompt": {"force"}, "client_id": {"webapp"}, "response_type": {"code"}, "scope": {"openid"},
		"redirect_uri": {q.scheme + "://" + q.host + "/oauth2/callback"}, "state": {opaqueToken()[12:55] + ":" + r.URL.Path},
	}.Encode()
	h.Set("Set-Cookie", "_oauth2_proxy_csrf="+opaqueToken()[12:]+"; Path=/; Max-Age=900; HttpOnly")
	http.Redirect(w, r, to, http.StatusFound)
}

const oauth2ProxyPage = `
<!DOCTYPE html>
<html lang="en" charset="utf-8">
  <head><meta charset="utf-8"><title>Sign In</title></head>
  <body><form method="GET" action="/oauth2/start"><input type="hidden" name="rd" value="/">
    <button type="submit" class="button block is-primary">Sign in with OpenID Connect</button></form></body>
</html>
`

func errorPage(title string) string {
	return "\n<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\n"
}

// serveCaddySecurity behaves as the observed policy "validate bearer header".
// An audience that does not fit is a matter of its access list there: 403.
func (g *Gateway) serveCaddySecurity(w http.ResponseWriter, r *http.Request) {
	w.Header()["Server"] = g.caddy
	v, c, token := g.judgeJWT(r)
	if v == refused && c == nil && !g.refuse.Load() {
		if _, err := g.o.JWT.Provider.VerifyJWT(token); err == nil {
			v = forbidden
		}
	}
	switch v {
	case allowed:
		if !g.pass(w, r) {
			w.WriteHeader(http.StatusBadGateway)
		}
	case forbidden:
		writeBody(w, http.StatusForbidden, "text/plain; charset=utf-8", "Forbidden")
	default:
		g.caddySecuritySignIn(w, r, c)
	}
}

func (g *Gateway) caddySecuritySignIn(w http.ResponseWriter, r *http.Request, c *Claims) {
	to := "/auth/oauth2/generic"
	if c != nil { // expired, with a good signature: back to whoever issued it
		to = c.Issuer
	}
	to += "?redirect_url=" + url.QueryEscape(g.ask(r).pageURL(r))
	switch {
	case g.o.JWT.NoRedirect, r.URL.Query().Has("redirect_url"):
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusUnauthorized)
	case g.o.JWT.JSRedirect:
		writeBody(w, http.StatusFound, "text/html", `<html><body><script>window.location="`+to+`";</script></body></html>`)
	default:
		w.Header().Set("Location", to)
		writeBody(w, http.StatusFound, "text/plain; charset=utf-8", "Found")
	}
}
