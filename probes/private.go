package probes

import (
	"maps"
	"net/http"
	"slices"

	"github.com/watchword/watchword/internal/secret"
)

// Private returns the path of an option that holds what only the service may
// see, "" for none: a header, form field or body that is read from elsewhere, a
// header or field whose name tells, a client certificate. The password of a proxy
// goes to the proxy.
func (o HTTPOptions) Private() string {
	kept := func(t secret.Text) bool { return !t.IsZero() && !t.IsLiteral() }
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if kept(o.Headers[name]) || sensitive(http.CanonicalHeaderKey(name)) {
			return "headers." + name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Form)) {
		if kept(o.Form[name]) || sensitive(name) {
			return "form." + name
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
