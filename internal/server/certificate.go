package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// pair is the certificate that is shown. Its files are looked at with every
// handshake, so that a renewed certificate needs neither reload nor restart.
type pair struct {
	files TLS
	log   *slog.Logger
	conf  *tls.Config

	mu    sync.Mutex
	cert  *tls.Certificate
	stamp string // of the files as they were read last, for good or ill
}

// newPair reads the files; what is wrong with them is the error.
func newPair(files TLS, log *slog.Logger) (*pair, error) {
	p := &pair{files: files, log: log}
	p.conf = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: p.current}
	stamp := filesOf(files)
	cert, err := readPair(files)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	p.cert, p.stamp = cert, stamp
	return p, nil
}

// current returns the certificate as it is in the files now. While they cannot
// be read or do not fit together, as in the middle of a renewal, the one from
// before stays in use.
func (p *pair) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	stamp := filesOf(p.files)
	if stamp == p.stamp {
		return p.cert, nil
	}
	p.stamp = stamp
	cert, err := readPair(p.files)
	if err != nil {
		p.log.Error("the new certificate cannot be used; the one before stays in use", "error", err, "expires", p.cert.Leaf.NotAfter)
		return p.cert, nil
	}
	p.cert = cert
	p.log.Info("the certificate was read anew", "file", p.files.CertFile, "expires", cert.Leaf.NotAfter)
	return cert, nil
}

// filesOf changes when one of the files does.
func filesOf(f TLS) string {
	var b strings.Builder
	for _, path := range []string{f.CertFile, f.KeyFile} {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&b, "%d %d;", info.Size(), info.ModTime().UnixNano())
		} else {
			b.WriteString("-;")
		}
	}
	return b.String()
}

// readPair returns the pair of the files. The error names the file and says
// what to do, and never holds anything of the key.
func readPair(f TLS) (*tls.Certificate, error) {
	certPEM, err := readFile(f.CertFile)
	if err != nil {
		return nil, err
	}
	keyPEM, err := readFile(f.KeyFile)
	if err != nil {
		return nil, err
	}
	if !holds(certPEM, "CERTIFICATE") {
		return nil, fmt.Errorf("there is no certificate (PEM) in %q", f.CertFile)
	}
	if !holds(keyPEM, "PRIVATE KEY") {
		return nil, fmt.Errorf("there is no private key (PEM) in %q", f.KeyFile)
	}
	if holds(keyPEM, "ENCRYPTED") || strings.Contains(string(keyPEM), "Proc-Type: 4,ENCRYPTED") {
		return nil, fmt.Errorf("the key in %q is encrypted: decrypt it with openssl pkey -in FILE -out FILE, and make it readable to watchword alone", f.KeyFile)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("the key in %q and the certificate in %q do not make a pair: %s; name the two that were made together, the server's own certificate first in its file",
			f.KeyFile, f.CertFile, strings.TrimPrefix(err.Error(), "tls: "))
	}
	if cert.Leaf == nil {
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, fmt.Errorf("the certificate in %q: %w", f.CertFile, err)
		}
	}
	return &cert, nil
}

func readFile(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; is the path right, as the machine or container of watchword sees it?", err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; let the user that watchword runs as read it", err)
	}
	return b, err
}

// holds says whether a PEM file has a block whose type holds a word.
func holds(text []byte, word string) bool {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return false
		}
		if strings.Contains(b.Type, word) {
			return true
		}
	}
}

// CheckTLS says what is wrong with the certificate and key that are to be shown.
func CheckTLS(f TLS) []check.Problem {
	switch {
	case f.CertFile == "" && f.KeyFile == "":
		return nil
	case f.KeyFile == "":
		return []check.Problem{{Path: "tls.cert_file", Message: "a certificate needs key_file as well"}}
	case f.CertFile == "":
		return []check.Problem{{Path: "tls.key_file", Message: "a private key needs cert_file as well"}}
	}
	for _, file := range []struct{ key, path string }{{"cert_file", f.CertFile}, {"key_file", f.KeyFile}} {
		if _, err := readFile(file.path); err != nil {
			return []check.Problem{{Path: "tls." + file.key, Message: err.Error(), File: true}}
		}
	}
	cert, err := readPair(f)
	if err != nil {
		return []check.Problem{{Path: "tls.cert_file", Message: err.Error(), File: true}}
	}
	now := time.Now()
	switch {
	case now.After(cert.Leaf.NotAfter):
		return []check.Problem{{Path: "tls.cert_file", Warning: true, Message: fmt.Sprintf("the certificate in %q expired on %s: browsers will refuse it", f.CertFile, cert.Leaf.NotAfter.UTC().Format(time.DateOnly))}}
	case now.Before(cert.Leaf.NotBefore):
		return []check.Problem{{Path: "tls.cert_file", Warning: true, Message: fmt.Sprintf("the certificate in %q is not valid before %s; is the clock right?", f.CertFile, cert.Leaf.NotBefore.UTC().Format(time.RFC3339))}}
	}
	return nil
}
