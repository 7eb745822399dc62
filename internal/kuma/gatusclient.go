package kuma

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// target takes over the URL.
func (r *gatusReader) target(e *Entry, v value) {
	r.address(e, v.get("url").text(), !v.get("client", "oauth2").given())
}

// address sets the URL. A user and password in it become a credential, where
// there is no other.
func (k *desk) address(e *Entry, raw string, free bool) {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil || marked(raw) || !free {
		e.Fields.Set("url", k.url(e.Name, raw))
		return
	}
	password, _ := u.User.Password()
	user := u.User.Username()
	if user == "" || password == "" {
		e.Fields.Set("url", k.url(e.Name, raw))
		return
	}
	u.User = nil
	e.Fields.Set("url", k.url(e.Name, u.String()))
	k.basic(e, u.Host, user, password)
}

func (k *desk) basic(e *Entry, host, user, password string) {
	var f Fields
	f.Set("type", "basic")
	f.Set("username", user)
	f.Set("password", k.secret(user+" of "+host, "password", password))
	k.credential(e, host+" "+user, f)
}

// authorization makes a credential of a header.
func (k *desk) authorization(e *Entry, host, text string) {
	scheme, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	if strings.EqualFold(scheme, "Basic") && !marked(rest) {
		plain, err := base64.StdEncoding.DecodeString(rest)
		user, password, ok := strings.Cut(string(plain), ":")
		if err == nil && ok && user != "" && password != "" && !strings.ContainsFunc(string(plain), isControl) {
			k.basic(e, host, user, password)
			return
		}
	}
	var f Fields
	if strings.EqualFold(scheme, "Bearer") && rest != "" && !strings.Contains(rest, " ") {
		f.Set("type", "bearer")
		f.Set("token", k.secret(host, "token", rest))
		k.credential(e, host+" token", f)
		return
	}
	f.Set("type", "header")
	f.Set("name", "Authorization")
	f.Set("value", k.secret(host, "authorization", text))
	k.credential(e, host+" authorization", f)
}

// client takes over the way to the target and into it.
func (r *gatusReader) client(e *Entry, v value) {
	c := v.get("client")
	if c.get("oauth2").given() {
		r.oauth(e, c)
	}
	r.connection(e, &e.Fields, e.Name, c)
	if c.get("ignore-redirect").flag(false) {
		e.Fields.Set("max_redirects", 0)
	}
	if marked(c.get("ignore-redirect").text()) {
		r.object(e, "ignore-redirect is in a variable, and redirects are followed: max_redirects: 0 follows none")
	}
	if c.get("dns-resolver").given() {
		r.object(e, "it asked a name server of its own (%s), which a monitor cannot here: the machine's is asked", c.get("dns-resolver").text())
	}
}

// connection takes over TLS and proxy, which Gatus has for target and token
// endpoint alike.
func (r *gatusReader) connection(e *Entry, f *Fields, owner string, c value) {
	if proxy := c.get("proxy-url").text(); proxy != "" {
		f.Set("proxy_url", r.url("proxy of "+owner, proxy))
	}
	r.pair(e, f, c.get("tls", "certificate-file").text(), c.get("tls", "private-key-file").text())
	r.flag(f, "tls.insecure_skip_verify", c.get("insecure"), false)
}

// pair takes over a client certificate, whose files have to be there both.
func (k *desk) pair(e *Entry, f *Fields, cert, key string) {
	if cert == "" || key == "" {
		return
	}
	_, one := k.file(cert)
	_, two := k.file(key)
	if one == two { // with one of them alone it does not pass check
		k.setFile(e, f, "tls.cert_file", cert)
		k.setFile(e, f, "tls.key_file", key)
		return
	}
	k.object(e, "its client certificate did not come over: %s and %s are not both on this machine", cert, key)
}

// oauth makes a credential, the same for equal ones.
func (r *gatusReader) oauth(e *Entry, c value) {
	o := c.get("oauth2")
	tokenURL, id := o.get("token-url").text(), o.get("client-id").text()
	if tokenURL == "" || id == "" || o.get("client-secret").text() == "" {
		r.object(e, "its OAuth settings did not come over: token-url, client-id and client-secret are needed")
		return
	}
	if why := wrongEndpoint(tokenURL, id); why != "" && !marked(tokenURL) {
		r.object(e, "its OAuth settings did not come over: %s", why)
		return
	}
	name := hostOf(unmarked(tokenURL)) + " " + id
	var f Fields
	f.Set("token_url", r.url(name, tokenURL))
	f.Set("client_id", r.raw(id))
	f.Set("client_secret", r.secret(name, "client secret", o.get("client-secret").text()))
	if scopes := o.get("scopes").texts(); len(scopes) > 0 {
		f.Set("scopes", r.raws(scopes))
	}
	r.connection(e, &f, name, c)
	r.credential(e, name, f)
}
