package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/secret"
)

// Explanation tells what a credential is worth, for `watchword token`. Only
// Token holds something secret, and does not print it.
type Explanation struct {
	Credential string
	Kind       string
	TokenURL   string // fit to be shown
	ClientID   string
	AuthMethod string
	Took       time.Duration

	TokenType   string        // as told, "" if it was not
	Life        time.Duration // for which the token is used
	LifeTold    bool          // whether the provider told it
	Expires     time.Time
	ScopeAsked  []string
	Scope       string // granted, as told
	ScopeTold   bool
	Audience    []string // asked for, audience and resource
	Claims      *Claims  // nil if the token is no JWT
	Warnings    []string
	Token       secret.Text // the token or the value of the header
	TokenLength int
}

// Claims is what a JWT says of itself. Nothing of it was verified.
type Claims struct {
	Issuer    string
	Subject   string
	ClientID  string
	Audience  []string
	Scope     string
	Expires   time.Time
	NotBefore time.Time
}

// Explain fetches a token anew, past cache and back-off, and tells about it; the
// cache is not touched. For credentials without a token endpoint it reads the
// secret. The error is a *check.Fault.
func (s *Source) Explain(ctx context.Context) (Explanation, error) {
	e := Explanation{Credential: s.name, Kind: s.o.Type}
	if s.tokens == nil {
		return s.explainFixed(e)
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	started := time.Now()
	o := s.fetch(ctx)
	e.TokenURL, e.ClientID, e.AuthMethod, e.Took = s.TokenURL(), s.o.ClientID, s.o.AuthMethod, time.Since(started)
	if o.finding != nil {
		return e, s.fault(o.finding)
	}
	a := o.token.answer
	e.TokenType, e.Life, e.LifeTold, e.Expires = a.kind, a.life, a.lifeTold, o.token.expires
	e.ScopeAsked, e.Scope, e.ScopeTold = s.o.Scopes, a.scope, a.scopeTold
	e.Audience = append(append([]string{}, s.o.Audience...), s.o.Resource...)
	e.Token, e.TokenLength = secret.Literal(a.token), len(a.token)
	e.Claims = claimsOf(a.token)
	if a.warning != "" {
		e.Warnings = strings.Split(a.warning, "; ")
	}
	e.Warnings = append(e.Warnings, e.Claims.warnings(e, time.Now())...)
	if clock := s.clockWarning(); clock != "" {
		e.Warnings = append(e.Warnings, clock)
	}
	return e, nil
}

func (s *Source) explainFixed(e Explanation) (Explanation, error) {
	what, text := "value", s.o.Value
	switch s.o.Type {
	case TypeBasic:
		what, text = "password", s.o.Password
	case TypeBearer:
		what, text = "token", s.o.Token
	}
	v, f := s.headerValue(what, text)
	if f != nil {
		return e, s.fault(f)
	}
	e.Token, e.TokenLength = secret.Literal(v), len(v)
	if s.o.Type == TypeBearer {
		e.Claims = claimsOf(v)
		e.Warnings = e.Claims.warnings(e, time.Now())
	}
	return e, nil
}

// claimsOf decodes a JWT (RFC 7519) without verifying anything; nil for what is
// none.
func claimsOf(token string) *Claims {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var m members
	if err != nil || json.Unmarshal(payload, &m) != nil || m == nil {
		return nil
	}
	c := &Claims{Issuer: m.shown("iss"), Subject: m.shown("sub"), ClientID: m.shown("client_id"), Scope: m.shown("scope"),
		Audience: m.list("aud"), Expires: m.date("exp"), NotBefore: m.date("nbf")}
	if c.Scope == "" { // Authelia and Entra ID
		c.Scope = strings.Join(m.list("scp"), " ")
	}
	return c
}

func (m members) shown(name string) string {
	s, _ := m.text(name)
	return secret.Line(s, quoted)
}

// list reads a claim that is a string or a list of strings.
func (m members) list(name string) []string {
	if s, ok := m.text(name); ok {
		return []string{secret.Line(s, quoted)}
	}
	var out []string
	if json.Unmarshal(m[name], &out) != nil {
		return nil
	}
	for i := range out {
		out[i] = secret.Line(out[i], quoted)
	}
	return out
}

// date reads a NumericDate (RFC 7519, section 2).
func (m members) date(name string) time.Time {
	var seconds float64
	if json.Unmarshal(m[name], &seconds) != nil || seconds <= 0 || seconds > math.MaxInt32*100 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// warnings says where the claims and what was asked and told do not agree.
func (c *Claims) warnings(e Explanation, now time.Time) []string {
	if c == nil {
		return nil
	}
	var ws []string
	if c.NotBefore.After(now.Add(time.Second)) {
		ws = append(ws, fmt.Sprintf("the token is not valid before %s: the clocks differ", c.NotBefore.Format(time.RFC3339)))
	}
	if !c.Expires.IsZero() && c.Expires.Before(now) {
		ws = append(ws, fmt.Sprintf("the token says that it expired on %s", c.Expires.Format(time.RFC3339)))
	} else if e.LifeTold && !c.Expires.IsZero() && c.Expires.Sub(e.Expires).Abs() > time.Minute {
		ws = append(ws, fmt.Sprintf("expires_in and the token's own exp differ by %s", c.Expires.Sub(e.Expires).Abs().Round(time.Second)))
	}
	if missing := lacking(e.Audience, c.Audience); len(missing) > 0 {
		ws = append(ws, "the token's audience lacks "+strings.Join(missing, " "))
	}
	return ws
}
