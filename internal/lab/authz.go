package lab

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The paths of [Authz], as Authelia names them.
const (
	AuthRequestPath = "/api/authz/auth-request"
	ForwardAuthPath = "/api/authz/forward-auth"
)

// AuthzOptions configure an [Authz].
type AuthzOptions struct {
	Access *Access
	// Domains are the cookie domains; a page elsewhere is answered 400. Empty
	// accepts every host.
	Domains []string
	// AllowHTTP accepts pages that are not https, which Authelia does not; a
	// world on loopback needs it.
	AllowHTTP bool
}

// Authz is Authelia's authorization endpoint, for a real nginx (auth_request)
// or Caddy (forward_auth) to ask. While the provider is down it closes the
// connection without an answer.
type Authz struct {
	o   AuthzOptions
	mux *http.ServeMux
}

// NewAuthz returns the endpoint; it answers under /api/.
func NewAuthz(o AuthzOptions) *Authz {
	a := &Authz{o: o, mux: http.NewServeMux()}
	a.mux.HandleFunc(AuthRequestPath, a.only(a.serveAuthRequest))
	a.mux.HandleFunc(ForwardAuthPath, a.only(a.serveForwardAuth))
	a.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, http.StatusNotFound) })
	return a
}

// ServeHTTP decides about the page the proxy's headers name.
func (a *Authz) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *Authz) only(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
			writeStatus(w, http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	}
}

// original is the request the proxy asks about.
type original struct {
	method string
	page   string
	header http.Header
}

func (a *Authz) serveAuthRequest(w http.ResponseWriter, r *http.Request) {
	o := original{method: r.Header.Get("X-Original-Method"), page: r.Header.Get("X-Original-Url"), header: r.Header}
	v, ok := a.decide(r, o)
	switch {
	case !ok:
		writeStatus(w, http.StatusBadRequest)
	case v == unavailable:
		drop(w)
	case v == anonymous:
		a.o.Access.answerPortal(w, http.StatusUnauthorized, o)
	default:
		answerPlain(w, v)
	}
}

func (a *Authz) serveForwardAuth(w http.ResponseWriter, r *http.Request) {
	h := r.Header
	o := original{method: h.Get("X-Forwarded-Method"), header: h}
	// Without X-Forwarded-Proto Authelia takes the scheme of the connection,
	// which is always TLS at Authelia and seldom here.
	scheme := cmpOr(h.Get("X-Forwarded-Proto"), "https")
	if host := h.Get("X-Forwarded-Host"); host != "" && h.Get("X-Forwarded-Uri") != "" {
		o.page = scheme + "://" + host + h.Get("X-Forwarded-Uri")
	}
	v, ok := a.decide(r, o)
	switch {
	case !ok:
		writeStatus(w, http.StatusBadRequest)
	case v == unavailable:
		drop(w)
	default:
		a.o.Access.answerForward(w, v, o)
	}
}

func (a *Authz) decide(r *http.Request, o original) (verdict, bool) {
	u, err := url.Parse(o.page)
	if err != nil || u.Host == "" || o.method == "" || (u.Scheme != "https" && !a.o.AllowHTTP) {
		return 0, false
	}
	if len(a.o.Domains) > 0 && !slices.ContainsFunc(a.o.Domains, func(d string) bool {
		return u.Hostname() == d || strings.HasSuffix(u.Hostname(), "."+d)
	}) {
		return 0, false
	}
	// What a JWT's issuer is compared with: the observed reason why JWTs of
	// Authelia do not pass behind the documented proxies.
	issuer := schemeOf(r) + "://" + cmpOr(r.Header.Get("X-Forwarded-Host"), r.Host)
	return a.o.Access.decide(question{header: o.header, scheme: u.Scheme, host: u.Host, path: cmpOr(u.Path, "/"), issuer: issuer}), true
}

// answerForward answers as Authelia's forward-auth: by what the client accepts.
func (a *Access) answerForward(w http.ResponseWriter, v verdict, o original) {
	if v != anonymous {
		answerPlain(w, v)
		return
	}
	accept := o.header.Get("Accept")
	browser := strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
	code := http.StatusFound
	switch {
	case !browser || o.header.Get("X-Requested-With") == "XMLHttpRequest":
		code = http.StatusUnauthorized
	case o.method != http.MethodGet && o.method != http.MethodHead && o.method != http.MethodOptions:
		code = http.StatusSeeOther
	}
	a.answerPortal(w, code, o)
}

// answerPortal sends somebody to the sign-in page.
func (a *Access) answerPortal(w http.ResponseWriter, code int, o original) {
	location := portalURL(a.o.Portal, o.page, o.method)
	h := w.Header()
	maps.Copy(h, securityHeader())
	h.Set("Location", location)
	h.Set("Set-Cookie", "authelia_session="+opaqueToken()[12:44]+"; path=/; HttpOnly; SameSite=Lax")
	if o.method == http.MethodHead {
		h.Set("Content-Length", "0")
		w.WriteHeader(code)
		return
	}
	writeBody(w, code, "text/html; charset=utf-8", `<a href="`+html.EscapeString(location)+`">`+statusLine(code)+`</a>`)
}

func answerPlain(w http.ResponseWriter, v verdict) {
	switch v {
	case refused:
		w.Header()["Www-Authenticate"] = []string{invalidToken}
	case challenged:
		w.Header()["Www-Authenticate"] = []string{basicRealm}
	}
	writeStatus(w, map[verdict]int{
		allowed: http.StatusOK, forbidden: http.StatusForbidden, refused: http.StatusUnauthorized, challenged: http.StatusUnauthorized,
	}[v])
}

// writeStatus writes code and text as fasthttp does.
func writeStatus(w http.ResponseWriter, code int) {
	writeBody(w, code, "text/plain; charset=utf-8", statusLine(code))
}

func statusLine(code int) string {
	return strings.TrimSpace(itoa(code) + " " + http.StatusText(code))
}
