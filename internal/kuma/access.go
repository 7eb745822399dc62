package kuma

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// access takes over how a monitor gets in. A header of its own for that wins in
// Kuma, as it does here by being the only one.
func (r *kumaReader) access(e *Entry, m row) {
	method := m.text("auth_method")
	if !m.has("auth_method") && m.text("basic_auth_user") != "" { // 1.17 and before
		method = "basic"
	}
	own := hasHeader(e, "Authorization")
	if own && slices.Contains([]string{"basic", "bearer", "oauth2-cc"}, method) {
		r.object(e, "it has a header Authorization, which Uptime Kuma sends in place of its %s: the header came over", authName(method))
		return
	}
	switch method {
	case "", "null", "none":
	case "basic":
		r.basic(e, m)
	case "bearer":
		r.bearer(e, m)
	case "oauth2-cc":
		r.oauth(e, m)
	case "mtls":
		r.mutual(e, m)
	default:
		r.object(e, "the way in %q has no counterpart: it came over without one", method)
	}
}

func authName(method string) string {
	return map[string]string{"basic": "user and password", "bearer": "token", "oauth2-cc": "OAuth token"}[method]
}

// credential gives a monitor the credential that is made of fields, which is the
// same for all that are made of equal ones.
func (r *kumaReader) credential(e *Entry, name string, fields Fields) {
	w := &writer{layout: newLayout("", nil)}
	w.fields(0, fields)
	same := w.b.String()
	c := r.credentials[same]
	if c == nil {
		if name = slug(name); name == "" {
			name = "credential"
		}
		c = &Entry{Name: r.names.take(name, func(n int) string { return fmt.Sprintf("%s-%d", name, n) }), Fields: fields}
		r.credentials[same] = c
		r.doc.Credentials = append(r.doc.Credentials, c)
	}
	e.Fields.Set("credential", c.Name)
}

// basic takes over user and password. What no `basic` holds here, a user without
// a name or with a colon in it, is written as the header that it becomes.
func (r *kumaReader) basic(e *Entry, m row) {
	user, password := m.text("basic_auth_user"), m.text("basic_auth_pass")
	var f Fields
	if user == "" || password == "" || strings.ContainsAny(user, ":\r\n\x00") || strings.ContainsFunc(user+password, isControl) {
		value := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
		f.Set("type", "header")
		f.Set("name", "Authorization")
		f.Set("value", r.hide.vault.Secret(e.Name, "authorization", value))
	} else {
		f.Set("type", "basic")
		f.Set("username", user)
		f.Set("password", r.hide.vault.Secret(user+" of "+hostOf(m.text("url")), "password", password))
	}
	r.credential(e, hostOf(m.text("url"))+" "+user, f)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func (r *kumaReader) bearer(e *Entry, m row) {
	token := strings.TrimSpace(m.text("bearer_token"))
	if token == "" || strings.ContainsFunc(token, isControl) {
		r.object(e, "its bearer token is empty or broken: it came over without one")
		return
	}
	var f Fields
	f.Set("type", "bearer")
	f.Set("token", r.hide.vault.Secret(e.Name, "token", token))
	r.credential(e, hostOf(m.text("url"))+" token", f)
}

// hostOf names the host of a URL with a port that is spelt out, "" for none.
func hostOf(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return ""
	}
	return u.Host
}

// oauth takes over the settings of OAuth: equal ones are one credential, whose
// token all monitors share.
func (r *kumaReader) oauth(e *Entry, m row) {
	tokenURL, id, secret := strings.TrimSpace(m.text("oauth_token_url")), m.text("oauth_client_id"), m.text("oauth_client_secret")
	tokenURL, _, _ = strings.Cut(tokenURL, "#")
	method, why := oauthMethod(m.text("oauth_auth_method"), secret)
	if why == "" {
		why = wrongEndpoint(tokenURL, id)
	}
	if why != "" {
		r.object(e, "its OAuth settings did not come over: %s", why)
		return
	}
	name := hostOf(tokenURL) + " " + id
	var f Fields
	f.Set("token_url", r.hide.url(name, tokenURL))
	f.Set("client_id", id)
	if method != "none" {
		f.Set("client_secret", r.hide.vault.Secret(name, "client secret", secret))
	}
	if method != "client_secret_basic" {
		f.Set("auth_method", method)
	}
	if scopes := r.scopes(e, m); len(scopes) > 0 {
		f.Set("scopes", scopes)
	}
	if audience := strings.TrimSpace(m.text("oauth_audience")); audience != "" {
		f.Set("audience", []string{audience})
	}
	r.credential(e, name, f)
}

