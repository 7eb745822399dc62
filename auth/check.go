package auth

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// Check says what is wrong with the options of the credential called name,
// by path; certificate files are read, nothing is sent.
func Check(_ string, o Options) []check.Problem {
	ps := checkOptions(o)
	if o.Type == TypeClientCredentials || o.Type == "" {
		ps = append(ps, transport.Check(o.transport(o.TLS))...)
		ps = append(ps, checkFiles(o, ps)...)
	}
	return ps
}

// checklist gathers problems.
type checklist []check.Problem

func (c *checklist) bad(path, format string, args ...any) {
	*c = append(*c, check.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *checklist) warn(path, format string, args ...any) {
	*c = append(*c, check.Problem{Path: path, Message: fmt.Sprintf(format, args...), Warning: true})
}

// oneOf checks a value of a closed set.
func (c *checklist) oneOf(path, value string, set []string) {
	if !slices.Contains(set, value) {
		c.bad(path, "%q is none of %s", value, strings.Join(set, ", "))
	}
}

// checkOptions is Check without the files.
func checkOptions(o Options) []check.Problem {
	var c checklist
	if !slices.Contains(types(), o.Type) && o.Type != "" {
		c.bad("type", "%q is none of %s", o.Type, strings.Join(types(), ", "))
		return c // what belongs to a type that there is not cannot be judged
	}
	c.unused(o)
	switch o.Type {
	case TypeClientCredentials, "":
		c.clientCredentials(o)
	case TypeBasic:
		c.basic(o)
	case TypeBearer:
		if o.Token.IsZero() {
			c.bad("token", "is missing")
		}
		c.fitForHeader("token", o.Token)
	case TypeHeader:
		c.header(o)
	}
	if o.Type != TypeHeader {
		c.oneOf("send_as", o.SendAs, headers())
	}
	return c
}

// unused finds what was configured for another type. What equals the default
// was not configured.
func (c *checklist) unused(o Options) {
	kind := o.Type
	if kind == "" {
		kind = TypeClientCredentials
	}
	for _, f := range fieldsOf(o) {
		switch {
		case !f.set:
		case !slices.Contains(f.types, kind):
			c.bad(f.path, "has no effect with type %s; it belongs to type %s", kind, strings.Join(f.types, ", "))
		case f.methods != nil && slices.Contains(methods(), o.AuthMethod) && !slices.Contains(f.methods, o.AuthMethod):
			c.bad(f.path, "has no effect with auth_method %s; it belongs to %s", o.AuthMethod, strings.Join(f.methods, ", "))
		}
	}
}

func (c *checklist) clientCredentials(o Options) {
	c.place(o)
	if o.ClientID == "" {
		c.bad("client_id", "is missing")
	}
	c.oneOf("auth_method", o.AuthMethod, methods())
	c.oneOf("basic_encoding", o.BasicEncoding, encodings())
	c.method(o)
	if o.Timeout <= 0 {
		c.bad("timeout", "must be more than 0")
	}
	c.asked(o)
}

// method checks what the way in which the client proves itself needs.
func (c *checklist) method(o Options) {
	for _, f := range grantFields(o) {
		if f.required && !f.set && slices.Contains(f.methods, o.AuthMethod) {
			c.bad(f.path, "is missing")
		}
	}
	if slices.Contains(byCertificate(), o.AuthMethod) {
		c.mutual(o)
	}
	c.algorithm(o)
	switch {
	case o.AuthMethod != methodKeyJWT || o.CertificateFile != "":
		c.oneOf("thumbprint", o.Thumbprint, thumbprints())
	case given(o.Thumbprint, thumbprintSHA256):
		c.bad("thumbprint", "has no effect without certificate_file")
	}
}

// mutual checks what a client certificate needs.
func (c *checklist) mutual(o Options) {
	if o.TLS.CertFile == "" && o.TLS.KeyFile == "" {
		c.bad("tls", "auth_method %s needs cert_file and key_file here", o.AuthMethod)
	}
	if strings.HasPrefix(strings.ToLower(o.TokenURL), "http:") {
		c.bad("token_url", "is http, where no client certificate can be shown")
	}
}

func (c *checklist) algorithm(o Options) {
	if o.Algorithm == "" {
		return
	}
	fit, other := keyAlgorithms(), secretAlgorithms()
	what := "a private key"
	switch o.AuthMethod {
	case methodSecretJWT:
		fit, other, what = other, fit, "a secret"
	case methodKeyJWT:
	default:
		return
	}
	if slices.Contains(other, o.Algorithm) {
		c.bad("algorithm", "%s does not sign with %s: use %s", o.Algorithm, what, strings.Join(fit, ", "))
		return
	}
	c.oneOf("algorithm", o.Algorithm, fit)
}

// place checks where the provider is.
func (c *checklist) place(o Options) {
	switch {
	case o.TokenURL != "" && o.Issuer != "":
		c.bad("issuer", "token_url and issuer exclude each other: with issuer the token endpoint is found by discovery")
	case o.Issuer != "":
		c.issuer(o.Issuer)
	case o.TokenURL == "":
		c.bad("token_url", "is missing, or issuer in its place")
	default:
		c.tokenURL(o.TokenURL)
	}
}

func (c *checklist) issuer(raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		c.bad("issuer", "is not a URL that begins with https://")
	case u.User != nil:
		c.bad("issuer", "holds a user name or password: use client_id and client_secret")
	case u.RawQuery != "" || u.Fragment != "":
		c.bad("issuer", "must have neither query nor fragment (RFC 8414, section 2)")
	case strings.Contains(u.Path, "/.well-known/"):
		c.bad("issuer", "is the address of the discovery document: leave /.well-known/… out")
	case u.Scheme == "http" && !machine.IsLoopback(u.Hostname()):
		c.bad("issuer", "is http: anybody on the way could have the secret sent elsewhere; only https is taken, but on loopback")
	}
}

