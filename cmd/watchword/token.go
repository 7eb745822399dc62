package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/check"
)

type tokenCommand struct {
	configFlag
	Credential string `arg:"" help:"Name of a credential in the configuration."`
	Show       bool   `help:"Print the token itself. Whoever has it gets in."`
}

func (tokenCommand) Help() string {
	return `Tells how the client proved itself and what was sent, how long the token lives, compares the scope and audience that were granted with those asked for, and reads the claims of a JWT. Where it is refused, the hint names the setting to change, at the provider too if it is one that is known. No secret is shown, and the token itself only with --show.

Ends with 0 if there is a token, else with 1.

Examples:

    watchword token -c watchword.yaml authelia`
}

func (c *tokenCommand) Run(ctx context.Context, s *streams) error {
	o, err := once(c.Config, s, 1)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	e, err := o.Token(ctx, c.Credential)
	if f, ok := errors.AsType[*check.Fault](err); ok {
		explainRequest(s.out, &e)
		fmt.Fprintf(s.out, "fault     %s\nwhat      %s\nhint      %s\n", s.paint("31", string(f.Class)+"/"+string(f.Reason)), f.Message, f.Hint)
		return &exitError{code: 1}
	}
	if err != nil {
		return usage(err)
	}
	explainToken(s.out, &e)
	if !c.Show {
		return nil
	}
	token, err := e.Token.Reveal()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "token     %s\n", token)
	return nil
}

// writer returns what writes a row of a name and what belongs to it.
func writer(w io.Writer) func(name, format string, args ...any) {
	return func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s%s\n", name, fmt.Sprintf(format, args...))
	}
}

// explainRequest tells what was sent, where anything was.
func explainRequest(w io.Writer, e *auth.Explanation) {
	if e.Kind != auth.TypeClientCredentials || len(e.Sent) == 0 {
		return
	}
	row := writer(w)
	row("from", "%s as client %q by %s", e.TokenURL, e.ClientID, e.AuthMethod)
	if e.Issuer != "" {
		row("", "found by discovery at issuer %s", e.Issuer)
	}
	row("sent", "%s", strings.Join(e.Sent, "; "))
	row("took", "%s", length(e.Took))
}

func explainToken(w io.Writer, e *auth.Explanation) {
	row := writer(w)
	if e.Kind != auth.TypeClientCredentials {
		row("credential", " %s (%s): nothing is fetched, the value is %d characters long", e.Credential, e.Kind, e.TokenLength)
		return
	}
	explainRequest(w, e)
	row("type", "%s, %d characters, %s", or(e.TokenType, "not told"), e.TokenLength, tokenForm(e))
	told := "told by the provider"
	if !e.LifeTold {
		told = "the provider did not tell"
	}
	row("lifetime", "%s (%s), until %s", e.Life.Round(time.Second), told, e.Expires.UTC().Format(time.RFC3339))
	row("scope", "asked %s, granted %s", or(strings.Join(e.ScopeAsked, " "), "none"), granted(e))
	row("audience", "asked %s, granted %s", or(strings.Join(e.Audience, " "), "none"), grantedAudience(e))
	if c := e.Claims; c != nil {
		row("claims", "iss %s, sub %s, aud %s, scope %s", or(c.Issuer, "-"), or(c.Subject, "-"), or(strings.Join(c.Audience, " "), "-"), or(c.Scope, "-"))
		row("", "exp %s, nbf %s, iat %s (read, not verified)", moment(c.Expires), moment(c.NotBefore), moment(c.Issued))
	}
	for _, warning := range e.Warnings {
		row("warning", "%s", warning)
	}
}

func tokenForm(e *auth.Explanation) string {
	if e.Claims != nil {
		return "a JWT"
	}
	return "opaque"
}

func granted(e *auth.Explanation) string {
	if !e.ScopeTold {
		return "not told"
	}
	return or(e.Scope, "none")
}

// grantedAudience tells what only a JWT shows: with an opaque token, an
// audience that is missing comes to light at the gate, as a token refused
// straight after it was issued.
func grantedAudience(e *auth.Explanation) string {
	if e.Claims == nil {
		return "not told: only the provider and the gate can read an opaque token"
	}
	return or(strings.Join(e.Claims.Audience, " "), "none")
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
