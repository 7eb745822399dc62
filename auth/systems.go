package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

// bearerScope is what Authelia's gate wants of a token.
const bearerScope = "authelia.bearer.authz"

// system names the exact setting at a provider that is known by its answer, ""
// where that is not clear.
func (s *Source) system(f *finding) string {
	what := ""
	switch f.signs.system {
	case systemAuthelia:
		what = s.authelia(f)
	case systemEntra:
		what = s.entra(f)
	case systemPocketID:
		what = s.pocketID(f)
	case systemKeycloak:
		what = s.keycloak(f)
	}
	if what == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s (credential %q)", f.signs.system, what, s.name)
}

// authelia is about identity_providers.oidc.clients of its configuration.
func (s *Source) authelia(f *finding) string {
	client := fmt.Sprintf("the client with client_id %q", s.o.ClientID)
	switch f.reason {
	case check.ScopeRejected:
		return fmt.Sprintf("add the scopes %q to `scopes` of %s", strings.Join(s.o.Scopes, " "), client)
	case check.AudienceRejected:
		return fmt.Sprintf("add %q to `audience` of %s, to the letter (trailing slash, port)", strings.Join(s.audienceAsked(), " "), client)
	case check.GrantRejected:
		return "add client_credentials to `grant_types` of " + client
	}
	return s.autheliaClient(f, client)
}

func (s *Source) autheliaClient(f *finding, client string) string {
	switch is := s.suspected(f); {
	case s.isBarred(f, is):
		return fmt.Sprintf("no client with the scope %s may prove itself by %s: set auth_method: client_secret_basic, as `token_endpoint_auth_method` of %s, and client_secret", bearerScope, s.o.AuthMethod, client)
	case is == theMethod:
		return fmt.Sprintf("`token_endpoint_auth_method` of %s is not %s: make the two the same", client, s.o.AuthMethod)
	case is.isGeneral() || is == theCertificate || s.o.AuthMethod == methodFederated || s.o.AuthMethod == methodNone:
		return ""
	case s.o.AuthMethod == methodSecretJWT || s.o.AuthMethod == methodKeyJWT:
		return s.autheliaAssertion(f, client, is)
	case f.code == "invalid_client":
		return fmt.Sprintf("compare `client_id` and `client_secret` (a digest of the secret) of %s; `token_endpoint_auth_method` has to be %s", client, s.o.AuthMethod)
	}
	return ""
}

// isBarred says whether the client was refused for a way of proving with which
// Authelia does not start if the client has the scope of its gate.
func (s *Source) isBarred(f *finding, is suspect) bool {
	switch {
	case !slices.Contains(s.o.Scopes, bearerScope) || is.isGeneral():
		return false
	case s.o.AuthMethod == methodPost:
		return is == theMethod || f.code == "invalid_client"
	}
	return s.o.AuthMethod == methodNone
}

func (s *Source) autheliaAssertion(f *finding, client string, is suspect) string {
	switch {
	case s.o.AuthMethod == methodSecretJWT && !s.o.SecretDigest:
		return "it derives the key of the signature from a digest: set secret_digest: true; then compare `token_endpoint_auth_signing_alg` of " + client + " with " + f.sent.algorithm
	case s.o.AuthMethod == methodSecretJWT:
		return fmt.Sprintf("compare `client_secret` ($plaintext$…) and `token_endpoint_auth_signing_alg` (sent: %s) of %s", f.sent.algorithm, client)
	case is == theAlgorithm:
		return fmt.Sprintf("`token_endpoint_auth_signing_alg` of %s has to be %s, or algorithm what stands there", client, f.sent.algorithm)
	}
	return fmt.Sprintf("compare `jwks` or `jwks_uri` (the public key of %s), `token_endpoint_auth_signing_alg` (sent: %s) and the key_id (sent: %s) of %s",
		s.o.PrivateKeyFile, f.sent.algorithm, orNone(f.sent.keyID), client)
}

// pocketID is about the page of an OIDC client in its administration.
func (s *Source) pocketID(f *finding) string {
	switch f.signs.words {
	case "client not found":
		return fmt.Sprintf("there is no client %q: copy the client ID from Administration, OIDC Clients", s.o.ClientID)
	case "invalid client secret":
		return fmt.Sprintf("make a new secret on the page of client %q (Administration, OIDC Clients): the one sent is not its secret", s.o.ClientID)
	case "client id or secret not provided":
		return fmt.Sprintf("switch off Public Client on the page of client %q, and send its secret or a federated assertion", s.o.ClientID)
	case "invalid client assertion":
		if s.o.AuthMethod != methodFederated {
			return "it knows no keys of clients, so auth_method " + s.o.AuthMethod + " cannot be used: use client_secret_basic, or federated with another provider's token"
		}
		return fmt.Sprintf("Federated Client Credentials on the page of client %q have to name the assertion's issuer, subject and audience: it has %s",
			s.o.ClientID, s.foreign(f))
	case "grant type not supported":
		return "client credentials came with version 1.11: update it"
	}
	return ""
}

// keycloak is about the page of a client in its administration console.
func (s *Source) keycloak(f *finding) string {
	client := fmt.Sprintf("Clients, %q", s.o.ClientID)
	words := f.signs.words
	switch is := s.suspected(f); {
	case f.code == "Realm does not exist":
		return fmt.Sprintf("there is no such realm in %s: …/realms/REALM", s.shownPlace())
	case strings.HasPrefix(words, "bearer-only"):
		return client + ", Settings: a bearer-only client gets no tokens: switch off Bearer only (bearerOnly, in an export), and on Client authentication and Service accounts roles"
	case strings.HasPrefix(words, "client disabled"):
		return client + ": it is disabled; switch on Enabled, at the top of its page"
	case s.o.AuthMethod == methodNone && f.reason != check.ScopeRejected:
		return client + ", Settings: switch Client authentication on, or set auth_method and what belongs to it if it is on: a client without proof gets no token"
	case strings.Contains(words, "service account"):
		return client + ", Settings: switch on Client authentication and Service accounts roles"
	case f.reason == check.ScopeRejected:
		return fmt.Sprintf("%s, Client scopes: add %q", client, strings.Join(s.o.Scopes, " "))
	case is.isGeneral() || s.o.AuthMethod == methodFederated:
		return ""
	}
	return s.keycloakProof(f, client+", Credentials: ")
}

// keycloakProof is about how the client is registered to prove itself.
func (s *Source) keycloakProof(f *finding, credentials string) string {
	switch s.o.AuthMethod {
	case methodKeyJWT:
		return fmt.Sprintf("%sClient Authenticator has to be Signed JWT with algorithm %s or any; Keys: the certificate or JWKS URL of %s, with kid %s", credentials, f.sent.algorithm, s.o.PrivateKeyFile, orNone(f.sent.keyID))
	case methodSecretJWT:
		return credentials + "Client Authenticator has to be Signed JWT with Client Secret, with algorithm " + f.sent.algorithm
	case methodTLS, methodSelfSigned:
		return fmt.Sprintf("%sClient Authenticator has to be X509 Certificate, and its Subject DN that of %s", credentials, s.o.TLS.CertFile)
	}
	return credentials + "compare the Client Secret; Client Authenticator has to be Client Id and Secret. An unknown client looks the same"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
