package auth

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

// codeCertificate stands for an OAuth error where the handshake refused the
// client certificate.
const codeCertificate = "client_certificate"

// suspect is what about the client was refused.
type suspect int

const (
	unknown suspect = iota
	theMethod
	theSecret
	theSecretsAge
	theJTI
	theClock
	theAudience
	theAlgorithm
	theKey
	theCertificate
)

// isGeneral says whether what was refused is mended the same way at every
// provider.
func (s suspect) isGeneral() bool {
	return s == theJTI || s == theClock || s == theAudience || s == theSecretsAge
}

// accused tells from the words of the provider what it did not like.
func (g signs) accused() suspect {
	for _, s := range []struct {
		words string
		is    suspect
	}{
		{`token_endpoint_auth_method|authentication method`, theMethod},
		{`secret.*expired|expired.*secret`, theSecretsAge},
		{`\bjti\b|replay|reuse|already used`, theJTI},
		{`\baud\b|audience`, theAudience},
		{`expired|not active|not yet|\bexp\b|\bnbf\b|\biat\b|issued in the future|time range`, theClock},
		{`\balg\b|algorithm|signing_alg`, theAlgorithm},
		{`certificate|x5t|thumbprint`, theCertificate},
		{`signature|public key|\bkid\b|jwks|\bkey\b`, theKey},
		{`secret`, theSecret},
	} {
		if regexp.MustCompile(s.words).MatchString(g.words) {
			return s.is
		}
	}
	return unknown
}

// suspected tells what was probably refused: by the words of the provider, and
// where it keeps its reasons to itself by what is known of the request.
func (s *Source) suspected(f *finding) suspect {
	is := f.signs.accused()
	if f.code == "jti_known" {
		is = theJTI
	}
	if !s.has(is) {
		is = unknown
	}
	if is != unknown && is != theKey && is != theSecret {
		return is
	}
	if known := s.deduced(f); known != unknown {
		return known
	}
	if is == unknown && s.o.AuthMethod == methodKeyJWT {
		return theKey
	}
	return is
}

// has says whether this client has what is suspected: who sends no assertion
// need not look at one, whatever the words of the provider.
func (s *Source) has(is suspect) bool {
	switch is {
	case theJTI, theClock:
		return s.asserts()
	case theAlgorithm:
		return slices.Contains(signing(), s.o.AuthMethod)
	case theKey:
		return s.o.AuthMethod == methodKeyJWT
	case theCertificate:
		return slices.Contains(byCertificate(), s.o.AuthMethod) || s.o.CertificateFile != "" || s.o.TLS.CertFile != ""
	}
	return true
}

// asserts says whether the client proves itself by an assertion.
func (s *Source) asserts() bool {
	return s.o.AuthMethod == methodFederated || slices.Contains(signing(), s.o.AuthMethod)
}

// deduced tells what is odd about the request itself.
func (s *Source) deduced(f *finding) suspect {
	switch {
	case f.ahead != nil && f.ahead.Abs() > machine.Apart && f.sent.audience != "":
		return theClock
	case slices.Contains(byCertificate(), s.o.AuthMethod):
		return theCertificate
	case !slices.Contains(signing(), s.o.AuthMethod):
		return unknown
	case s.o.AssertionAudience != "" && !s.isProvider(s.o.AssertionAudience, f):
		return theAudience
	case s.isOdd(f.sent):
		return theAlgorithm
	}
	return unknown
}

// isProvider says whether an audience is one that providers take: the token
// endpoint or the issuer.
func (s *Source) isProvider(audience string, f *finding) bool {
	return audience == f.sent.to || strings.TrimRight(audience, "/") == strings.TrimRight(s.o.Issuer, "/") ||
		strings.TrimRight(audience, "/") == s.provider
}

// isOdd says whether an assertion was signed in a way that the provider does not
// list, or that is not usual for the key.
func (s *Source) isOdd(t sent) bool {
	if s.found == nil {
		return t.chosen
	}
	m := s.found.held()
	return t.chosen || m != nil && m.Algorithms != nil && !slices.Contains(m.Algorithms, t.algorithm)
}

// rejected says what to compare where the client was refused.
func (s *Source) rejected(f *finding) string {
	if h := s.system(f); h != "" {
		return h
	}
	entry := s.entry()
	switch s.suspected(f) {
	case theMethod:
		return entry + fmt.Sprintf(": it is registered for another auth_method than %s", s.o.AuthMethod)
	case theSecretsAge:
		return fmt.Sprintf("make a new secret for client %q at %s and put it where credential %q takes its own from; it is read anew for every request", s.o.ClientID, s.host, s.name)
	case theJTI:
		return entry + ": each assertion has a jti of its own and is sent once; does a proxy before the provider send requests again?"
	case theClock:
		return s.clockHint(f)
	case theAudience:
		return entry + ": " + s.audienceHint(f)
	case theAlgorithm:
		return entry + fmt.Sprintf(": the assertion is signed with %s; set algorithm to what the entry says, then compare the keys", f.sent.algorithm)
	case theKey:
		return entry + ": " + s.keyHint(f)
	case theCertificate:
		return entry + ": " + s.certificateHint(f)
	}
	return s.rejectedFor(f, entry)
}

