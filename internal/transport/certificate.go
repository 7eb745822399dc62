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
		return &verdict{check.TLS, check.CertificateUntrusted, "the certificate is not accepted: " + plainTLS(e.Err)}
	}
	if e, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return &verdict{check.TLS, check.CertificateUntrusted, "no system certificates to trust: " + plainTLS(e)}
	}
	return nil
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
		return fmt.Sprintf("the certificate %q names no host that counts (no subject alternative name); asked for %s", commonName(e.Certificate), e.Host)
	case n > namesShown:
		return fmt.Sprintf("the certificate is not for %s but for %s and %d more", e.Host, strings.Join(names[:namesShown], ", "), n-namesShown)
	default:
		return fmt.Sprintf("the certificate is not for %s but for %s", e.Host, strings.Join(names, ", "))
	}
}

// untrusted says where the chain of a certificate ends without anybody we trust.
func untrusted(leaf *x509.Certificate, sent []*x509.Certificate) string {
	const what = "the certificate %q is signed by an unknown authority: "
	switch last := top(leaf, sent); {
	case last == nil:
		return "the certificate is signed by an unknown authority"
	case selfSigned(leaf):
		return fmt.Sprintf("the certificate %q is self-signed, and nobody we trust stands behind it", commonName(leaf))
	case selfSigned(last):
		return fmt.Sprintf(what+"%q, which the server sent along and we do not trust", commonName(leaf), commonName(last))
	case last.Equal(leaf):
		return fmt.Sprintf(what+"%q, whose certificate the server did not send", commonName(leaf), issuerName(leaf))
	default:
		return fmt.Sprintf(what+"%q, by way of %q", commonName(leaf), issuerName(last), commonName(last))
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
