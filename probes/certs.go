package probes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
)

const certRunes = 200 // of a name in a certificate

// chainOf describes the chain of a connection: the verified one, of several the
// one that lasts longest; what the server sent where nothing was verified. An
// unchanged leaf gives the Chain of the last run again.
func (p *HTTP) chainOf(s *tls.ConnectionState) *check.Chain {
	if s == nil || len(s.PeerCertificates) == 0 {
		return nil
	}
	leaf := s.PeerCertificates[0]
	print := fingerprint(leaf)
	first := earliest(s.PeerCertificates)
	for i, chain := range s.VerifiedChains {
		if c := earliest(chain); i == 0 || c.NotAfter.After(first.NotAfter) {
			first = c
		}
	}
	verified := len(s.VerifiedChains) > 0
	if last := p.chain.Load(); last != nil && last.Verified == verified && last.Fingerprint == string(print[:]) && last.NotAfter.Equal(first.NotAfter) {
		return last
	}
	c := &check.Chain{
		Fingerprint: string(print[:]), Name: nameOf(leaf), Subject: line(leaf.Subject.String()), Issuer: line(leaf.Issuer.String()),
		NotBefore: leaf.NotBefore, NotAfter: first.NotAfter, Verified: verified,
	}
	if !first.Equal(leaf) {
		print := fingerprint(first)
		c.Ending = &check.Certificate{
			Fingerprint: string(print[:]), Subject: line(first.Subject.String()), Issuer: line(first.Issuer.String()),
			NotBefore: first.NotBefore, NotAfter: first.NotAfter,
		}
	}
	p.chain.Store(c)
	return c
}

func line(s string) string { return secret.Line(s, certRunes) }

// fingerprint is SHA-256 in hex, without an allocation: it is worked out at
// every run.
func fingerprint(c *x509.Certificate) (print [2 * sha256.Size]byte) {
	sum := sha256.Sum256(c.Raw)
	hex.Encode(print[:], sum[:])
	return print
}

func nameOf(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return line(c.Subject.CommonName)
	case len(c.DNSNames) > 0:
		return line(c.DNSNames[0])
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	default:
		return "without a name"
	}
}

// earliest returns the certificate that ends first, of several the one nearest
// to the leaf.
func earliest(chain []*x509.Certificate) *x509.Certificate {
	first := chain[0]
	for _, c := range chain[1:] {
		if c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	return first
}
