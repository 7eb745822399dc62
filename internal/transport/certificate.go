package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

// ofCertificate judges a certificate that was not accepted.
func ofCertificate(err error) *verdict {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired && e.Cert != nil {
		return outOfDate(e.Cert, sentBy(err))
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return &verdict{check.TLS, check.CertificateHostname, wrongName(e)}
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return &verdict{check.TLS, check.CertificateUntrusted, untrusted(leafOf(e, err), sentBy(err))}
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &verdict{check.TLS, check.CertificateUntrusted, notAccepted(e)}
	}
	if e, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return &verdict{check.TLS, check.CertificateUntrusted, "no system certificates to trust: " + plainTLS(e)}
	}
	return nil
}

// notAccepted is a certificate that was made for something else.
func notAccepted(e *tls.CertificateVerificationError) string {
	which := "the certificate"
	if sent := e.UnverifiedCertificates; len(sent) > 0 {
		which = dated(sent[0])
	}
	return which + " is not accepted: " + plainTLS(e.Err)
}

// dated names a certificate and says how long it lasts.
func dated(c *x509.Certificate) string {
	return fmt.Sprintf("the certificate %q (valid until %s)", commonName(c), day(c.NotAfter))
}

// sentBy returns the certificates that the server sent, its own first.
func sentBy(err error) []*x509.Certificate {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e.UnverifiedCertificates
	}
	return nil
}

// leafOf returns the certificate that the server showed as its own; the error may
// hold one of its chain.
func leafOf(e x509.UnknownAuthorityError, err error) *x509.Certificate {
	if sent := sentBy(err); len(sent) > 0 {
		return sent[0]
	}
	return e.Cert
}

// outOfDate says which certificate it is, and when. How far from now that is
// stands nowhere: the text is kept with an incident, and would grow untrue.
func outOfDate(c *x509.Certificate, sent []*x509.Certificate) *verdict {
	which := fmt.Sprintf("the certificate %q", commonName(c))
	if len(sent) > 0 && !c.Equal(sent[0]) {
		which = fmt.Sprintf("the certificate of the authority %q, which signed for %q,", commonName(c), commonName(sent[0]))
	}
	if time.Now().Before(c.NotBefore) {
		return &verdict{check.TLS, check.CertificateNotYetValid, fmt.Sprintf("%s is not valid before %s", which, day(c.NotBefore))}
	}
	return &verdict{check.TLS, check.CertificateExpired, fmt.Sprintf("%s expired on %s", which, day(c.NotAfter))}
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }

const namesShown = 3 // of a certificate for another name

func wrongName(e x509.HostnameError) string {
	var names []string
	for _, name := range e.Certificate.DNSNames {
		names = append(names, secret.Line(name, nameRunes))
	}
	for _, ip := range e.Certificate.IPAddresses {
		names = append(names, ip.String())
	}
	switch n := len(names); {
	case n == 0:
		return fmt.Sprintf("%s names no host that counts (no subject alternative name); asked for %s", dated(e.Certificate), e.Host)
	case n > namesShown:
		return fmt.Sprintf("%s is not for %s but for %s and %d more", dated(e.Certificate), e.Host, strings.Join(names[:namesShown], ", "), n-namesShown)
	default:
		return fmt.Sprintf("%s is not for %s but for %s", dated(e.Certificate), e.Host, strings.Join(names, ", "))
	}
}

// untrusted says where the chain of a certificate ends without anybody we trust.
func untrusted(leaf *x509.Certificate, sent []*x509.Certificate) string {
	const what = "%s is signed by an unknown authority: "
	switch last := top(leaf, sent); {
	case last == nil:
		return "the certificate is signed by an unknown authority"
	case selfSigned(leaf):
		return fmt.Sprintf("%s is self-signed, and nobody we trust stands behind it", dated(leaf))
	case selfSigned(last):
		return fmt.Sprintf(what+"%q, which the server sent along and we do not trust", dated(leaf), commonName(last))
	case last.Equal(leaf):
		return fmt.Sprintf(what+"%q, whose certificate the server did not send", dated(leaf), issuerName(leaf))
	default:
		return fmt.Sprintf(what+"%q, by way of %q", dated(leaf), issuerName(last), commonName(last))
	}
}

// top follows what the server sent from its certificate upwards, as far as it
// goes.
func top(leaf *x509.Certificate, sent []*x509.Certificate) *x509.Certificate {
	last := leaf
	for range sent {
		if last == nil || selfSigned(last) {
			break
		}
		i := slices.IndexFunc(sent, func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, last.RawIssuer) && !c.Equal(last) })
		if i < 0 {
			break
		}
		last = sent[i]
	}
	return last
}

func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// CertificateHint says what to do about a certificate that nobody vouches for, ""
// for any other error. at is the host and port that showed it.
func CertificateHint(err error, at string) string {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalidHint(e, sentBy(err), at)
	}
	e, ok := errors.AsType[x509.UnknownAuthorityError](err)
	if !ok {
		return ""
	}
	leaf, sent := leafOf(e, err), sentBy(err)
	last := top(leaf, sent)
	switch {
	case last == nil:
		return ""
	case selfSigned(leaf):
		return fmt.Sprintf("is it %s's own and meant to be? then save it as PEM and name it by tls: {ca_file: …}; else look at which certificate %s has loaded", at, at)
	case selfSigned(last):
		return fmt.Sprintf("a private authority needs its certificate in tls: {ca_file: …}: that of %q", commonName(last))
	case last.Equal(leaf):
		return fmt.Sprintf("if %q is an intermediate of a public authority, %s has to send its certificate too (the file that is called fullchain); if it is a private authority, name its certificate by tls: {ca_file: …}", issuerName(leaf), at)
	}
	return fmt.Sprintf("a private authority needs the certificate of %q in tls: {ca_file: …}; of a public one, another intermediate may be missing at %s", issuerName(last), at)
}

// invalidHint is for a chain that is broken above the server's own certificate,
// "" where that is what expired.
func invalidHint(e x509.CertificateInvalidError, sent []*x509.Certificate, at string) string {
	switch {
	case e.Reason != x509.Expired:
		return "the certificate of " + at + ", or of an authority over it, was issued for another use or another name: look at its extensions, and have it issued anew"
	case e.Cert == nil || len(sent) == 0 || e.Cert.Equal(sent[0]) || time.Now().Before(e.Cert.NotBefore):
		return ""
	case selfSigned(e.Cert):
		return fmt.Sprintf("the root %q is over, and a new certificate of %s under it does not help: take one of another authority, or trust the newer root, by tls: {ca_file: …}", commonName(e.Cert), at)
	}
	return fmt.Sprintf("the certificate of %s itself lasts until %s: have it send the newer certificate of %q along (the file that is called fullchain), and load it", at, day(sent[0].NotAfter), commonName(e.Cert))
}

const nameRunes = 60 // of a name in a certificate

func issuerName(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return secret.Line(c.Issuer.CommonName, nameRunes)
	}
	return secret.Line(c.Issuer.String(), nameRunes)
}

func commonName(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return secret.Line(c.Subject.CommonName, nameRunes)
	case len(c.DNSNames) > 0:
		return secret.Line(c.DNSNames[0], nameRunes)
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return secret.Line(c.Subject.String(), nameRunes)
}
