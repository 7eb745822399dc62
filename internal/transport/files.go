package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/machine"
)

// readCAs reads the authorities to trust. The error says which file and what to
// do.
func readCAs(path string) (*x509.CertPool, error) { return appendCAs(x509.NewCertPool(), path) }

// addCAs is readCAs with the authorities that the system trusts.
func addCAs(path string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	return appendCAs(pool, path)
}

func appendCAs(pool *x509.CertPool, path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New(machine.Unusable(path, "read", err))
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate but %s: the certificate of the authority is wanted, in PEM", path, holds(text))
	}
	return pool, nil
}

// ReadPair reads a certificate and its key, of a client or of a server. The
// error is a *PairError, and never holds anything of the key.
func ReadPair(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, &PairError{Key: "cert_file", Text: machine.Unusable(certFile, "read", err)}
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, &PairError{Key: "key_file", Text: machine.Unusable(keyFile, "read", err)}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		e := &PairError{Judged: true}
		e.Key, e.Text = broken(certFile, keyFile, cert, key, err)
		return nil, e
	}
	return &pair, nil
}

// PairError says what is wrong with one of the two files of a pair, and what to
// do.
type PairError struct {
	Key    string // cert_file or key_file
	Text   string
	Judged bool // both were read, and what is in them is wrong
}

func (e *PairError) Error() string { return e.Text }

// broken says which of the two files is to blame where they make no pair.
func broken(certFile, keyFile string, cert, key []byte, err error) (which, text string) {
	switch c, k := holds(cert), holds(key); {
	case c == aKey && k == aCertificate:
		return "cert_file", "cert_file and key_file are swapped: " + certFile + " holds the key"
	case c != aCertificate:
		return "cert_file", fmt.Sprintf("%s holds no certificate but %s: a certificate is wanted, in PEM", certFile, c)
	case k == anEncryptedKey:
		return "key_file", keyFile + " is encrypted, and nobody is there to type its passphrase: store it without (openssl pkey -in OLD -out NEW), and chmod 600"
	case k != aKey:
		return "key_file", fmt.Sprintf("%s holds no private key but %s: the key of %s is wanted, in PEM", keyFile, k, certFile)
	case strings.Contains(err.Error(), "private key does not match"):
		return "key_file", fmt.Sprintf("%s is not the key of the certificate in %s (of several, the first): one of the two is of another pair, as after half a renewal", keyFile, certFile)
	case strings.Contains(err.Error(), "private key"):
		return "key_file", keyFile + " is damaged: " + plainTLS(err)
	}
	return "cert_file", certFile + " is damaged: " + plainTLS(err)
}

const (
	aCertificate   = "a certificate"
	aKey           = "a private key"
	anEncryptedKey = "an encrypted private key"
)

// holds says what the first block of PEM in a file is, or why there is none.
func holds(text []byte) string {
	block, _ := pem.Decode(text)
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "nothing"
	case block == nil:
		return "no PEM (\"-----BEGIN …\") at all"
	case block.Type == "CERTIFICATE":
		return aCertificate
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
		return anEncryptedKey
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return aKey
	case block.Type == "EC PARAMETERS" && bytes.Contains(text, []byte("PRIVATE KEY-----")):
		return aKey // as older openssl writes it
	}
	return fmt.Sprintf("%q", block.Type)
}

// CheckPair says what is wrong with a certificate and its key; which names the
// certificate: "the client certificate". They stand in a
// section tls.
func CheckPair(which, certFile, keyFile string) []check.Problem {
	pair, err := ReadPair(certFile, keyFile)
	if e, ok := errors.AsType[*PairError](err); ok {
		return []check.Problem{{Path: "tls." + e.Key, Message: e.Text, File: true}}
	}
	return outlived("tls.cert_file", which+" in "+certFile, pair.Leaf)
}

func checkCAs(path string) []check.Problem {
	if _, err := readCAs(path); err != nil {
		return []check.Problem{{Path: "tls.ca_file", Message: err.Error()}}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var dead []check.Problem
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		late := outlived("tls.ca_file", "the authority in "+path, c)
		if late == nil { // one that is good will do
			return nil
		}
		dead = late
	}
	return dead
}

// outlived warns of a certificate that is no longer, or not yet, valid by the
// clock of this machine.
func outlived(key, which string, c *x509.Certificate) []check.Problem {
	now, at := time.Now(), func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	text := ""
	switch {
	case now.After(c.NotAfter):
		text = fmt.Sprintf("%s expired on %s and will be refused: renew it", which, at(c.NotAfter))
	case now.Before(c.NotBefore):
		text = fmt.Sprintf("%s is not valid before %s, and the clock of this machine says %s: is the clock right?", which, at(c.NotBefore), at(now))
	default:
		return nil
	}
	return []check.Problem{{Path: key, Message: text, Warning: true}}
}