func (s *Source) entry() string {
	return fmt.Sprintf("compare credential %q with the entry of client %q at %s", s.name, s.o.ClientID, s.host)
}

// rejectedFor is about a refusal without a clue, by the way the client proves
// itself.
func (s *Source) rejectedFor(f *finding, entry string) string {
	if f.code == "invalid_request" && (s.o.AuthMethod == methodBasic || s.o.AuthMethod == methodPost) {
		return entry + fmt.Sprintf(": the secret (line end? special characters: `basic_encoding`), auth_method %s, `params`, and whether %s is its public address", s.o.AuthMethod, s.TokenURL())
	}
	switch s.o.AuthMethod {
	case methodSecretJWT:
		return entry + fmt.Sprintf(": the secret, auth_method client_secret_jwt with %s, and secret_digest (now %t; Authelia wants true)", f.sent.algorithm, s.o.SecretDigest)
	case methodFederated:
		return entry + fmt.Sprintf(": it has to trust what the assertion says, and know the keys of its issuer; it has %s", s.foreign(f))
	case methodNone:
		return entry + ": the provider wants the client to prove itself; set auth_method and what belongs to it"
	}
	return entry + fmt.Sprintf(": wrong secret, unknown client and an auth_method other than %s all look like this", s.o.AuthMethod)
}

// staleness says that a foreign assertion has expired by its own words.
func (s *Source) staleness(f *finding) string {
	if f.sent.expires.IsZero() || f.sent.expires.After(time.Now()) {
		return ""
	}
	return fmt.Sprintf("; it expired on %s, so look at who writes %s", f.sent.expires.UTC().Format(time.RFC3339), s.o.AssertionFile)
}

// foreign tells what the assertion of another provider says of itself.
func (s *Source) foreign(f *finding) string {
	if f.sent.party == "" {
		return fmt.Sprintf("no claims that can be read: does %s hold a JWT?", s.o.AssertionFile)
	}
	aud := "no aud"
	if f.sent.audience != "" {
		aud = fmt.Sprintf("aud %q", f.sent.audience)
	}
	return f.sent.party + ", " + aud + s.staleness(f)
}

// audienceHint is about the audience of the assertion, and of the token where
// there is none.
func (s *Source) audienceHint(f *finding) string {
	asked := s.audienceAsked()
	switch {
	case s.o.AuthMethod == methodFederated:
		return fmt.Sprintf("who writes %s has to ask for the audience that the provider wants; it has %s", s.o.AssertionFile, s.foreign(f))
	case s.asserts():
		return fmt.Sprintf("the assertion is made out for %q; set assertion_audience to what the provider wants, mostly its token endpoint or its issuer", f.sent.audience)
	case len(asked) == 0:
		return "no audience is asked for: set `audience` or `resource` to what the client may have"
	}
	return fmt.Sprintf("the client may not have the audience %q: allow it there, to the letter, or change `audience` or `resource`", strings.Join(asked, " "))
}

func (s *Source) keyHint(f *finding) string {
	kid := "no kid"
	if f.sent.keyID != "" {
		kid = fmt.Sprintf("kid %q", f.sent.keyID)
	}
	return fmt.Sprintf("the public key of %s has to be registered there for %s, under %s; auth_method has to be private_key_jwt", s.o.PrivateKeyFile, f.sent.algorithm, kid)
}

func (s *Source) certificateHint(f *finding) string {
	if s.o.CertificateFile != "" {
		return fmt.Sprintf("the certificate in %s has to be registered there; its %s is sent", s.o.CertificateFile, f.sent.thumb)
	}
	shown := "the certificate in " + s.o.TLS.CertFile
	if f.sent.party != "" {
		shown += ", " + f.sent.party + ","
	}
	if !f.sent.expires.IsZero() && f.sent.expires.Before(time.Now()) {
		return fmt.Sprintf("%s expired on %s: renew it", shown, f.sent.expires.UTC().Format(time.RFC3339))
	}
	what := "its subject has to be the one registered there, and its authority one that the provider trusts"
	if s.o.AuthMethod == methodSelfSigned {
		what = "it has to be in the jwks (x5c) registered there"
	}
	return shown + " was refused, or did not get there: " + what + "; a proxy that ends TLS before the provider has to pass it on"
}

func (s *Source) clockHint(f *finding) string {
	if apart := s.apart(f.ahead); apart != "" {
		return "an assertion looks expired or not yet valid there: " + apart
	}
	if s.o.AuthMethod == methodFederated {
		return s.entry() + ": the time of the assertion was refused" + s.staleness(f)
	}
	return fmt.Sprintf("the time of the assertion was refused (iat %s, exp %s): compare the clocks of this machine and of %s, and set both by NTP",
		f.sent.issued.UTC().Format(time.RFC3339), f.sent.expires.UTC().Format(time.RFC3339), s.host)
}

// isRefusal says whether a reason is one for which the provider's own settings
// are to be named.
func isRefusal(r check.Reason) bool {
	switch r {
	case check.ClientRejected, check.ScopeRejected, check.AudienceRejected, check.GrantRejected:
		return true
	}
	return false
}
