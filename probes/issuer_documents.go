package probes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

// metadata is what an authorization server tells of itself (OpenID Connect
// Discovery 1.0, section 3; RFC 8414, section 2), as far as it is watched.
type metadata struct {
	Issuer word `json:"issuer"`
	Keys   word `json:"jwks_uri"`
	Token  word `json:"token_endpoint"`
}

// wellKnown returns where the metadata of an issuer may lie: by OpenID Connect
// Discovery 1.0, section 4, and by RFC 8414, section 3.
func wellKnown(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	path, origin := strings.TrimRight(u.EscapedPath(), "/"), u.Scheme+"://"+u.Host
	return []string{origin + path + "/.well-known/openid-configuration", origin + "/.well-known/oauth-authorization-server" + path}
}

// discover asks for the metadata at both well-known addresses, first at the one
// that answered last time. Of two that have none the first is told of, by its
// name in the world.
func (v *visit) discover(ctx context.Context) (metadata, *check.Fault) {
	forms := wellKnown(v.p.issuer)
	var why *check.Fault
	for i := range forms {
		form := (int(v.p.form.Load()) + i) % len(forms)
		a, f := v.get(ctx, forms[form], "the discovery document")
		if f != nil { // who is not there has no second address
			return metadata{}, f
		}
		m, wrong := v.metadataOf(a)
		if wrong == nil {
			v.p.form.Store(int64(form))
			v.note("discovery: it is that of the issuer")
			return m, nil
		}
		v.note("discovery: " + wrong.message)
		if why == nil || a.status == http.StatusOK { // a document that is wrong tells more than none
			why = v.fault(wrong)
		}
	}
	return metadata{}, why
}

// metadataOf reads a discovery document and holds it to what it must say (OpenID
// Connect Discovery 1.0, section 4.3; RFC 8414, section 3.3).
func (v *visit) metadataOf(a *answer) (m metadata, wrong *finding) {
	if wrong = v.document(a, "the discovery document", &m); wrong != nil {
		return m, wrong
	}
	at := "the discovery document " + v.scene.shown(a.url)
	switch {
	case m.Issuer == "":
		return m, failed(at+" names no issuer", "is url the identity provider itself, with its path?")
	case string(m.Issuer) != v.p.issuer:
		return m, v.otherIssuer(string(m.Issuer), at)
	case m.Keys == "" && strings.HasSuffix(a.url.Path, "/openid-configuration"):
		return m, failed(at+" names no jwks_uri", "nobody can verify the provider's tokens without its keys: look at its configuration")
	case m.Token == "":
		return m, failed(at+" names no token_endpoint", "nobody who follows the document gets a token: look at the provider's configuration")
	}
	if wrong := v.checkEndpoint("jwks_uri", string(m.Keys), at); wrong != nil {
		return m, wrong
	}
	if strings.Contains(string(m.Token), "#") { // RFC 6749, section 3.2
		return m, failed(fmt.Sprintf("%s names a token_endpoint with a fragment: %q", at, v.scene.quote(string(m.Token))), "mend it at the provider: clients refuse such an address")
	}
	return m, v.checkEndpoint("token_endpoint", string(m.Token), at)
}

// checkEndpoint holds the address of an endpoint to be one, and https where the
// issuer is.
func (v *visit) checkEndpoint(name, raw, at string) *finding {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if _, wrong := Origin(raw); err != nil || wrong != nil || u.User != nil {
		return failed(fmt.Sprintf("%s names a %s that is no URL: %q", at, name, v.scene.quote(raw)), "mend it at the provider")
	}
	if u.Scheme == "http" && v.run.p.url.Scheme == "https" && !machine.IsLoopback(u.Hostname()) {
		return failed(fmt.Sprintf("%s names a %s that is not https: %s", at, name, v.scene.shown(u)),
			"the provider does not know that it is reached by https: let its proxy send X-Forwarded-Proto: https, or set its public URL there")
	}
	return nil
}

// document reads a JSON document into what it is for.
func (v *visit) document(a *answer, what string, into any) *finding {
	at := what + " " + v.scene.shown(a.url)
	switch {
	case redirects(a.status):
		return failed(fmt.Sprintf("%s answered %d, a redirect to %s", at, a.status, v.scene.target(a)),
			"redirects are not followed: url is what the provider calls itself, by its public address, without /.well-known")
	case a.status != http.StatusOK:
		return failed(fmt.Sprintf("%s answered %s", at, named(a.status)),
			"is url right, with its path (Keycloak: https://HOST/realms/REALM; Entra ID: https://login.microsoftonline.com/TENANT_ID/v2.0), and is it the provider's public address?")
	case a.cut:
		return failed(fmt.Sprintf("%s is longer than %d bytes", at, v.run.p.maxBody), "is url the identity provider?")
	}
	text := bytes.TrimPrefix(bytes.TrimSpace(v.body), []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(text, into); err == nil && bytes.HasPrefix(text, []byte("{")) {
		return nil
	}
	kind := "no JSON object"
	if bytes.HasPrefix(text, []byte("<")) {
		kind = "a page of HTML"
	}
	return failed(fmt.Sprintf("%s is %s", at, kind), "a portal or an application answers there: url is the identity provider itself, with its path, and its proxy has to pass this address on")
}

func failed(message, hint string) *finding { return &finding{check.DiscoveryFailed, message, hint} }

// otherIssuer says what to do where the issuer is another.
func (v *visit) otherIssuer(got, at string) *finding {
	shown := v.scene.quote(got)
	f := failed(fmt.Sprintf("%s is that of issuer %q, not of %q", at, shown, v.p.issuer),
		fmt.Sprintf("clients that compare the two refuse its tokens. If that is your provider, write url: %s, to the letter; else it derives its name from an address that is not its public one (Host, X-Forwarded-Host, X-Forwarded-Proto)", shown))
	switch {
	case strings.Contains(got, "{tenantid}"):
		f.hint = "this is the document for all tenants: write the id of your tenant into url, in place of common or organizations"
	case strings.TrimRight(got, "/") == strings.TrimRight(v.p.issuer, "/"):
		f.hint = fmt.Sprintf("they differ in the slash at the end, which counts: write url: %s", shown)
	}
	return f
}

func (v *visit) badURL(raw, what string) *finding {
	return failed(fmt.Sprintf("%s has no URL that can be asked: %q", what, v.scene.quote(raw)), "mend it at the provider")
}

func (v *visit) failing(a *answer, at string) *finding {
	return &finding{check.TokenServerError, fmt.Sprintf("%s answered %s", at, named(a.status)),
		"the provider, or the proxy before it, fails: look at the log of both"}
}

func (v *visit) limited(at string) *finding {
	return &finding{check.TokenRateLimited, at + " answered 429 Too Many Requests",
		"the provider wants to be asked less often from this address: a longer interval, or a client here that does not keep its tokens"}
}
