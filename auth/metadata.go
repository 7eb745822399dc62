package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/secret"
)

const (
	discoveryPath = "/.well-known/openid-configuration"
	metadataPath  = "/.well-known/oauth-authorization-server"
)

// wellKnown returns where the metadata of an issuer may lie: by OpenID Connect
// Discovery 1.0, section 4, and by RFC 8414, section 3.
func wellKnown(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	origin := u.Scheme + "://" + u.Host
	return []string{origin + path + discoveryPath, origin + metadataPath + path}
}

// metadata is what an authorization server tells of itself (RFC 8414, section 2),
// as far as it matters here. A nil list was not told.
type metadata struct {
	Issuer        string
	TokenEndpoint string
	Alias         string // of the token endpoint, for client certificates (RFC 8705, section 5)
	Methods       []string
	Algorithms    []string
	Scopes        []string
	Grants        []string

	source string // the document's address
}

// metadata reads the members of a document. One that is not what it should be was
// not told: what is optional must not spoil the rest.
func (m members) metadata() metadata {
	var aliases members
	if json.Unmarshal(m["mtls_endpoint_aliases"], &aliases) != nil {
		aliases = nil
	}
	text := func(m members, name string) string { s, _ := m.text(name); return s }
	return metadata{
		Issuer: text(m, "issuer"), TokenEndpoint: text(m, "token_endpoint"), Alias: text(aliases, "token_endpoint"),
		Methods:    m.texts("token_endpoint_auth_methods_supported"),
		Algorithms: m.texts("token_endpoint_auth_signing_alg_values_supported"),
		Scopes:     m.texts("scopes_supported"), Grants: m.texts("grant_types_supported"),
	}
}

// endpointFor returns the token endpoint for a way of proving who asks.
func (m *metadata) endpointFor(method string) string {
	if m.usesAlias(method) {
		return m.Alias
	}
	return m.TokenEndpoint
}

func (m *metadata) usesAlias(method string) bool {
	return slices.Contains(byCertificate(), method) && m.Alias != ""
}

// checkAlias holds the token endpoint for client certificates to what one may be.
// It is nothing to those who show none.
func (m *metadata) checkAlias(method string) *finding {
	if !m.usesAlias(method) {
		return nil
	}
	return checkEndpoint(m.Alias, secret.URL(m.source))
}

// document is an answer at a well-known address.
type document struct {
	url    string
	status int
	header http.Header
	body   []byte // up to one byte more than answerLimit
}

// undiscovered is a finding about the metadata of the issuer.
func undiscovered(todo, format string, args ...any) *finding {
	return &finding{reason: check.DiscoveryFailed, message: secret.Line(fmt.Sprintf(format, args...), quoted+100), todo: todo, tried: true, shared: true}
}

// read says what a document means for the issuer: exactly one of metadata and
// finding.
func (d document) read(issuer string) (*metadata, *finding) {
	at := secret.URL(d.url)
	switch {
	case d.status == http.StatusTooManyRequests || d.status >= http.StatusInternalServerError:
		return nil, undiscovered("look at the log of the identity provider and of the proxy before it: its configuration is not the reason",
			"the discovery document %s answered %d", at, d.status)
	case d.status >= 300 && d.status < 400:
		to := reply{header: d.header}.shownLocation(d.header.Get("Location"))
		return nil, undiscovered("set issuer to what the provider calls itself, which is the address without /.well-known; redirects are not followed",
			"the discovery document %s answered %d, a redirect to %s", at, d.status, to)
	case d.status != http.StatusOK:
		return nil, undiscovered("is issuer right, with its path (Keycloak: https://HOST/realms/REALM; Entra ID: https://login.microsoftonline.com/TENANT_ID/v2.0), and is this the provider's public address? A provider without discovery needs token_url in its place",
			"the discovery document %s answered %d", at, d.status)
	case len(d.body) > answerLimit:
		return nil, undiscovered("is issuer the identity provider?", "the discovery document %s is larger than 1 MiB", at)
	}
	var told members
	if err := json.Unmarshal(bytes.TrimPrefix(d.body, []byte("\xef\xbb\xbf")), &told); err != nil || told == nil {
		return nil, d.unreadable(at)
	}
	m := told.metadata()
	m.source = d.url
	return m.check(issuer, at)
}

