package lab

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxForm = 1 << 20

// oauthError is an answer of RFC 6749 section 5.2.
type oauthError struct {
	status      int
	code        string
	description string
	debug       string // added only with Quirks.Debug
}

const (
	textRequest = "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed. "
	textClient  = "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method)."
	textScope   = "The requested scope is invalid, unknown, or malformed. "
	textTarget  = "The requested resource is invalid, missing, unknown, or malformed. Ensure the requested resource is an absolute URI without a fragment component that identifies a resource server known to the authorization server and that it is permitted for this client."
	textGrant   = "The client is not authorized to request a token using this method. The OAuth 2.0 Client is not allowed to use authorization grant 'client_credentials'."
	textLimited = "Too many requests. The endpoint is temporarily unavailable. Try again later."
	textHeader  = "The client credentials in the HTTP authorization header could not be parsed. Either the scheme was missing, the scheme was invalid, or the value had malformed data."
	textUnknown = "Make sure that the various parameters are correct, be aware of case sensitivity and trim your parameters. Make sure that the client you are using has exactly whitelisted the redirect_uri you specified."
)

func badRequest(description string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, code: "invalid_request", description: textRequest + description}
}

func (p *Provider) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "OPTIONS, POST")
		writeBody(w, http.StatusMethodNotAllowed, "text/plain; charset=utf-8", "405 Method Not Allowed")
		return
	}
	ip, now := remoteIP(r), p.Now()
	if wait := p.limit.wait(ip, now); wait > 0 {
		p.log.add(claimedClient(r), "rate_limited")
		w.Header().Set("Retry-After", seconds(wait))
		p.writeError(w, r, &oauthError{status: http.StatusTooManyRequests, code: "temporarily_unavailable", description: textLimited})
		return
	}
	client, fail := p.authenticate(w, r)
	var body []byte
	if fail == nil {
		body, fail = p.issue(r, client)
	}
	if fail != nil {
		p.limit.fail(ip, now)
		p.log.add(claimedClient(r), fail.code)
		p.writeError(w, r, fail)
		return
	}
	p.writeToken(w, client, body)
}

// seconds rounds up, as Retry-After must.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// authenticate reads the form and finds out who asks (RFC 6749 section 2.3.1).
func (p *Provider) authenticate(w http.ResponseWriter, r *http.Request) (*Client, *oauthError) {
	if fail := readForm(w, r); fail != nil {
		return nil, fail
	}
	return p.whois(r)
}

func readForm(w http.ResponseWriter, r *http.Request) *oauthError {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err = r.ParseMultipartForm(maxForm)
	}
	switch {
	case err != nil:
		return badRequest("Unable to parse HTTP body, make sure to send a properly formatted form request body.")
	case len(r.PostForm) == 0:
		return badRequest("The POST body can not be empty.")
	case r.URL.Path == TokenPath && r.PostForm.Get("grant_type") == "":
		return badRequest("Request parameter 'grant_type' is missing")
	}
	return nil
}

func unknownClient(debug string) *oauthError {
	return &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: textClient, debug: debug}
}

// parseBasic reads form-encoded client credentials. Authelia refuses what was
// sent raw and is not decodable, and every control or non-ASCII character.
func parseBasic(header string) (id, secret string, ok bool) {
	scheme, value, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	for _, c := range raw {
		if c < ' ' || c > '~' {
			return "", "", false
		}
	}
	id, secret, ok = strings.Cut(string(raw), ":")
	if !ok {
		return "", "", false
	}
	if id, err = url.QueryUnescape(id); err != nil {
		return "", "", false
	}
	if secret, err = url.QueryUnescape(secret); err != nil {
		return "", "", false
	}
	return id, secret, true
}

