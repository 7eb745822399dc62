package auth

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// proof is how one request shows who asks, beside the secret itself.
type proof struct {
	assertion string // client_assertion, "" for none
	sent      sent
}

// sent is what may be told of a request: nothing that gives anybody anything.
type sent struct {
	to        string // the token endpoint, as it was asked
	algorithm string // of an assertion of ours
	chosen    bool   // it is not the usual one of its key
	audience  string // of an assertion
	keyID     string
	issued    time.Time
	expires   time.Time // of an assertion, or a TLS certificate
	party     string    // whose certificate or foreign assertion it was: subject and issuer
	thumb     string    // the thumbprints in the header of an assertion
}

// prove makes what a request to an endpoint needs beside what was revealed.
func (s *Source) prove(r revealed, to string) (proof, error) {
	p := proof{sent: sent{to: to}}
	aud := to
	if s.o.AssertionAudience != "" {
		aud = s.o.AssertionAudience
	}
	var a assertion
	var err error
	switch s.o.AuthMethod {
	case methodSecretJWT:
		a, err = signSecret(s.o, r.secret, aud)
	case methodKeyJWT:
		a, err = s.signWithKey(r, aud)
		p.sent.keyID, p.sent.thumb = s.o.KeyID, s.thumbs()
	case methodFederated:
		p.assertion = r.assertion
		p.sent.foreign(r.assertion)
		return p, nil
	case methodTLS, methodSelfSigned:
		p.sent.certificate(r)
		return p, nil
	}
	p.assertion = a.text
	p.sent.algorithm, p.sent.chosen, p.sent.audience, p.sent.issued, p.sent.expires = a.algorithm, a.chosen, a.audience, a.issued, a.expires
	return p, err
}

func (s *Source) signWithKey(r revealed, aud string) (assertion, error) {
	key, err := keyOf(s.o.PrivateKeyFile, r.files["private_key_file"])
	if err != nil {
		return assertion{}, err
	}
	var cert *x509.Certificate
	if s.o.CertificateFile != "" {
		if cert, err = certificateOf(s.o.CertificateFile, r.files["certificate_file"], key); err != nil {
			return assertion{}, err
		}
	}
	return signKey(s.o, key, cert, aud)
}

func (s *Source) thumbs() string {
	switch {
	case s.o.CertificateFile == "":
		return ""
	case s.o.Thumbprint == thumbprintSHA1:
		return "x5t#S256 and x5t"
	}
	return "x5t#S256"
}

// foreign reads what the assertion of another provider says of itself.
func (t *sent) foreign(jwt string) {
	c := claimsOf(jwt)
	if c == nil {
		return
	}
	t.party = fmt.Sprintf("sub %q of iss %q", c.Subject, c.Issuer)
	t.expires = c.Expires
	for i, a := range c.Audience {
		if i > 0 {
			t.audience += " "
		}
		t.audience += a
	}
}

// certificate reads the client certificate that the handshake shows if it is
// asked for one.
func (t *sent) certificate(r revealed) {
	pair, err := tls.X509KeyPair(r.files["tls.cert_file"], r.files["tls.key_file"])
	if err != nil || pair.Leaf == nil {
		return // half a renewal: the handshake shows the pair from before
	}
	t.party = fmt.Sprintf("%q issued by %q", pair.Leaf.Subject, pair.Leaf.Issuer)
	t.expires = pair.Leaf.NotAfter
}

// outcome is what one token request brought: a token or a finding.
type outcome struct {
	token   *token
	finding *finding
	print   fingerprint // of the secrets that were used
	sent    sent
}
