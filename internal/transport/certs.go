package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"sync"
)

// certs makes the TLS configuration of a handshake. Certificate files are read
// again when they changed, so that a rotated certificate needs no reload.
type certs struct {
	options TLS
	oldest  string // TLS version
	version string // of HTTP, to be offered
	cas     watched[*x509.CertPool]
	more    watched[*x509.CertPool] // cas beside the system's
	pair    watched[*tls.Certificate]
}

// FileError says that a certificate or key of ours could not be used.
type FileError struct {
	What string
	Err  error
}

func (e *FileError) Error() string { return e.What + ": " + plainTLS(e.Err) }

func (e *FileError) Unwrap() error { return e.Err }

func (c *certs) config(host string) (*tls.Config, error) {
	conf := &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: c.options.InsecureSkipVerify,
		NextProtos:         protocolNames(c.version),
		MinVersion:         versionOf(c.oldest),
	}
	if c.options.ServerName != "" {
		conf.ServerName = c.options.ServerName
	}
	if path := c.options.CAFile; path != "" {
		cas, err := c.cas.get(func() (*x509.CertPool, error) { return readCAs(path) }, path)
		if err != nil {
			return nil, &FileError{What: "read ca_file", Err: err}
		}
		conf.RootCAs = cas
	}
	if c.options.CertFile != "" {
		conf.GetClientCertificate = c.clientCertificate
	}
	return conf, nil
}

// versionOf returns what crypto/tls calls a version of TLS; 1.2 where none is named.
func versionOf(name string) uint16 {
	switch name {
	case "1.0":
		return tls.VersionTLS10
	case "1.1":
		return tls.VersionTLS11
	case "1.3":
		return tls.VersionTLS13
	}
	return tls.VersionTLS12
}

// proxyConfig is for a proxy that is spoken to by TLS: it is always verified,
// because it is given a password, and never shown a certificate of ours. The
// authorities of the target count for it as well as the system's.
func (c *certs) proxyConfig(host string) (*tls.Config, error) {
	conf := &tls.Config{ServerName: host, NextProtos: protocolNames(versionOne), MinVersion: tls.VersionTLS12}
	if path := c.options.CAFile; path != "" {
		cas, err := c.more.get(func() (*x509.CertPool, error) { return addCAs(path) }, path)
		if err != nil {
			return nil, &FileError{What: "read ca_file", Err: err}
		}
		conf.RootCAs = cas
	}
	return conf, nil
}

func (c *certs) clientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := c.pair.get(func() (*tls.Certificate, error) { return ReadPair(c.options.CertFile, c.options.KeyFile) }, c.options.CertFile, c.options.KeyFile)
	if err != nil {
		return nil, &FileError{What: "read the client certificate", Err: err}
	}
	return pair, nil
}

// watched is a value read from files, read again when one of them changed.
type watched[T any] struct {
	mu    sync.Mutex
	held  bool
	value T
	stamp string
}

// get returns the value of the files as they are now. While they cannot be read
// or do not fit together, as in the middle of a rotation, the value from before
// stays in use.
func (w *watched[T]) get(read func() (T, error), paths ...string) (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	stamp := stampOf(paths)
	if w.held && stamp == w.stamp {
		return w.value, nil
	}
	v, err := read()
	if err != nil {
		if w.held {
			return w.value, nil
		}
		return v, err
	}
	w.value, w.stamp, w.held = v, stamp, true
	return v, nil
}

// stampOf changes when one of the files does.
func stampOf(paths []string) string {
	var b strings.Builder
	for _, p := range paths {
		if st, err := os.Stat(p); err == nil {
			fmt.Fprintf(&b, "%d %d;", st.Size(), st.ModTime().UnixNano())
		}
	}
	return b.String()
}
