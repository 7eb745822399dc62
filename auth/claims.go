package auth

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/secret"
)

const clockTolerance = 5 * time.Second // how early a token may come

// Claims is what a JWT says of itself. Nothing of it was verified, and nothing is
// decided by it but what a person is told.
type Claims struct {
	Issuer    string
	Subject   string
	ClientID  string
	Audience  []string
	Scope     string
	Issued    time.Time
	Expires   time.Time
	NotBefore time.Time
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
		Audience: m.list("aud"), Issued: m.date("iat"), Expires: m.date("exp"), NotBefore: m.date("nbf")}
	if c.Scope == "" { // Authelia and Entra ID
		c.Scope = strings.Join(m.list("scp"), " ")
	}
	return c
}

// isJWT says whether a text has the form of a signed JWT.
func isJWT(s string) bool {
	return claimsOf(s) != nil && !strings.HasSuffix(s, ".") && !strings.ContainsFunc(s, notInToken)
}

// notInToken says what cannot stand in a JWT (RFC 7515, section 2).
func notInToken(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("-_.=", r)
}

func (m members) shown(name string) string {
	s, _ := m.text(name)
	return secret.Line(s, quoted)
}

// list reads a claim that is a string or a list of strings, fit to be shown.
func (m members) list(name string) []string {
	if s, ok := m.text(name); ok {
		return []string{secret.Line(s, quoted)}
	}
	out := m.texts(name)
	for i := range out {
		out[i] = secret.Line(out[i], quoted)
	}
	return out
}

// texts returns the strings of a member that is a list, and leaves out what else
// it holds; nil for a list of other things alone, and for what is no list.
func (m members) texts(name string) []string {
	var raw []json.RawMessage
	if json.Unmarshal(m[name], &raw) != nil || raw == nil {
		return nil
	}
	out := []string{}
	for _, entry := range raw {
		if s, ok := (members{name: entry}).text(name); ok {
			out = append(out, s)
		}
	}
	if len(out) == 0 && len(raw) > 0 {
		return nil
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

// warnings says where the claims do not agree with the clocks, with what was told
// beside the token, and with the audience that was asked for. A token that is dead
// on arrival is said to be, and used: the gate decides.
func (c *Claims) warnings(audience []string, a answer, now time.Time) []string {
	if c == nil {
		return nil
	}
	ws := c.times(a, now)
	if missing := lacking(audience, c.Audience); len(missing) > 0 {
		ws = append(ws, "the token's audience lacks "+strings.Join(missing, " "))
	}
	return ws
}

func (c *Claims) times(a answer, now time.Time) []string {
	var ws []string
	by, ahead := "by the clock of this machine", time.Duration(0)
	if a.ahead != nil {
		ahead = *a.ahead
		if ahead.Abs() <= machine.Apart {
			by = "by the provider's own clock too: look at the clocks of its machines, the gate will refuse it"
		}
	}
	if early := c.NotBefore.Sub(now); early > clockTolerance && ahead < machine.Apart {
		ws = append(ws, fmt.Sprintf("the token is not yet valid when it arrives: it is not valid before %s, %s", c.NotBefore.Format(time.RFC3339), by))
	}
	if c.Expires.IsZero() {
		return ws
	}
	if !c.Expires.After(now) {
		return append(ws, fmt.Sprintf("the token is expired when it arrives: it expired on %s, %s", c.Expires.Format(time.RFC3339), by))
	}
	if off := c.Expires.Add(-ahead).Sub(now.Add(a.life)).Abs(); a.lifeTold && off > machine.Apart {
		ws = append(ws, fmt.Sprintf("expires_in and the token's own exp differ by %s", off.Round(time.Second)))
	}
	return ws
}
