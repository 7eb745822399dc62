package lab

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

	textExpired = "could not authenticate the client - its client secret is expired" // node-oidc-provider
	textMethod  = " The request was determined to be using 'token_endpoint_auth_method' method '"
)

// whois finds out who asks, by the one way that the client is registered for.
func (p *Provider) whois(r *http.Request) (*Client, *oauthError) {
	if r.PostForm.Get("client_assertion") != "" {
		return p.byAssertion(r)
	}
	id, secret, method, fail := claimed(r)
	if fail != nil {
		return nil, fail
	}
	c, ok := p.Client(id)
	if secret == "" && ok && slices.Contains([]string{MethodTLS, MethodSelfSigned, MethodNone}, c.Method) {
		return p.bySilence(r, c)
	}
	if id == "" || secret == "" {
		return nil, badRequest("Client Credentials missing or malformed.")
	}
	if !ok {
		return nil, unknownClient("")
	}
	return &c, p.bySecret(&c, method, secret)
}

// bySecret compares the secret of a client.
func (p *Provider) bySecret(c *Client, method, secret string) *oauthError {
	switch {
	case !c.allows(method):
		return otherMethod(method)
	case c.Secret != secret:
		return unknownClient(" The provided client secret did not match the registered client secret.")
	case !c.SecretExpires.IsZero() && p.Now().After(c.SecretExpires):
		return &oauthError{status: http.StatusBadRequest, code: "invalid_client", description: textExpired}
	}
	return nil
}

// claimed reads id and secret from the header or the form, never from both.
func claimed(r *http.Request) (id, secret, method string, fail *oauthError) {
	id, secret, method = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), MethodPost
	header := r.Header.Get("Authorization")
	if header == "" {
		return id, secret, method, nil
	}
	if secret != "" {
		return "", "", "", badRequest("Client Authentication failed with more than one known authentication method included in the request which is not permitted.")
	}
	id, secret, ok := parseBasic(header)
	if !ok {
		return "", "", "", badRequest(textHeader)
	}
	return id, secret, MethodBasic, nil
}

func otherMethod(method string) *oauthError {
	e := unknownClient("")
	e.description += textMethod + method + "', however the OAuth 2.0 client registration does not allow this method."
	return e
}

// bySilence lets in who shows the right certificate (RFC 8705), or needs none.
func (p *Provider) bySilence(r *http.Request, c Client) (*Client, *oauthError) {
	if c.Method == MethodNone {
		return &c, nil
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, unknownClient(" No certificate was shown.")
	}
	leaf := r.TLS.PeerCertificates[0]
	switch {
	case c.Method == MethodTLS && leaf.Subject.String() == c.Subject && len(r.TLS.VerifiedChains) > 0:
		return &c, nil
	case c.Method == MethodSelfSigned && leaf.Equal(c.Certificate):
		return &c, nil
	}
	return nil, unknownClient(" The certificate is another.")
}

// assertionClaims are those of a client assertion (RFC 7523, section 3).
type assertionClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience anyOf  `json:"aud"`
	ID       string `json:"jti"`
	Expires  int64  `json:"exp"`
	Issued   int64  `json:"iat"`
	Before   int64  `json:"nbf"`
}

// anyOf is a claim that is a text or a list of texts.
type anyOf []string

