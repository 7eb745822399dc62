package probes

import (
	"maps"
	"net/http"
	"slices"

	"github.com/watchword/watchword/internal/secret"
)

// Private returns the path of an option that holds what only the service may
// see, "" for none: a header or body that is read from elsewhere, a header whose
// name tells, a client certificate.
func (o HTTPOptions) Private() string {
	kept := func(t secret.Text) bool { return !t.IsZero() && !t.IsLiteral() }
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if kept(o.Headers[name]) || sensitive(http.CanonicalHeaderKey(name)) {
			return "headers." + name
		}
	}
	switch {
	case kept(o.Body):
		return "body"
	case o.TLS.CertFile != "":
		return "tls.cert_file"
	}
	return ""
}
