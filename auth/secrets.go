package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
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

// revealed is what a token request is made of, read at use. Whether key and
// certificate are any good shows when they sign.
type revealed struct {
	secret    string
	assertion string            // that another provider signed
	files     map[string][]byte // private key and certificates by the key that names the file
	params    map[string]string
}

func (s *Source) reveal() (revealed, error) {
	r, err := s.revealTexts()
	if err != nil {
		return r, err
	}
	for _, f := range []struct{ key, path string }{
		{"private_key_file", s.o.PrivateKeyFile}, {"certificate_file", s.o.CertificateFile},
		{"tls.cert_file", s.o.TLS.CertFile}, {"tls.key_file", s.o.TLS.KeyFile},
	} {
		if f.path == "" || strings.HasPrefix(f.key, "tls.") && !slices.Contains(byCertificate(), s.o.AuthMethod) {
			continue
		}
		text, err := readFile(f.key, f.path)
		if err != nil {
			return r, err
		}
		r.files[f.key] = text
	}
	return r, nil
}

// revealTexts reads what travels as it is.
func (s *Source) revealTexts() (revealed, error) {
	r := revealed{files: map[string][]byte{}, params: make(map[string]string, len(s.o.Params))}
	var err error
	if slices.Contains(bySecret(), s.o.AuthMethod) {
		if r.secret, err = s.revealSecret(); err != nil {
			return r, err
		}
	}
	if s.o.AuthMethod == methodFederated {
		if r.assertion, err = readAssertion(s.o.AssertionFile); err != nil {
			return r, err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.o.Params)) {
		if r.params[k], err = s.o.Params[k].Reveal(); err != nil {
			return r, fmt.Errorf("read parameter %q of credential %q: %w", k, s.name, err)
		}
	}
	return r, nil
}

func (s *Source) revealSecret() (string, error) {
	v, err := s.o.ClientSecret.Reveal()
	switch {
	case err != nil:
		return "", fmt.Errorf("read the client secret of credential %q: %w", s.name, err)
	case v == "":
		return "", fmt.Errorf("the client secret of credential %q is empty", s.name)
	}
	return v, nil
}

// unavailable is a secret, key or certificate that cannot be used as it is now.
func (s *Source) unavailable(err error) *finding {
	f := &finding{reason: check.SecretUnavailable, message: secret.Line(err.Error(), quoted), err: err}
	if e, ok := errors.AsType[*fileError](err); ok {
		f.message = secret.Line(fmt.Sprintf("%s of credential %q: %s", e.key, s.name, e.text), quoted)
		f.todo = e.todo
	}
	return f
}

func (r revealed) print() fingerprint {
	h := sha256.New()
	fmt.Fprintf(h, "%q%q", r.secret, r.assertion)
	for _, k := range slices.Sorted(maps.Keys(r.files)) {
		fmt.Fprintf(h, "%q=%q", k, r.files[k])
	}
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
	var out []string
	if id, sec := s.o.ClientID, r.secret; sec != "" {
		out = append(out,
			base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(sec))),
			base64.StdEncoding.EncodeToString([]byte(id+":"+sec)),
			url.QueryEscape(id)+":"+url.QueryEscape(sec),
			sec,
		)
	}
	out = append(out, jwtTexts(r.assertion)...)
	for k, v := range r.params {
		if !s.o.Params[k].IsLiteral() {
			out = append(out, v)
		}
	}
	return append(out, s.inQuery()...)
}

// jwtTexts are a JWT and its signature, without which it is worth nothing.
func jwtTexts(jwt string) []string {
	if jwt == "" {
		return nil
	}
	return []string{jwt, jwt[strings.LastIndexByte(jwt, '.')+1:]}
}

const shortest = 6 // characters of what is scrubbed without being a whole secret: less would be found in ordinary words

// inQuery returns the values in the query of the token endpoint's URL, which
// some providers take keys in. Short ones are left alone: they would be found
// in ordinary words.
func (s *Source) inQuery() []string {
	u, err := url.Parse(s.tokenURL())
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
		if r, err := s.revealTexts(); err == nil {
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
