package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

// lookEvery is how often the files of the certificate are looked at while
// nobody connects.
const lookEvery = time.Minute

// pair is the certificate that is shown. refresh reads its files again, so that
// a renewed certificate needs neither reload nor restart; no handshake waits for
// the disk.
type pair struct {
	files TLS
	log   *slog.Logger
	conf  *tls.Config
	cert  atomic.Pointer[tls.Certificate]

	// of refresh alone, which is called by one goroutine
	stamp string // of the files whose contents were judged last, for good or ill
	told  string // what is wrong with them, as it was logged; "" if nothing is
}

// newPair reads the files; what is wrong with them is the error.
func newPair(files TLS, log *slog.Logger) (*pair, error) {
	p := &pair{files: files, log: log}
	p.conf = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: p.current}
	p.stamp = filesOf(files)
	cert, err := transport.ReadPair(files.CertFile, files.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	p.cert.Store(cert)
	return p, nil
}

func (p *pair) current(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.cert.Load(), nil }

// refresh takes the certificate as it is in the files now. While they cannot be
// read or do not fit together, as in the middle of a renewal, the one from
// before stays in use. Files that could not be read are tried again, changed or
// not: what was in the way may have been a right, or the want of a descriptor.
func (p *pair) refresh() {
	stamp := filesOf(p.files)
	if stamp == p.stamp {
		p.told = ""
		return
	}
	cert, err := transport.ReadPair(p.files.CertFile, p.files.KeyFile)
	if err == nil {
		p.stamp, p.told = stamp, ""
		p.cert.Store(cert)
		p.log.Info("the certificate was read anew", "file", p.files.CertFile, "expires", cert.Leaf.NotAfter)
		return
	}
	if e, ok := errors.AsType[*transport.PairError](err); ok && e.Judged {
		p.stamp = stamp
	}
	if p.told != err.Error() {
		p.told = err.Error()
		p.log.Error("the new certificate cannot be used; the one before stays in use", "error", err, "expires", p.cert.Load().Leaf.NotAfter)
	}
}

// keepFresh refreshes the certificate in force until ctx ends: for whoever
// connects, and now and then.
func (s *Server) keepFresh(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-s.arrived:
		case <-t.C:
		case <-ctx.Done():
			return
		}
		if p := s.rules.Load().pair; p != nil {
			p.refresh()
		}
	}
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
	return transport.CheckPair("the server's certificate", f.CertFile, f.KeyFile)
}
