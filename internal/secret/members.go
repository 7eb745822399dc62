package secret

import (
	"regexp"
	"strings"
)

// What a stranger's text names as a token or password is one, though it is none
// of ours: an endpoint that is watched may hand out tokens itself.

const (
	// tokenNames end the names of what is a secret: access_token, apiKey.
	tokenNames = `(?:token|secret|password|passwd|passphrase|api[_-]?key|private[_-]?key|assertion)`
	// leastToken is the length of what is taken for one; "expired" is none.
	leastToken = `{8,}`
)

// given returns expressions of texts that give a secret away: what comes before it
// is the first group, what follows the second.
func given() []string {
	member := func(quote, char string) string {
		return `(` + quote + `[\w.-]*` + tokenNames + quote + `\s*:\s*` + quote + `)` + char + leastToken + `(` + quote + `|$)`
	}
	return []string{
		member(`"`, `(?:[^"\\\s]|\\.)`),
		member(`\\"`, `[^"\\\s]`), // JSON in JSON
		member(`&(?:quot|#34);`, `[^&\s<]`),
		`(\b[\w.-]*` + tokenNames + `=)[^&\s"'<>;,]` + leastToken + `()`,
		`(\b)eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*()`, // a JWT (RFC 7519)
	}
}

// scrubGiven returns s without what it names as a token or password.
func scrubGiven(s string) string {
	if !strings.Contains(s, "eyJ") && (!strings.ContainsAny(s, ":=") || !NamesToken(s)) {
		return s
	}
	for _, text := range given() {
		s = regexp.MustCompile(`(?i)`+text).ReplaceAllString(s, "${1}"+Redacted+"${2}")
	}
	return s
}

// NamesToken says whether a text speaks of a token, a password or the like. It
// is asked of every message, and expressions would have to be compiled for that.
func NamesToken(s string) bool {
	s = strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
	for _, name := range []string{"token", "secret", "password", "passwd", "passphrase", "apikey", "privatekey", "assertion"} {
		if strings.Contains(s, name) {
			return true
		}
	}
	return false
}
