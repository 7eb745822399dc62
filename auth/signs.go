package auth

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/watchword/watchword/internal/secret"
)

// The identity providers whose settings hints name.
const (
	systemAuthelia = "Authelia"
	systemEntra    = "Entra ID"
	systemPocketID = "Pocket ID"
	systemKeycloak = "Keycloak"
)

// signs is what an error answer shows of the provider that gave it.
type signs struct {
	system      string // "" for one that is not known
	aadsts      int    // Entra ID's code, 0 for none
	correlation string // Entra ID's
	words       string // what it said, in lower case, without what all errors of its kind say
}

// fositeClient is how every invalid_client of fosite begins, and so of Authelia
// and of newer Pocket IDs.
const (
	fositeClient   = "Client authentication failed" + fositeExamples + "."
	fositeExamples = " (e.g., unknown client, no client authentication included, or unsupported authentication method)"
)

// signs reads the provider off the shape of its error.
func (r reply) signs(m members) signs {
	code, _ := m.text("error")
	description, _ := m.text("error_description")
	said, isFosite := strings.CutPrefix(description, fositeClient)
	s := signs{words: strings.ToLower(r.quote(m, said))}
	switch {
	case m.has("error_codes") || strings.HasPrefix(description, "AADSTS"):
		s.system, s.aadsts = systemEntra, aadsts(m, description)
		id, _ := m.text("correlation_id")
		s.correlation = secret.Line(r.quote(m, id), 40)
	case description == "" && slices.Contains(pocketErrors(), code):
		s.system, s.words = systemPocketID, strings.ToLower(code)
	case isKeycloak(code, description):
		s.system = systemKeycloak
	case isFosite && strings.Contains(said, "OAuth 2.0 client"), r.hasAutheliaHeaders() && saysFosite(description):
		s.system = systemAuthelia
	}
	return s
}

// hasAutheliaHeaders says whether an answer has the headers that Authelia puts on
// all. Proxies put them on the answers of others.
func (r reply) hasAutheliaHeaders() bool {
	return r.header.Get("Permissions-Policy") != "" && r.header.Get("X-Dns-Prefetch-Control") != ""
}

// saysFosite says whether a description begins as those of fosite do, whose fork
// Authelia is built with, or is Authelia's own.
func saysFosite(description string) bool {
	return slices.ContainsFunc([]string{
		"Client authentication failed" + fositeExamples, "The request is missing a required parameter, includes an invalid parameter value",
		"The requested scope is invalid, unknown, or malformed.", "The requested resource is invalid, missing, unknown, or malformed.",
		"The client is not authorized to request a token using this method.", "The jti was already used.",
		"The authorization grant type is not supported by the authorization server",
		"Too many requests. The endpoint is temporarily unavailable.",
	}, func(text string) bool { return strings.HasPrefix(description, text) })
}

// pocketErrors are the errors of Pocket ID up to 2.9, which are sentences.
func pocketErrors() []string {
	return []string{"Invalid client secret", "Client not found", "Client id or secret not provided", "Invalid client assertion", "Grant type not supported"}
}

func isKeycloak(code, description string) bool {
	return code == "Realm does not exist" || code == "invalid_scope" && strings.HasPrefix(description, "Invalid scopes: ") || slices.ContainsFunc([]string{
		"Invalid client or Invalid client credentials", "Client not enabled to retrieve service account",
		"Public client not allowed to retrieve service account", "Client authentication with signed JWT failed",
		"Client authentication with client secret signed JWT failed", "Client certificate does not match", "Invalid client credentials",
		"Bearer-only", "Client disabled",
	}, func(text string) bool { return strings.HasPrefix(description, text) })
}

// aadsts returns Entra ID's number of an error, 0 where it gave none.
func aadsts(m members, description string) int {
	var codes []int
	if json.Unmarshal(m["error_codes"], &codes) == nil && len(codes) > 0 {
		return codes[0]
	}
	digits := regexp.MustCompile(`^AADSTS([0-9]{1,9})`).FindStringSubmatch(description)
	if digits == nil {
		return 0
	}
	n, _ := strconv.Atoi(digits[1]) //nolint:errcheck // digits, and few enough
	return n
}
