package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// CA is a certificate authority that lives as long as the test.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// CertOptions says what a certificate of the [CA] looks like. The zero value
// is good for localhost, 127.0.0.1 and ::1, from an hour ago for 90 days.
type CertOptions struct {
	Names      []string // DNS names and IP addresses
	CommonName string
	NotBefore  time.Time
	NotAfter   time.Time
	// Expired, NotYetValid and WrongName spoil one thing each.
	Expired, NotYetValid, WrongName bool
	// SelfSigned makes a certificate that the CA did not sign.
	SelfSigned bool
}

// Certificate is a certificate with its key, as Go and as files want it.
type Certificate struct {
	TLS     tls.Certificate
	CertPEM []byte
	KeyPEM  []byte
}

// NewCA makes a certificate authority (P-256, valid from a day ago for ten
// years).
func NewCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the CA: %w", err)
	}
	now := time.Now()
	der, err := signCertificate(&x509.Certificate{
		Subject:   pkix.Name{CommonName: "Watchword Lab CA"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:     true, BasicConstraintsValid: true,
	}, nil, key, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse the certificate of the CA: %w", err)
	}
	return &CA{cert: cert, key: key, pem: pemBlock("CERTIFICATE", der)}, nil
}

// PEM returns the CA's own certificate.
func (ca *CA) PEM() []byte { return ca.pem }

// Pool returns a pool that trusts the CA alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Write puts the CA's certificate into dir/ca.pem and returns that path.
func (ca *CA) Write(dir string) (string, error) {
	path := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(path, ca.pem, 0o600); err != nil {
		return "", fmt.Errorf("write the certificate of the CA: %w", err)
	}
	return path, nil
}

// Server makes a certificate for a server.
func (ca *CA) Server(o CertOptions) (*Certificate, error) {
	return ca.issue(o, x509.ExtKeyUsageServerAuth)
}

// Client makes a certificate for a client; its CommonName is "lab-client"
// when not given.
func (ca *CA) Client(o CertOptions) (*Certificate, error) {
	o.CommonName = cmpOr(o.CommonName, "lab-client")
	return ca.issue(o, x509.ExtKeyUsageClientAuth)
}

func (ca *CA) issue(o CertOptions, use x509.ExtKeyUsage) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	leaf := o.template()
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{use}
	parent, signer := ca.cert, ca.key
	if o.SelfSigned {
		parent, signer = nil, key
	}
	der, err := signCertificate(leaf, parent, key, signer)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("marshal a key: %w", err)
	}
	c := &Certificate{CertPEM: pemBlock("CERTIFICATE", der), KeyPEM: pemBlock("PRIVATE KEY", keyDER)}
	c.TLS, err = tls.X509KeyPair(c.CertPEM, c.KeyPEM)
	if err != nil {
		return nil, fmt.Errorf("pair certificate and key: %w", err)
	}
	return c, nil
}

func (o CertOptions) template() *x509.Certificate {
	now := time.Now()
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: cmpOr(o.CommonName, "lab")},
		NotBefore: orTime(o.NotBefore, now.Add(-time.Hour)), NotAfter: orTime(o.NotAfter, now.AddDate(0, 0, 90)),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	switch {
	case o.Expired:
		t.NotBefore, t.NotAfter = now.AddDate(0, 0, -90), now.Add(-time.Hour)
	case o.NotYetValid:
		t.NotBefore, t.NotAfter = now.Add(time.Hour), now.AddDate(0, 0, 90)
	}
	names := o.Names
	if len(names) == 0 {
		names = []string{"localhost", "127.0.0.1", "::1"}
	}
	if o.WrongName {
		names = []string{"wrong.example.test"}
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		t.DNSNames = append(t.DNSNames, name)
	}
	return t
}

// ServerConfig returns a configuration that shows the certificate.
func (c *Certificate) ServerConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.TLS}, MinVersion: tls.VersionTLS12}
}

// Write puts NAME.crt and NAME.key into dir and returns their paths.
func (c *Certificate) Write(dir, name string) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := os.WriteFile(certFile, c.CertPEM, 0o600); err != nil {
		return "", "", fmt.Errorf("write certificate %q: %w", name, err)
	}
	if err := os.WriteFile(keyFile, c.KeyPEM, 0o600); err != nil {
		return "", "", fmt.Errorf("write key %q: %w", name, err)
	}
	return certFile, keyFile, nil
}

func signCertificate(t, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	t.SerialNumber = serial
	if parent == nil {
		parent = t
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate %q: %w", t.Subject.CommonName, err)
	}
	return der, nil
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func orTime(t, or time.Time) time.Time {
	if t.IsZero() {
		return or
	}
	return t
}
