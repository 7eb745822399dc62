package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/crypto/bcrypt"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const (
	cheapest  = 10 // cost of a hash: below, passwords of a stolen file are guessed too fast
	dearest   = 14 // above, one login takes seconds of a core
	hashHint  = "make one with: watchword password"
	weakToken = 16 // characters; shorter tokens can be guessed
)

// CheckAccess says what is wrong with a; paths are those of the `server`
// section. It reads secrets and files, and sends nothing.
func CheckAccess(a Access) []check.Problem {
	ps := slices.Concat(CheckTLS(a.TLS), checkAuth(a.Auth), checkScraper(a.Auth))
	for i, what := range a.Public {
		if what != publicStatus && what != publicBadges {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("public[%d]", i), Message: fmt.Sprintf("%q is none of status, badges", what)})
		}
	}
	if i := slices.Index(a.Public, publicBadges); i >= 0 {
		ps = append(ps, check.Problem{Path: fmt.Sprintf("public[%d]", i), Message: "there are no badges yet: it opens nothing", Warning: true})
	}
	if len(a.Public) > 0 && !a.Asks() {
		ps = append(ps, check.Problem{Path: "public", Message: "it opens nothing, since nobody has to log in: set auth.type to basic", Warning: true})
	}
	return ps
}

func checkAuth(a Auth) []check.Problem {
	switch {
	case a.Type != "" && a.Type != authNone && a.Type != authBasic:
		return []check.Problem{{Path: "auth.type", Message: fmt.Sprintf("unknown type %q; it is none or basic", a.Type)}}
	case a.asks() && len(a.Users) == 0:
		return []check.Problem{{Path: "auth.users", Message: "with type basic at least one user is wanted, such as alice: {password_hash: …, role: admin}"}}
	case !a.asks() && len(a.Users) > 0:
		return []check.Problem{{Path: "auth.users", Message: "without type: basic nobody has to log in, and the users would have no effect"}}
	}
	var ps []check.Problem
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		ps = append(ps, checkUser(name, a.Users[name])...)
	}
	return ps
}

func checkUser(name string, u User) []check.Problem {
	var ps []check.Problem
	bad := func(key, message string) {
		ps = append(ps, check.Problem{Path: "auth.users." + name + key, Message: message})
	}
	if wrong := checkName(name); wrong != "" {
		bad("", wrong)
	}
	if wrong := checkHash(u.PasswordHash); wrong != "" {
		bad(".password_hash", wrong)
	}
	if u.Role != "" && u.Role != roleViewer && u.Role != roleAdmin {
		bad(".role", fmt.Sprintf("unknown role %q; it is viewer or admin", u.Role))
	}
	return ps
}

func checkScraper(a Auth) []check.Problem {
	m := a.Metrics
	bad := func(key, message string) []check.Problem {
		return []check.Problem{{Path: "auth.metrics." + key, Message: message}}
	}
	named := m.Username != "" || !m.PasswordHash.IsZero()
	switch {
	case !m.BearerToken.IsZero() && named:
		return bad("bearer_token", "either bearer_token, or username and password_hash")
	case !m.BearerToken.IsZero():
		return checkToken(m.BearerToken)
	case !named:
		return nil
	case m.Username == "":
		return bad("username", "password_hash needs a username as well")
	case checkName(m.Username) != "":
		return bad("username", checkName(m.Username))
	case m.PasswordHash.IsZero():
		return bad("password_hash", "username needs a password_hash as well; "+hashHint)
	case checkHash(m.PasswordHash) != "":
		return bad("password_hash", checkHash(m.PasswordHash))
	}
	if _, taken := a.Users[m.Username]; taken {
		return bad("username", fmt.Sprintf("%q is a user already, and users may read /metrics: choose another name", m.Username))
	}
	return nil
}

func checkToken(t secret.Text) []check.Problem {
	token, err := t.Reveal()
	if err != nil {
		return []check.Problem{{Path: "auth.metrics.bearer_token", Message: err.Error()}}
	}
	switch {
	case token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return []check.Problem{{Path: "auth.metrics.bearer_token", Message: "a token of visible ASCII characters is wanted, without blanks and line ends"}}
	case len(token) < weakToken:
		return []check.Problem{{Path: "auth.metrics.bearer_token", Warning: true,
			Message: fmt.Sprintf("a token of fewer than %d characters can be guessed: make one with: openssl rand -hex 32", weakToken)}}
	}
	return nil
}

// checkName returns what keeps a name from being sent as RFC 7617 has it, ""
// for nothing.
func checkName(name string) string {
	const longest = 128
	if name == "" || len(name) > longest || strings.ContainsFunc(name, func(r rune) bool { return r == ':' || unicode.IsControl(r) }) {
		return fmt.Sprintf("a user name has 1 to %d characters, without colons and control characters", longest)
	}
	return ""
}

// checkHash returns what is wrong with a password's hash, "" for nothing.
func checkHash(t secret.Text) string {
	hash, err := t.Reveal()
	if err != nil {
		return err.Error()
	}
	return judgeHash(hash)
}

// judgeHash never quotes the hash.
func judgeHash(hash string) string {
	const length = 60
	cost, err := bcrypt.Cost([]byte(hash))
	known := strings.HasPrefix(hash, "$2a$") || strings.HasPrefix(hash, "$2b$") || strings.HasPrefix(hash, "$2y$")
	switch {
	case hash == "":
		return "a bcrypt hash of the password is wanted; " + hashHint
	case !known || err != nil || len(hash) != length:
		return "this is no bcrypt hash, which has 60 characters and begins with $2a$, $2b$ or $2y$; " + hashHint
	case cost < cheapest || cost > dearest:
		return fmt.Sprintf("the hash is of cost %d, and %d to %d are taken; %s", cost, cheapest, dearest, hashHint)
	}
	return ""
}