func (d document) unreadable(at string) *finding {
	what := "no JSON object"
	if kind, _, err := mime.ParseMediaType(d.header.Get("Content-Type")); err == nil && kind == "text/html" || bytes.HasPrefix(bytes.TrimSpace(d.body), []byte("<")) {
		what = "a page of HTML"
	}
	return undiscovered("a portal or an application answers there: set issuer to the identity provider itself, with its path, and let its proxy pass /.well-known/ on",
		"the discovery document %s is %s", at, what)
}

// check holds the document to what it must say (OpenID Connect Discovery 1.0,
// section 4.3; RFC 8414, section 3.3).
func (m metadata) check(issuer, at string) (*metadata, *finding) {
	switch {
	case m.Issuer == "":
		return nil, undiscovered("is issuer the identity provider? Else set token_url in its place", "the discovery document %s names no issuer", at)
	case m.Issuer != issuer:
		return nil, undiscovered(m.otherIssuer(issuer), "the discovery document %s is that of issuer %q, not of %q", at, m.Issuer, issuer)
	case m.TokenEndpoint == "":
		return nil, undiscovered("is it an authorization server that issues tokens? Else set token_url in place of issuer", "the discovery document %s names no token_endpoint", at)
	}
	if f := checkEndpoint(m.TokenEndpoint, at); f != nil {
		return nil, f
	}
	return &m, nil
}

// checkEndpoint holds a token endpoint to what a secret may be sent to.
func checkEndpoint(raw, at string) *finding {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return undiscovered("mend it at the provider, or set token_url in place of issuer", "the discovery document %s names a token_endpoint that is no URL: %q", at, secret.Line(raw, 80))
	case u.Scheme == "http" && !machine.IsLoopback(u.Hostname()):
		return undiscovered("the provider does not know that it is reached by https: let its proxy send X-Forwarded-Proto: https, or set its public URL there",
			"the discovery document %s names a token endpoint that is not https: %s", at, secret.URL(raw))
	}
	return nil
}

// otherIssuer says what to do where the issuer is another.
func (m metadata) otherIssuer(issuer string) string {
	switch {
	case strings.Contains(m.Issuer, "{tenantid}"):
		return "this is the document for all tenants: write the id of your tenant into issuer, in place of common or organizations"
	case strings.TrimRight(m.Issuer, "/") == strings.TrimRight(issuer, "/"):
		return fmt.Sprintf("they differ in the slash at the end: set issuer to %q", secret.Line(m.Issuer, quoted))
	}
	return fmt.Sprintf("if that is your provider, set issuer to %q, to the letter; else the provider derives it from an address that is not its public one", secret.Line(m.Issuer, quoted))
}

// differs says what of the options the provider does not list, for people. That
// is no fault: not everything that is supported has to be listed.
func (m *metadata) differs(o Options, algorithm string) []string {
	var ws []string
	if w := m.methodDiffers(o.AuthMethod); w != "" {
		ws = append(ws, w)
	}
	if algorithm != "" && m.Algorithms != nil && !slices.Contains(m.Algorithms, algorithm) {
		ws = append(ws, fmt.Sprintf("the provider does not list algorithm %s, but %s", algorithm, shownList(m.Algorithms)))
	}
	if m.Grants != nil && !slices.Contains(m.Grants, TypeClientCredentials) {
		ws = append(ws, "the provider does not list the grant client_credentials")
	}
	if m.Scopes != nil {
		if missing := lacking(slices.DeleteFunc(slices.Clone(o.Scopes), unlisted), m.Scopes); len(missing) > 0 {
			ws = append(ws, "the provider does not list the scope "+strings.Join(missing, " "))
		}
	}
	return ws
}

func (m *metadata) methodDiffers(method string) string {
	switch {
	case method == methodFederated || slices.Contains(m.Methods, method):
		return ""
	case m.Methods != nil:
		return fmt.Sprintf("the provider does not list auth_method %s, but %s", method, shownList(m.Methods))
	case method != methodBasic: // what no list means (RFC 8414, section 2)
		return fmt.Sprintf("the provider names no methods, which means client_secret_basic, and auth_method is %s", method)
	}
	return ""
}

// unlisted says whether a scope is of a kind that providers do not list:
// Authelia's own, and those that name a resource (Entra ID's api://…/.default).
func unlisted(scope string) bool {
	return strings.HasPrefix(scope, "authelia.") || strings.Contains(scope, "/") || strings.Contains(scope, ":/")
}

func shownList(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return secret.Line(strings.Join(list, ", "), 120)
}
