package auth

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	Issuer     string   // as configured, "" without
	Sent       []string // what the request held, secrets left out
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
	e.Issuer = s.o.Issuer
	if o.sent.to != "" {
		e.Sent = s.told(o.sent)
	}
	if o.finding != nil {
		return e, s.fault(o.finding)
	}
	a := o.token.answer
	e.TokenType, e.Life, e.LifeTold, e.Expires = a.kind, a.life, a.lifeTold, o.token.expires
	e.ScopeAsked, e.Scope, e.ScopeTold = s.o.Scopes, a.scope, a.scopeTold
	e.Audience = s.audienceAsked()
	e.Token, e.TokenLength = secret.Literal(a.token), len(a.token)
	e.Claims = a.claims
	e.Warnings = a.warnings
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
		e.Warnings = e.Claims.warnings(nil, answer{}, time.Now())
	}
	return e, nil
}

// told lists what a request held, without anything that gives anybody anything.
func (s *Source) told(t sent) []string {
	out := []string{"grant_type client_credentials"}
	for _, p := range []struct{ name, value string }{
		{"scope", strings.Join(s.o.Scopes, " ")}, {"audience", strings.Join(s.o.Audience, " ")}, {"resource", strings.Join(s.o.Resource, " ")},
		{"and the parameters", strings.Join(slices.Sorted(maps.Keys(s.o.Params)), " ")},
	} {
		if p.value != "" {
			out = append(out, p.name+" "+p.value)
		}
	}
	return append(out, s.toldProof(t))
}

func (s *Source) toldProof(t sent) string {
	until := ""
	if !t.expires.IsZero() {
		until = t.expires.UTC().Format(time.RFC3339)
	}
	switch s.o.AuthMethod {
	case methodBasic:
		return "client_id and secret in the Authorization header, written as " + s.o.BasicEncoding
	case methodPost:
		return "client_id and client_secret in the form"
	case methodSecretJWT, methodKeyJWT:
		text := fmt.Sprintf("an assertion signed with %s, kid %s, iss and sub %q, aud %s, exp %s", t.algorithm, orNone(t.keyID), s.o.ClientID, t.audience, until)
		if t.thumb != "" {
			text += ", with " + t.thumb
		}
		return text
	case methodFederated:
		return fmt.Sprintf("the assertion in %s: %s, aud %s, exp %s", s.o.AssertionFile, t.party, t.audience, orNone(until))
	case methodTLS, methodSelfSigned:
		return fmt.Sprintf("client_id in the form, and the TLS client certificate %s, until %s", t.party, until)
	}
	return "client_id in the form, and no proof"
}
