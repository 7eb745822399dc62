package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// ofCertificate judges a certificate that was not accepted.
func ofCertificate(err error) *verdict {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired && e.Cert != nil {
		return outOfDate(e.Cert, leafOf(err))
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return &verdict{check.TLS, check.CertificateHostname, wrongName(e)}
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return &verdict{check.TLS, check.CertificateUntrusted, "the certificate is signed by an unknown authority" + issuer(e.Cert)}
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &verdict{check.TLS, check.CertificateUntrusted, "the certificate is not accepted: " + plainTLS(e.Err)}
	}
	if e, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return &verdict{check.TLS, check.CertificateUntrusted, "no system certificates to trust: " + plainTLS(e)}
	}
	return nil
}

func leafOf(err error) *x509.Certificate {
	e, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(e.UnverifiedCertificates) == 0 {
		return nil
	}
	return e.UnverifiedCertificates[0]
}

func outOfDate(c, leaf *x509.Certificate) *verdict {
	which := "the certificate"
	if leaf != nil && !c.Equal(leaf) {
		which = fmt.Sprintf("the certificate of the authority %q", commonName(c))
	}
	now := time.Now()
	if now.Before(c.NotBefore) {
		return &verdict{check.TLS, check.CertificateNotYetValid,
			fmt.Sprintf("%s is not valid before %s", which, c.NotBefore.UTC().Format(time.RFC3339))}
	}
	return &verdict{check.TLS, check.CertificateExpired,
		fmt.Sprintf("%s expired on %s", which, c.NotAfter.UTC().Format(time.RFC3339))}
}

func wrongName(e x509.HostnameError) string {
	names := append([]string{}, e.Certificate.DNSNames...)
	for _, ip := range e.Certificate.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("the certificate names no host; asked for %s", e.Host)
	}
	return fmt.Sprintf("the certificate is not for %s but for %s", e.Host, strings.Join(names, ", "))
}

func issuer(c *x509.Certificate) string {
	switch {
	case c == nil:
		return ""
	case c.Issuer.String() == c.Subject.String():
		return fmt.Sprintf(" (self-signed, %q)", commonName(c))
	default:
		return fmt.Sprintf(" (%q)", c.Issuer.CommonName)
	}
}

func commonName(c *x509.Certificate) string {
	if c.Subject.CommonName == "" && len(c.DNSNames) > 0 {
		return c.DNSNames[0]
	}
	return c.Subject.CommonName
}
