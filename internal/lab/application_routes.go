package lab

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// routes are the paths that do something of their own; all others show the
// page.
func (a *Application) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for path, page := range map[string]Page{
		"/json":        {JSON: true},
		"/latin1":      {Charset: "iso-8859-1", Text: "<p>Verfügbar</p>"},
		"/latin1-meta": {Charset: "iso-8859-1", MetaCharset: true, Text: "<p>Verfügbar</p>"},
		"/gzip":        {Encoding: "gzip"},
		"/deflate":     {Encoding: "deflate"},
		"/raw-deflate": {Encoding: "raw-deflate"},
		"/login":       {Login: true},
		"/reset":       {Cut: 1000},
		"/truncated":   {Short: 1000},
	} {
		c := a.mustRender(page)
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { c.write(w, http.StatusOK) })
	}
	mux.HandleFunc("/echo", a.serveEcho)
	mux.HandleFunc("/status/{code}", a.serveStatus)
	mux.HandleFunc("/slow/{wait}", a.serveSlow)
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { hang(r) })
	mux.HandleFunc("/size/{bytes}", a.serveSize)
	mux.HandleFunc("/redirect", a.serveRedirect)
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/hop/{left}", a.serveHop)
	mux.HandleFunc("/cookie", a.serveCookie)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { a.write(w) })
	return mux
}

// Echo is what /echo answers: the request as it arrived.
type Echo struct {
	Keyword string      `json:"keyword"`
	Method  string      `json:"method"`
	Host    string      `json:"host"`
	URL     string      `json:"url"`
	Header  http.Header `json:"headers"`
	Body    string      `json:"body"`
}

func (a *Application) serveEcho(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, http.StatusOK, Echo{
		Keyword: a.keyword, Method: r.Method, Host: r.Host, URL: r.URL.RequestURI(), Header: r.Header, Body: string(body),
	})
}

// serveStatus answers any status with the healthy page; 401 carries a
// challenge of the application's own, as was observed behind Authelia.
func (a *Application) serveStatus(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 599 {
		http.Error(w, "no such status", http.StatusNotFound)
		return
	}
	switch code {
	case http.StatusNoContent, http.StatusNotModified:
		w.WriteHeader(code)
		return
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="the app itself"`)
	}
	a.plain.write(w, code)
}

func (a *Application) serveSlow(w http.ResponseWriter, r *http.Request) {
	wait, err := time.ParseDuration(r.PathValue("wait"))
	if err != nil {
		http.Error(w, "no such duration", http.StatusNotFound)
		return
	}
	if pause(r.Context(), wait) {
		a.write(w)
	}
}

func (a *Application) serveSize(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("bytes"))
	if err != nil || n < 1 || n > 64<<20 {
		http.Error(w, "no such size", http.StatusNotFound)
		return
	}
	a.mustRender(Page{Size: n}).write(w, http.StatusOK)
}

// serveRedirect answers ?status= (302) with Location ?to= (/).
func (a *Application) serveRedirect(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(cmpOr(r.FormValue("status"), "302"))
	if err != nil || code < 300 || code > 399 {
		http.Error(w, "no such status", http.StatusNotFound)
		return
	}
	w.Header().Set("Location", cmpOr(r.FormValue("to"), "/"))
	w.WriteHeader(code)
}

// serveHop redirects to the next lower number and from 0 to the page.
func (a *Application) serveHop(w http.ResponseWriter, r *http.Request) {
	left, err := strconv.Atoi(r.PathValue("left"))
	switch {
	case err != nil || left < 0:
		http.Error(w, "no such hop", http.StatusNotFound)
	case left == 0:
		a.write(w)
	default:
		http.Redirect(w, r, "/hop/"+strconv.Itoa(left-1), http.StatusFound)
	}
}

// serveCookie sets a cookie, redirects to itself, and shows the page only to
// those who bring the cookie back.
func (a *Application) serveCookie(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie("lab"); err == nil {
		a.write(w)
		return
	}
	if r.FormValue("back") != "" {
		http.Error(w, "the cookie is missing", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "lab", Value: "1", Path: "/cookie", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/cookie?back=1", http.StatusFound)
}