// issue decides what the token may do and makes the answer.
func (p *Provider) issue(r *http.Request, c *Client) ([]byte, *oauthError) {
	switch {
	case r.PostForm.Get("grant_type") != "client_credentials":
		return nil, badRequest(textUnknown)
	case c.NoGrant:
		return nil, &oauthError{status: http.StatusBadRequest, code: "unauthorized_client", description: textGrant}
	}
	scope := strings.Fields(r.PostForm.Get("scope"))
	for _, s := range scope {
		if !slices.Contains(c.Scopes, s) {
			return nil, &oauthError{
				status: http.StatusBadRequest, code: "invalid_scope",
				description: textScope + "The OAuth 2.0 Client is not allowed to request scope '" + s + "'.",
			}
		}
	}
	audience, fail := grantedAudience(r.PostForm, c)
	if fail != nil {
		return nil, fail
	}
	g := &Grant{Client: c.ID, Scope: scope, Audience: audience}
	token, err := p.mint(g, c.Format, p.issuerOf(r))
	if err != nil {
		return nil, &oauthError{status: http.StatusInternalServerError, code: "server_error", description: err.Error()}
	}
	return p.tokenBody(token, scope, c), nil
}

func grantedAudience(form url.Values, c *Client) ([]string, *oauthError) {
	var want []string
	for _, v := range slices.Concat(form["audience"], form["resource"]) {
		want = append(want, strings.Fields(v)...)
	}
	for _, a := range want {
		if !allowsAudience(c.Audience, a) {
			return nil, &oauthError{
				status: http.StatusBadRequest, code: "invalid_target", description: textTarget,
				debug: " Requested audience '" + a + "' has not been whitelisted by the OAuth 2.0 Client.",
			}
		}
	}
	if len(want) == 0 && !c.Explicit {
		return c.Audience, nil
	}
	return want, nil
}

// tokenBody is the answer of RFC 6749 section 5.1; expires_in is one less than
// configured, as Authelia tells it.
func (p *Provider) tokenBody(token string, scope []string, c *Client) []byte {
	q := p.quirks.Load()
	members := map[string]any{
		"access_token": token,
		"expires_in":   max(0, int(c.lifetime()/time.Second)-1),
		"scope":        strings.Join(scope, " "),
		"token_type":   "bearer",
	}
	if q.ExpiresIn != "" {
		members["expires_in"] = json.RawMessage(q.ExpiresIn)
	}
	for name, value := range map[string]string{"scope": q.Scope, "token_type": q.TokenType} {
		if value != "" {
			members[name] = value
		}
	}
	for name, value := range map[string]string{"scope": q.Scope, "token_type": q.TokenType, "expires_in": q.ExpiresIn} {
		if value == Omit {
			delete(members, name)
		}
	}
	body, err := json.Marshal(members)
	if err != nil { // Quirks.ExpiresIn is not JSON: sent as it is, for the client to deal with
		body = []byte(`{"access_token":"` + token + `","expires_in":` + q.ExpiresIn + `}`)
	}
	return body
}

func (p *Provider) writeToken(w http.ResponseWriter, c *Client, body []byte) {
	q, result, kind := p.quirks.Load(), "ok", "application/json; charset=utf-8"
	switch {
	case q.HTML:
		result, kind, body = "html", "text/html; charset=utf-8", []byte(portalPage)
	case q.Malformed:
		result, body = "malformed", body[:len(body)/2]
	}
	p.log.add(c.ID, result)
	p.noStore(w)
	writeBody(w, http.StatusOK, kind, string(body))
}

func (p *Provider) writeError(w http.ResponseWriter, r *http.Request, e *oauthError) {
	q := p.quirks.Load()
	description := e.description
	if q.Debug {
		description += e.debug
	}
	if q.EchoSecret {
		description += " The request was: " + r.PostForm.Encode() + " " + r.Header.Get("Authorization")
		if id, secret, ok := parseBasic(r.Header.Get("Authorization")); ok {
			description += " (" + id + ":" + secret + ")"
		}
	}
	body := `{"error":` + quoteJSON(e.code) + `,"error_description":` + quoteJSON(description) + `}`
	p.noStore(w)
	writeBody(w, e.status, "application/json; charset=utf-8", body)
}

func (p *Provider) noStore(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, p.header)
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}

// claimedClient is the id a request names, right or wrong, for the counters.
func claimedClient(r *http.Request) string {
	if id, _, ok := parseBasic(r.Header.Get("Authorization")); ok {
		return id
	}
	return r.PostForm.Get("client_id")
}
