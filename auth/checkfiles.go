package auth

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// checkFiles reads the key, certificate and assertion files. What has other
// problems already is left alone.
func checkFiles(o Options, known []check.Problem) []check.Problem {
	has := func(path string) bool {
		return slices.ContainsFunc(known, func(p check.Problem) bool { return p.Path == path && !p.Warning })
	}
	switch {
	case o.AuthMethod == methodKeyJWT && o.PrivateKeyFile != "" && !has("algorithm"):
		return checkKey(o)
	case o.AuthMethod == methodFederated && o.AssertionFile != "":
		_, err := readAssertion(o.AssertionFile)
		return problemOf(err)
	}
	return nil
}

func checkKey(o Options) []check.Problem {
	key, err := readKey(o.PrivateKeyFile)
	if err == nil {
		_, err = algorithm(o, key)
	}
	ps := problemOf(err)
	if o.CertificateFile == "" {
		return ps
	}
	text, err := readFile("certificate_file", o.CertificateFile)
	if err != nil || key == nil {
		return append(ps, problemOf(err)...)
	}
	return append(ps, checkCertificate(o, text, key)...)
}

func checkCertificate(o Options, text []byte, key crypto.Signer) []check.Problem {
	c, err := certificateOf(o.CertificateFile, text, key)
	if err != nil {
		return problemOf(err)
	}
	if time.Now().After(c.NotAfter) {
		return []check.Problem{{Path: "certificate_file", Warning: true,
			Message: fmt.Sprintf("the certificate in %s expired on %s: make another and register it at the provider", o.CertificateFile, c.NotAfter.UTC().Format(time.DateOnly))}}
	}
	return nil
}

func problemOf(err error) []check.Problem {
	if err == nil {
		return nil
	}
	p := check.Problem{Message: err.Error(), File: errors.Is(err, fs.ErrNotExist)}
	if e, ok := errors.AsType[*fileError](err); ok {
		p.Path = e.key
	}
	return []check.Problem{p}
}
