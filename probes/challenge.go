package probes

import (
	"net/http"
	"strings"
)

// Limits on what is read of WWW-Authenticate: a stranger writes it.
const (
	maxChallenges      = 16
	maxChallengeParams = 32
	maxChallengeBytes  = 16 << 10
)

// challenge is one challenge of a WWW-Authenticate header (RFC 9110, 11.6.1).
type challenge struct {
	scheme string // lower case
	params []param
}

type param struct{ name, value string } // name in lower case

// get returns the value of a parameter, "" where it is absent.
func (c *challenge) get(name string) string {
	for _, p := range c.params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// challengesOf returns the challenges of an answer; those for a proxy count,
// because a gate may be asked with Proxy-Authorization (RFC 9110, 11.7.1).
func challengesOf(h http.Header) []challenge {
	www, proxy := h["Www-Authenticate"], h["Proxy-Authenticate"]
	if len(www) == 0 && len(proxy) == 0 {
		return nil
	}
	return append(parseChallenges(www), parseChallenges(proxy)...)
}

// parseChallenges reads the values of a WWW-Authenticate header. It is tolerant:
// what it cannot make sense of is skipped, and an open quote ends with the value.
func parseChallenges(values []string) []challenge {
	var cs []challenge
	for _, v := range values {
		s := scanner{rest: v[:min(len(v), maxChallengeBytes)]}
		cs = s.challenges(cs)
	}
	return cs
}

type scanner struct{ rest string }

func (s *scanner) challenges(cs []challenge) []challenge {
	first := len(cs) // a parameter belongs to a scheme of the same value
	for {
		s.skip(" \t,")
		if s.rest == "" {
			return cs
		}
		word := s.token()
		if word == "" {
			s.rest = s.rest[1:]
			continue
		}
		if s.assignment() {
			value := s.value()
			if n := len(cs); n > first && len(cs[n-1].params) < maxChallengeParams {
				cs[n-1].params = append(cs[n-1].params, param{strings.ToLower(word), value})
			}
			continue
		}
		if len(cs) == maxChallenges {
			return cs
		}
		cs = append(cs, challenge{scheme: strings.ToLower(word)})
		s.token68()
	}
}

// assignment consumes the "=" after a name, with the white space around it.
func (s *scanner) assignment() bool {
	after := strings.TrimLeft(s.rest, " \t")
	if !strings.HasPrefix(after, "=") {
		return false
	}
	s.rest = strings.TrimLeft(after[1:], " \t")
	return true
}

func (s *scanner) value() string {
	if strings.HasPrefix(s.rest, `"`) {
		return s.quoted()
	}
	i := strings.IndexAny(s.rest, ", \t")
	if i < 0 {
		i = len(s.rest)
	}
	v := s.rest[:i]
	s.rest = s.rest[i:]
	return v
}

func (s *scanner) quoted() string {
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return b.String()
		case c == '\\' && i+1 < len(s.rest):
			i++
			b.WriteByte(s.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	s.rest = ""
	return b.String()
}

// token68 skips the credentials that may stand after a scheme in place of
// parameters, as in "Negotiate YII=".
func (s *scanner) token68() {
	after := strings.TrimLeft(s.rest, " \t")
	end := strings.TrimLeft(after, token68Chars)
	if len(end) == len(after) {
		return
	}
	end = strings.TrimLeft(strings.TrimLeft(end, "="), " \t")
	if end == "" || end[0] == ',' {
		s.rest = end
	}
}

const (
	token68Chars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/"
	tokenChars   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
)

func (s *scanner) token() string {
	after := strings.TrimLeft(s.rest, tokenChars)
	word := s.rest[:len(s.rest)-len(after)]
	s.rest = after
	return word
}

func (s *scanner) skip(chars string) { s.rest = strings.TrimLeft(s.rest, chars) }
