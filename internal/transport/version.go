package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The values of http_version.
const (
	versionAny = "any"
	versionOne = "1.1"
	versionTwo = "2"
)

// Versions are the values of http_version: which versions of HTTP are offered.
func Versions() []string { return []string{versionAny, versionOne, versionTwo} }

func checkVersion(version string) error {
	if version == "" || slices.Contains(Versions(), version) {
		return nil
	}
	return fmt.Errorf("%q is none of %s", version, strings.Join(Versions(), ", "))
}

// protocols says what net/http may speak. Over plain http HTTP/2 is spoken where
// nothing else is to be, with prior knowledge (RFC 9113, section 3.3).
func protocols(version string) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(version != versionTwo)
	p.SetHTTP2(version != versionOne)
	p.SetUnencryptedHTTP2(version == versionTwo)
	return p
}

// protocolNames are what is offered in the handshake (RFC 7301).
func protocolNames(version string) []string {
	switch version {
	case versionOne:
		return []string{"http/1.1"}
	case versionTwo:
		return []string{"h2"}
	}
	return []string{"h2", "http/1.1"}
}

// agreed refuses a connection on which the server did not agree to HTTP/2 where
// nothing else was offered: a server that knows no ALPN goes on as if nothing
// had been said.
func agreed(version string, s tls.ConnectionState) error {
	if version == versionTwo && s.NegotiatedProtocol != "h2" {
		return onlyOne()
	}
	return nil
}

// notOffered is a server that speaks none of the versions of HTTP that it was
// offered.
type notOffered struct{ text string }

func (e notOffered) Error() string { return e.text }

func onlyOne() error {
	return notOffered{"the server speaks no HTTP/2, and http_version: 2 offers nothing else"}
}

func isNotOffered(err error) (string, bool) {
	if e, ok := errors.AsType[notOffered](err); ok {
		return e.text, true
	}
	return "", false
}
