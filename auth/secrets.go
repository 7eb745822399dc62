package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// fingerprint tells whether secrets changed; the zero value is none at all.
type fingerprint [sha256.Size]byte

// revealed is what a token request is made of, read at use.
type revealed struct {
	secret string
	params map[string]string
}

func (s *Source) reveal() (revealed, error) {
	r := revealed{params: make(map[string]string, len(s.o.Params))}
	var err error
	if r.secret, err = s.o.ClientSecret.Reveal(); err != nil {
		return r, fmt.Errorf("read the client secret of credential %q: %w", s.name, err)
	}
	if r.secret == "" {
		return r, fmt.Errorf("the client secret of credential %q is empty", s.name)
	}
	for _, k := range slices.Sorted(maps.Keys(s.o.Params)) {
		if r.params[k], err = s.o.Params[k].Reveal(); err != nil {
			return r, fmt.Errorf("read parameter %q of credential %q: %w", k, s.name, err)
		}
	}
	return r, nil
}

func (r revealed) print() fingerprint {
	h := sha256.New()
	fmt.Fprintf(h, "%q", r.secret)
	for _, k := range slices.Sorted(maps.Keys(r.params)) {
		fmt.Fprintf(h, "%q=%q", k, r.params[k])
	}
	return fingerprint(h.Sum(nil))
}

// fingerprint is that of the secrets as they are now, the zero value if they
// cannot be read.
func (s *Source) fingerprint() fingerprint {
	r, err := s.reveal()
	if err != nil {
		return fingerprint{}
	}
	return r.print()
}

// texts returns the forms in which an endpoint that was sent r may repeat it.
// Parameters that stand in the configuration in plain text are no secrets.
func (s *Source) texts(r revealed) []string {
	id, sec := s.o.ClientID, r.secret
	out := []string{
		base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(sec))),
		base64.StdEncoding.EncodeToString([]byte(id + ":" + sec)),
		url.QueryEscape(id) + ":" + url.QueryEscape(sec),
		sec,
	}
	for k, v := range r.params {
		if !s.o.Params[k].IsLiteral() {
			out = append(out, v)
		}
	}
	return append(out, s.inQuery()...)
}

const shortest = 6 // characters of what is scrubbed without being a whole secret: less would be found in ordinary words

// inQuery returns the values in the query of the token endpoint's URL, which
// some providers take keys in. Short ones are left alone: they would be found
// in ordinary words.
func (s *Source) inQuery() []string {
	u, err := url.Parse(s.o.TokenURL)
	if err != nil {
		return nil
	}
	var out []string
	for _, vs := range u.Query() {
		for _, v := range vs {
			if len(v) >= shortest {
				out = append(out, v)
			}
		}
	}
	return out
}

// SentSecrets returns the secrets and the token that requests with this
// credential carry now, in the forms in which a server may repeat them: what it
// says is to be scrubbed of them before anybody sees it.
func (s *Source) SentSecrets() []string {
	var out []string
	switch s.o.Type {
	case TypeBasic:
		if v, err := s.o.Password.Reveal(); err == nil {
			out = append(out, base64.StdEncoding.EncodeToString([]byte(s.o.Username+":"+v)), v)
		}
	case TypeBearer:
		out = appendRevealed(out, s.o.Token)
	case TypeHeader:
		out = appendRevealed(out, s.o.Value)
		for _, v := range out {
			if _, after, _ := strings.Cut(v, " "); len(after) >= shortest { // the key of "ApiKey KEY"
				out = append(out, after)
			}
		}
	default:
		if r, err := s.reveal(); err == nil {
			out = s.texts(r)
		}
		out = append(out, s.tokens.values()...)
	}
	return out
}

func appendRevealed(out []string, t secret.Text) []string {
	if v, err := t.Reveal(); err == nil {
		out = append(out, v)
	}
	return out
}

// values returns the tokens that may still be in use: the one held and the one
// before it.
func (c *cache) values() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, t := range []*token{c.token, c.before} {
		if t != nil {
			out = append(out, t.value)
		}
	}
	return out
}

// headerValue reveals what a header of a request is to hold.
func (s *Source) headerValue(what string, t secret.Text) (string, *finding) {
	v, err := t.Reveal()
	switch {
	case err != nil:
		return "", &finding{reason: check.SecretUnavailable, err: err,
			message: fmt.Sprintf("read the %s of credential %q: %s", what, s.name, secret.Line(err.Error(), quoted))}
	case v == "":
		return "", &finding{reason: check.SecretUnavailable, message: fmt.Sprintf("the %s of credential %q is empty", what, s.name)}
	case strings.ContainsFunc(v, isControl):
		return "", &finding{reason: check.SecretUnavailable,
			message: fmt.Sprintf("the %s of credential %q holds a line break or another control character", what, s.name)}
	}
	return v, nil
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