func (a *anyOf) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = anyOf{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// byAssertion lets in who shows an assertion that is signed by the client, or by
// the provider that it trusts. No jti is taken twice.
func (p *Provider) byAssertion(r *http.Request) (*Client, *oauthError) {
	text := r.PostForm.Get("client_assertion")
	var claims assertionClaims
	parts := strings.Split(text, ".")
	if r.PostForm.Get("client_assertion_type") != assertionType || len(parts) != 3 || decodePart(parts[1], &claims) != nil {
		return nil, badRequest("The client assertion is malformed.")
	}
	id := r.PostForm.Get("client_id")
	if id == "" {
		id = claims.Subject
	}
	c, ok := p.Client(id)
	switch {
	case !ok:
		return nil, unknownClient("")
	case !slices.Contains([]string{MethodSecretJWT, MethodKeyJWT, MethodFederated}, c.Method):
		return nil, otherMethod(MethodKeyJWT)
	case !c.signed(text) || !p.holds(r, &c, &claims):
		e := unknownClient("")
		e.description += " OAuth 2.0 client with id '" + id + "' provided a client assertion which could not be decoded or validated."
		return nil, e
	case c.Method == MethodFederated: // Pocket ID looks at no jti
		return &c, nil
	}
	return &c, p.once(&claims)
}

// once takes each jti one time.
func (p *Provider) once(a *assertionClaims) *oauthError {
	switch {
	case a.ID == "":
		e := unknownClient("")
		e.description += " The client assertion had invalid claims."
		return e
	case !p.jtis.fresh(a.ID, time.Unix(a.Expires, 0), p.Now()):
		return &oauthError{status: http.StatusBadRequest, code: "jti_known",
			description: "The jti was already used. Claim 'jti' from 'client_assertion' MUST only be used once."}
	}
	return nil
}

// signed says whether the assertion is signed as the client is registered.
func (c *Client) signed(text string) bool {
	alg := cmpOr(c.Algorithm, "RS256")
	if c.Method == MethodSecretJWT {
		alg = cmpOr(c.Algorithm, "HS256")
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return false
	}
	if c.Method == MethodSecretJWT {
		return c.isMAC(alg, text, signed.Signatures[0].Signature)
	}
	if kid := signed.Signatures[0].Protected.KeyID; kid != "" && kid != c.KeyID {
		return false
	}
	return slices.ContainsFunc(c.Keys, func(k crypto.PublicKey) bool {
		_, err := signed.Verify(k)
		return err == nil
	})
}

// isMAC checks a signature by the secret (RFC 7518, section 3.2), however short
// that is.
func (c *Client) isMAC(alg, text string, signature []byte) bool {
	h := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}[alg]
	key := []byte(c.Secret)
	if c.SecretDigest {
		d := h()
		d.Write(key)
		key = d.Sum(nil)
	}
	mac := hmac.New(h, key)
	mac.Write([]byte(text[:strings.LastIndexByte(text, '.')]))
	return hmac.Equal(mac.Sum(nil), signature)
}

// holds says whether the claims are right, as Authelia compares them: without
// any tolerance of clocks.
func (p *Provider) holds(r *http.Request, c *Client, a *assertionClaims) bool {
	issuer, now := p.issuerOf(r), p.Now().Unix()
	trust, audiences := Trust{c.ID, c.ID, ""}, []string{issuer + TokenPath, issuer}
	if c.Method == MethodFederated {
		trust, audiences = c.Trust, []string{cmpOr(c.Trust.Audience, issuer)}
	}
	meant := slices.ContainsFunc(audiences, func(s string) bool { return slices.Contains(a.Audience, s) })
	return a.Issuer == trust.Issuer && a.Subject == trust.Subject && meant &&
		now < a.Expires && now >= a.Issued && now >= a.Before
}

// jtis are the assertions that were used.
type jtis struct {
	mu   sync.Mutex
	used map[string]time.Time // when they expire
}

// fresh remembers a jti and says whether it was new.
func (j *jtis) fresh(id string, expires, now time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.used == nil {
		j.used = map[string]time.Time{}
	}
	for old, end := range j.used {
		if now.After(end) {
			delete(j.used, old)
		}
	}
	if _, known := j.used[id]; known {
		return false
	}
	j.used[id] = expires
	return true
}

// SetKeys replaces the keys that verify the assertions of a client.
func (p *Provider) SetKeys(id string, keys ...crypto.PublicKey) {
	p.edit(id, func(c *Client) { c.Keys = keys })
}