// oauthMethod is how the client proves itself. NULL, of old rows, is basic.
func oauthMethod(method, secret string) (name, why string) {
	if method == "" || method == "null" {
		method = "client_secret_basic"
	}
	switch method {
	case "none":
		return "none", ""
	case "client_secret_basic", "client_secret_post", "client_secret_jwt":
		if secret == "" {
			return "", "there is no client secret"
		}
		return method, ""
	}
	return "", fmt.Sprintf("the method %q fails in Uptime Kuma always, which has no key for it", method)
}

func wrongEndpoint(raw, id string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "the URL of the token is none that can be requested"
	case u.User != nil:
		return "the URL of the token holds a user or password, which token endpoints do not take"
	case id == "":
		return "there is no client id"
	}
	return ""
}

func (r *kumaReader) scopes(e *Entry, m row) []string {
	var good []string
	for s := range strings.FieldsSeq(m.text("oauth_scopes")) {
		if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			r.object(e, "the scope %q was left out: it holds characters that no scope may hold (RFC 6749, section 3.3)", s)
			continue
		}
		good = append(good, s)
	}
	return good
}

// mutual takes over a client certificate: PEM texts become files.
func (r *kumaReader) mutual(e *Entry, m row) {
	cert, key, ca := m.text("tls_cert"), m.text("tls_key"), m.text("tls_ca")
	_, err := tls.X509KeyPair([]byte(cert), []byte(key))
	switch {
	case strings.TrimSpace(cert+key) == "":
	case err != nil:
		r.object(e, "its client certificate and key are no pair that can be used: they were left out")
	default:
		e.Fields.Set("tls.cert_file", r.hide.vault.File(e.Name+" client", ".crt", cert))
		e.Fields.Set("tls.key_file", r.hide.vault.File(e.Name+" client", ".key", key))
	}
	switch {
	case strings.TrimSpace(ca) == "":
	case m.flag("ignore_tls", false):
		e.Comment("its CA has no effect while certificates are not verified, and was left out")
	case !x509.NewCertPool().AppendCertsFromPEM([]byte(ca)):
		r.object(e, "its CA holds no certificate that can be used: it was left out")
	default:
		e.Fields.Set("tls.ca_file", r.hide.vault.File(e.Name+" ca", ".crt", ca))
	}
}

// route takes over the way to the target.
func (r *kumaReader) route(e *Entry, m row) {
	r.proxy(e, m)
	switch f := strings.ToLower(m.text("ip_family")); f {
	case "ipv4", "ipv6":
		e.Fields.Set("ip_family", f)
	}
	if m.flag("ignore_tls", false) {
		e.Fields.Set("tls.insecure_skip_verify", true)
	}
}

// proxy takes over the proxy, unless it is switched off.
func (r *kumaReader) proxy(e *Entry, m row) {
	id := m.key("proxy_id")
	p, known := r.proxies[id]
	switch {
	case id == "" || known && !p.flag("active", true):
		return
	case !known:
		r.object(e, "its proxy is not in the %s: it came over without, so set proxy_url", map[bool]string{true: "backup", false: "database"}[r.source.backup])
		return
	}
	scheme := strings.ToLower(p.text("protocol"))
	if scheme == "socks" { // as Kuma's agent takes it
		scheme = "socks5h"
	}
	if !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, scheme) {
		r.object(e, "its proxy speaks %q, which has no counterpart: it came over without; most speak socks5h too, which proxy_url takes", scheme)
		return
	}
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(strings.Trim(p.text("host"), "[] "), p.text("port"))}
	why := r.proxyUser(&u, p)
	if why == "" && !isAddress(u, p) {
		why = "its address is none"
	}
	if why != "" {
		r.object(e, "its proxy did not come over: %s", why)
		return
	}
	e.Fields.Set("proxy_url", r.hide.url("proxy "+p.text("host"), u.String()))
}

// isAddress says whether a URL of host and port reads as it was meant.
func isAddress(u url.URL, p row) bool {
	port := p.integer("port")
	read, err := url.Parse(u.String())
	return err == nil && port >= 1 && port <= 65535 && p.text("port") == strconv.Itoa(port) && read.Host == u.Host && read.Hostname() != "" && read.Path == ""
}

// proxyUser adds user and password, or says why that cannot be.
func (r *kumaReader) proxyUser(u *url.URL, p row) string {
	user, password := p.text("username"), p.text("password")
	http := strings.HasPrefix(u.Scheme, "http")
	switch {
	case !p.flag("auth", false) || user == "" && password == "":
		return ""
	case user == "":
		return "it has a password and no user"
	case http && strings.Contains(user, ":"):
		return "its user has a colon in the name"
	case !http && (password == "" || len(user) > 255 || len(password) > 255):
		return "SOCKS wants a user and a password of at most 255 bytes each"
	}
	u.User = url.UserPassword(user, password)
	return ""
}
