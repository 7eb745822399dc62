package kuma

import (
	"fmt"
	"strings"
)

// secretOf is a secret that stands there or in a file; nil for neither.
func (r *blackboxReader) secretOf(owner, kind string, v value, key string) any {
	if text := v.get(key).text(); text != "" {
		return r.doc.Vault.Secret(owner, kind, text)
	}
	if path := v.get(key + "_file").text(); path != "" {
		return r.secretFile(path)
	}
	return nil
}

// access takes over how the module gets in.
func (r *blackboxReader) access(e *Entry, h value) {
	name := r.module
	var f Fields
	switch basic, token := h.get("basic_auth"), r.secretOf(name, "token", h, "bearer_token"); {
	case h.get("oauth2").given():
		r.oauth(e, h.get("oauth2"))
		return
	case basic.given():
		password := r.secretOf(name, "password", basic, "password")
		user := any(basic.get("username").text())
		if path := basic.get("username_file").text(); path != "" {
			user = r.secretFile(path)
		}
		if user == "" || password == nil {
			r.object(e, "its basic_auth has no user or password, and did not come over")
			return
		}
		f.Set("type", "basic")
		f.Set("username", user)
		f.Set("password", password)
	case h.get("authorization").given():
		r.authorizationKey(&f, name, h.get("authorization"))
	case token != nil:
		f.Set("type", "bearer")
		f.Set("token", token)
	default:
		return
	}
	r.credential(e, name, f)
}

// authorizationKey reads type and credentials.
func (r *blackboxReader) authorizationKey(f *Fields, name string, a value) {
	secret := r.secretOf(name, "token", a, "credentials")
	if secret == nil {
		secret = ""
	}
	kind := a.get("type").text()
	if kind == "" || strings.EqualFold(kind, "Bearer") {
		f.Set("type", "bearer")
		f.Set("token", secret)
		return
	}
	f.Set("type", "header")
	f.Set("name", "Authorization")
	f.Set("value", Raw(fmt.Sprintf("%s %s", Escape(kind), secret)))
}

// oauth takes over client credentials; further parameters that have a key of
// their own here get it.
func (r *blackboxReader) oauth(e *Entry, o value) {
	tokenURL, id := o.get("token_url").text(), o.get("client_id").text()
	name := hostOf(tokenURL) + " " + id
	secret := r.secretOf(name, "client secret", o, "client_secret")
	if grant := o.get("grant_type").text(); grant != "" && grant != "client_credentials" {
		r.object(e, "its grant %q did not come over: a token comes by client credentials here; auth_method private_key_jwt proves a client by its key", grant)
		return
	}
	if why := wrongEndpoint(tokenURL, id); why != "" || secret == nil {
		r.object(e, "its oauth2 did not come over: %s", strings.TrimSpace(why+map[bool]string{true: " there is no client secret"}[secret == nil]))
		return
	}
	var f Fields
	f.Set("token_url", r.url(name, tokenURL))
	f.Set("client_id", id)
	f.Set("client_secret", secret)
	if scopes := o.get("scopes").texts(); len(scopes) > 0 {
		f.Set("scopes", scopes)
	}
	r.params(e, &f, name, o.get("endpoint_params"))
	r.tls(e, &f, o.get("tls_config"), false)
	r.proxy(e, &f, o)
	r.credential(e, name, f)
}

func (r *blackboxReader) params(e *Entry, f *Fields, name string, params value) {
	var rest Fields
	for _, p := range params.members() {
		text := p.value.text()
		switch p.key {
		case "audience", "resource":
			f.Set(p.key, []string{text})
		case "grant_type":
			if text != "client_credentials" {
				r.object(e, "the grant_type %s of its oauth2 did not come over: a token comes by client_credentials here", text)
			}
		case "scope":
			if f.Get("scopes") == nil {
				f.Set("scopes", strings.Fields(text))
			}
		case "client_id", "client_secret", "client_assertion", "client_assertion_type":
			r.object(e, "the parameter %s of its oauth2 did not come over: it has a key of its own", p.key)
		default:
			value := any(text)
			if r.hide.secretName(p.key) || r.hide.looksSecret(text) {
				value = r.doc.Vault.Secret(name, p.key, text)
			}
			rest = append(rest, Field{Key: p.key, Value: value})
		}
	}
	if len(rest) > 0 {
		f.Set("params", rest)
	}
}
