package probes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// chainOf describes the chain of a connection: the verified one, of several the
// one that lasts longest; what the server sent where nothing was verified. An
// unchanged leaf gives the Chain of the last run again.
func (p *HTTP) chainOf(s *tls.ConnectionState) *check.Chain {
	if s == nil || len(s.PeerCertificates) == 0 {
		return nil
	}
	leaf := s.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	var print [2 * sha256.Size]byte
	hex.Encode(print[:], sum[:])
	ends := earliest(s.PeerCertificates)
	if len(s.VerifiedChains) > 0 {
		ends = time.Time{}
		for _, chain := range s.VerifiedChains {
			if e := earliest(chain); e.After(ends) {
				ends = e
			}
		}
	}
	if last := p.chain.Load(); last != nil && last.Fingerprint == string(print[:]) && last.NotAfter.Equal(ends) {
		return last
	}
	c := &check.Chain{Fingerprint: string(print[:]), Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(),
		NotBefore: leaf.NotBefore, NotAfter: ends}
	p.chain.Store(c)
	return c
}

func earliest(chain []*x509.Certificate) time.Time {
	ends := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(ends) {
			ends = c.NotAfter
		}
	}
	return ends
}
