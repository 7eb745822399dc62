package lab

import (
	"encoding/base64"
	"maps"
	"math/big"
	"net/http"
	"strings"
)

// portalPage has the title of Authelia's sign-in page and, like it, no form
// until its script has run.
const portalPage = `<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8"><title>Login - Authelia</title></head>
  <body><noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body>
</html>
`

func (p *Provider) servePortal(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	maps.Copy(h, p.header)
	h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
	writeBody(w, http.StatusOK, "text/html; charset=utf-8", portalPage)
}

// SetDiscovery has each discovery document changed before it is sent; nil ends
// it. A document without members is answered 404.
func (p *Provider) SetDiscovery(change func(path string, document map[string]any)) {
	if change == nil {
		p.tells.Store(nil)
		return
	}
	p.tells.Store(&change)
}

// DiscoveryRequests returns how many requests for discovery documents arrived.
func (p *Provider) DiscoveryRequests() int { return int(p.asked.Load()) }

// serveDiscovery answers OpenID Connect Discovery and RFC 8414. As at
// Authelia, the scope that opens the gate is not listed.
func (p *Provider) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	issuer := p.issuerOf(r)
	document := map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + JWKSPath,
		"authorization_endpoint":                issuer + "/api/oidc/authorization",
		"token_endpoint":                        issuer + TokenPath,
		"introspection_endpoint":                issuer + IntrospectionPath,
		"revocation_endpoint":                   issuer + RevocationPath,
		"subject_types_supported":               []string{"public", "pairwise"},
		"response_types_supported":              []string{"code"},
		"grant_types_supported":                 []string{"authorization_code", "client_credentials", "refresh_token"},
		"scopes_supported":                      []string{"offline_access", "openid", "profile", "email", "groups"},
		"token_endpoint_auth_methods_supported": []string{MethodBasic, MethodPost, MethodSecretJWT, MethodKeyJWT, MethodNone},
		"token_endpoint_auth_signing_alg_values_supported": []string{
			"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"},
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
	}
	if change := p.tells.Load(); change != nil {
		(*change)(r.URL.Path, document)
	}
	if len(document) == 0 {
		http.NotFound(w, r)
		return
	}
	p.noStore(w)
	w.Header().Set("Vary", "Accept-Encoding")
	writeJSON(w, http.StatusOK, document)
}

func (p *Provider) serveJWKS(w http.ResponseWriter, _ *http.Request) {
	rsaKey, err := p.keys.rsa()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	ecKey, err := p.keys.ec()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	point, err := ecKey.PublicKey.Bytes() // 4, X, Y (SEC 1 section 2.3.3)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	b64 := base64.RawURLEncoding.EncodeToString
	p.noStore(w)
	writeJSON(w, http.StatusOK, map[string]any{"keys": []map[string]string{
		{
			"use": "sig", "kty": "RSA", "kid": kidRSA, "alg": "RS256",
			"n": b64(rsaKey.N.Bytes()), "e": b64(big.NewInt(int64(rsaKey.E)).Bytes()),
		},
		{"use": "sig", "kty": "EC", "kid": kidEC, "alg": "ES256", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
	}})
}

// serveIntrospection answers RFC 7662 to any client, about any token, as
// Authelia does.
func (p *Provider) serveIntrospection(w http.ResponseWriter, r *http.Request) {
	if _, fail := p.authenticate(w, r); fail != nil {
		p.writeError(w, r, fail)
		return
	}
	p.noStore(w)
	g, err := p.Inspect(r.PostForm.Get("token"))
	if err != nil {
		writeJSON(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"active": true, "aud": g.Audience, "client_id": g.Client, "scope": strings.Join(g.Scope, " "),
		"exp": g.Expires.Unix(), "iat": g.Issued.Unix(),
	})
}

// serveRevocation answers RFC 7009.
func (p *Provider) serveRevocation(w http.ResponseWriter, r *http.Request) {
	c, fail := p.authenticate(w, r)
	if fail != nil {
		p.writeError(w, r, fail)
		return
	}
	token := r.PostForm.Get("token")
	if g := p.grants.get(token); g != nil && g.Client == c.ID {
		p.grants.drop(token)
	}
	p.noStore(w)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}