func (c *checklist) tokenURL(raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		c.bad("token_url", "is not a URL that begins with https:// or http://")
	case u.User != nil:
		c.bad("token_url", "holds a user name or password: use client_id and client_secret")
	case u.Fragment != "":
		c.bad("token_url", "must not have a fragment (RFC 6749, section 3.2)")
	case u.Scheme == "http" && !machine.IsLoopback(u.Hostname()):
		c.warn("token_url", "is http: the client secret crosses the network in plain text")
	}
}

// asked checks what the token is to be good for.
func (c *checklist) asked(o Options) {
	for i, s := range o.Scopes {
		if s == "" || strings.ContainsFunc(s, notInScope) {
			c.bad(fmt.Sprintf("scopes[%d]", i), "%q is not one scope (RFC 6749, section 3.3); write several as a list", s)
		}
	}
	for i, a := range o.Audience {
		if a == "" {
			c.bad(fmt.Sprintf("audience[%d]", i), "is empty")
		}
	}
	for i, r := range o.Resource {
		if u, err := url.Parse(r); err != nil || !u.IsAbs() || u.Fragment != "" {
			c.bad(fmt.Sprintf("resource[%d]", i), "%q is not an absolute URI without fragment (RFC 8707, section 2)", r)
		}
	}
	c.params(o.Params)
}

func notInScope(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

func (c *checklist) params(params map[string]secret.Text) {
	own := map[string]string{"scope": "scopes", "audience": "audience", "resource": "resource",
		"client_id": "client_id", "client_secret": "client_secret", "client_assertion": "auth_method", "client_assertion_type": "auth_method"}
	for _, k := range slices.Sorted(maps.Keys(params)) {
		switch instead, reserved := own[k]; {
		case k == "grant_type":
			c.bad("params."+k, "is always client_credentials")
		case reserved:
			c.bad("params."+k, "use %s", instead)
		case k == "":
			c.bad("params", "a parameter has no name")
		}
	}
}

func (c *checklist) basic(o Options) {
	switch {
	case o.Username == "":
		c.bad("username", "is missing")
	case strings.Contains(o.Username, ":"):
		c.bad("username", "must not hold a colon (RFC 7617, section 2)")
	case strings.ContainsFunc(o.Username, isControl):
		c.bad("username", "holds a line break or another control character")
	}
	if o.Password.IsZero() {
		c.bad("password", "is missing")
	}
	c.fitForHeader("password", o.Password)
}

func (c *checklist) header(o Options) {
	switch {
	case o.Name == "":
		c.bad("name", "is missing")
	case !httpguts.ValidHeaderFieldName(o.Name):
		c.bad("name", "%q is not the name of a header", o.Name)
	case slices.Contains([]string{"host", "content-length", "transfer-encoding", "connection", "trailer", "te", "upgrade"}, strings.ToLower(o.Name)):
		c.bad("name", "%s is set by the connection itself", o.Name)
	}
	if o.Value.IsZero() {
		c.bad("value", "is missing")
	}
	c.fitForHeader("value", o.Value)
}

// fitForHeader checks a value that stands in the configuration itself; others
// are checked when they are used.
func (c *checklist) fitForHeader(path string, t secret.Text) {
	if !t.IsLiteral() {
		return
	}
	if v, err := t.Reveal(); err == nil && strings.ContainsFunc(v, isControl) {
		c.bad(path, "holds a line break or another control character")
	}
}
