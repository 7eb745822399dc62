package lab

import (
	"net/http"
	"net/url"
	"strings"
)

// Mode is the product a [Gateway] behaves as.
type Mode int

// The gates that were observed.
const (
	// NginxAuthRequest is nginx with auth_request and Authelia's documented
	// snippet: refusals are 302, with an empty Location for a bad token.
	NginxAuthRequest Mode = iota
	// NginxPlain is the same without the error_page line: refusals are 401.
	NginxPlain
	// CaddyForwardAuth is Caddy with forward_auth to Authelia.
	CaddyForwardAuth
	// OAuth2Proxy is oauth2-proxy with skip_jwt_bearer_tokens; it takes JWTs.
	OAuth2Proxy
	// CaddySecurity is Caddy with caddy-security; it takes JWTs.
	CaddySecurity
)

// GatewayOptions configure a [Gateway].
type GatewayOptions struct {
	Mode Mode
	// Access decides for the nginx and Caddy modes.
	Access *Access
	// App stands behind the gate and is called in process. If it is an
	// [Application] that is down, the gate says so with its own 502.
	App http.Handler
	// Origin is the URL by which people know what stands behind the gate
	// ("https://application.example.test"), without path; "" takes scheme and
	// Host of each request.
	Origin string
	// JWT is for the modes that take JWTs.
	JWT JWTGate
}

// JWTGate configures the modes [OAuth2Proxy] and [CaddySecurity].
type JWTGate struct {
	Provider *Provider
	// Audience are the accepted values of aud; empty accepts all.
	Audience []string
	// Clients are the accepted clients; empty accepts all.
	Clients []string
	// NoFallback is oauth2-proxy's bearer_token_login_fallback=false.
	NoFallback bool
	// SkipButton is oauth2-proxy's skip_provider_button.
	SkipButton bool
	// APIRoutes are path prefixes for which oauth2-proxy answers as to an API.
	APIRoutes []string
	// ForceJSON is oauth2-proxy's force_json_errors.
	ForceJSON bool
	// NoRedirect and JSRedirect are caddy-security's "disable auth redirect"
	// and "enable js redirect".
	NoRedirect, JSRedirect bool
}

// Gateway is a reverse proxy that asks before it lets anybody through. The
// embedded [Switch] makes it misbehave before it asks.
type Gateway struct {
	Switch
	*Access

	o            GatewayOptions
	scheme, host string // of Origin
	serve        http.HandlerFunc
	nginx        []string
	caddy        []string
}

// NewGateway returns a gate. Without an Access it has one that lets every
// token of JWT.Provider pass.
func NewGateway(o GatewayOptions) *Gateway {
	if o.Access == nil {
		o.Access = NewAccess(AccessOptions{Provider: o.JWT.Provider})
	}
	g := &Gateway{Access: o.Access, o: o, nginx: []string{nginxVersion}, caddy: []string{"Caddy"}}
	if u, err := url.Parse(o.Origin); err == nil {
		g.scheme, g.host = u.Scheme, u.Host
	}
	switch o.Mode {
	case CaddyForwardAuth:
		g.serve = g.serveCaddy
	case OAuth2Proxy:
		g.serve = g.serveOAuth2Proxy
	case CaddySecurity:
		g.serve = g.serveCaddySecurity
	default:
		g.serve = g.serveNginx
	}
	return g
}

// ServeHTTP lets the request through to the application, or answers as the
// gate's [Mode] does.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.intercept(w, r) == "" {
		g.serve(w, r)
	}
}

// ask is the request as the gate knows it.
func (g *Gateway) ask(r *http.Request) question {
	q := question{header: r.Header, scheme: g.scheme, host: g.host, path: r.URL.Path}
	if q.host == "" {
		q.scheme, q.host = schemeOf(r), r.Host
	}
	return q
}

// pageURL is the page asked for, as the sign-in page is told it.
func (q question) pageURL(r *http.Request) string {
	return q.scheme + "://" + q.host + r.URL.RequestURI()
}

// pass calls the application. It returns false if that cannot be reached.
func (g *Gateway) pass(w http.ResponseWriter, r *http.Request) bool {
	if app, ok := g.o.App.(*Application); ok && app.unreachable(r) {
		return false
	}
	g.o.App.ServeHTTP(w, r)
	return true
}

const (
	nginxVersion = "nginx/1.22.1"
	invalidToken = `Bearer error="invalid_token",error_description="The access token is expired, revoked, malformed, or invalid for other reasons. The client can obtain a new access token and try again."`
	basicRealm   = `Basic realm="Authorization Required"`
)

func portalURL(portal, page, method string) string {
	return portal + "?rd=" + url.QueryEscape(page) + "&rm=" + method
}

func (g *Gateway) serveNginx(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Server"] = g.nginx
	q := g.ask(r)
	switch v := g.decide(q); v {
	case allowed:
		if !g.pass(w, r) {
			nginxPage(w, http.StatusBadGateway)
		}
	case forbidden:
		nginxPage(w, http.StatusForbidden)
	case unavailable:
		nginxPage(w, http.StatusInternalServerError)
	default:
		g.nginxRefuse(w, r, q, v)
	}
}

// nginxRefuse answers a 401 of the auth service. The documented error_page
// line turns it into a redirect to the service's Location, which a refused
// token does not have.
func (g *Gateway) nginxRefuse(w http.ResponseWriter, r *http.Request, q question, v verdict) {
	h := w.Header()
	switch v {
	case refused:
		h["Www-Authenticate"] = []string{invalidToken}
	case challenged:
		h["Www-Authenticate"] = []string{basicRealm}
	}
	if g.o.Mode == NginxPlain {
		nginxPage(w, http.StatusUnauthorized)
		return
	}
	location := ""
	if v == anonymous {
		location = portalURL(g.Access.o.Portal, q.pageURL(r), r.Method)
	}
	h["Location"] = []string{location}
	nginxPage(w, http.StatusFound)
}

// nginxPage writes nginx's stock page.
func nginxPage(w http.ResponseWriter, code int) { writeBody(w, code, "text/html", nginxText(code)) }

func nginxText(code int) string {
	reason := http.StatusText(code)
	switch code {
	case http.StatusUnauthorized:
		reason = "Authorization Required"
	case http.StatusGatewayTimeout:
		reason = "Gateway Time-out"
	}
	return strings.ReplaceAll(
		"<html>\r\n<head><title>TEXT</title></head>\r\n<body>\r\n<center><h1>TEXT</h1></center>\r\n<hr><center>"+nginxVersion+"</center>\r\n</body>\r\n</html>\r\n",
		"TEXT", itoa(code)+" "+reason)
}

func (g *Gateway) serveCaddy(w http.ResponseWriter, r *http.Request) {
	w.Header()["Server"] = g.caddy
	q := g.ask(r)
	v := g.decide(q)
	switch {
	case v == unavailable, v == allowed && !g.pass(w, r):
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusBadGateway)
	case v != allowed:
		g.answerForward(w, v, original{method: r.Method, page: q.pageURL(r), header: r.Header})
	}
}
