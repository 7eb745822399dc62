package probes

import (
	"errors"
	"net/url"
	"strings"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/transport"
)

// CheckIssuer says what is wrong with the options of a monitor of type issuer. It
// reads the files that they name and sends nothing.
func CheckIssuer(o HTTPOptions) []check.Problem {
	return append(checkIssuer(o), transport.Check(o.Transport())...)
}

func checkIssuer(o HTTPOptions) []check.Problem {
	ps := checkRequest(documents(o))
	if err := checkIssuerURL(o.URL); err != nil {
		ps = append(ps, check.Problem{Path: "url", Message: err.Error()})
	}
	return ps
}

// checkIssuerURL holds an issuer to its form (RFC 8414, section 2).
func checkIssuerURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil: // that is said of any URL
		return nil
	case u.User != nil:
		return errors.New("an issuer has no user name and password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("an issuer has neither query nor fragment (RFC 8414, section 2)")
	case strings.Contains(u.Path, "/.well-known/"):
		return errors.New("name the issuer itself, without /.well-known and what follows")
	}
	return nil
}
