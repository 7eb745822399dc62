package probes_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/watchword/watchword/internal/lab"
	"github.com/watchword/watchword/probes"
)

// TestChain: what is told of a chain that was verified, also where an authority
// ends before the leaf.
func TestChain(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	file, err := ca.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	soon, late := time.Now().Add(5*day).Truncate(time.Second), time.Now().AddDate(20, 0, 0).Truncate(time.Second)
	for _, tc := range []struct {
		what          string
		o             lab.CertOptions
		insecure      bool
		name, subject string
		ends          time.Time // zero: an authority ends first
	}{
		{"the leaf ends first", lab.CertOptions{CommonName: "wiki\u202e", NotAfter: soon}, false, "wiki", "CN=wiki", soon},
		{"the authority ends first", lab.CertOptions{NotAfter: late}, false, "lab", "CN=lab", time.Time{}},
		{"nobody verified it", lab.CertOptions{NotAfter: soon, SelfSigned: true}, true, "lab", "CN=lab", soon},
	} {
		cert, err := ca.Server(tc.o)
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		srv.TLS = cert.ServerConfig()
		srv.StartTLS()
		t.Cleanup(srv.Close)
		c := probe(t, options(srv.URL, func(o *probes.HTTPOptions) {
			if o.TLS.InsecureSkipVerify = tc.insecure; !tc.insecure {
				o.TLS.CAFile = file
			}
		}), nil).Certs
		if c == nil || c.Name != tc.name || c.Subject != tc.subject || c.Verified == tc.insecure || len(c.Fingerprint) != 64 {
			t.Errorf("%s: %+v", tc.what, c)
			continue
		}
		if first := c.First(); !tc.ends.IsZero() {
			if c.Ending != nil || !c.NotAfter.Equal(tc.ends) || first.Fingerprint != c.Fingerprint || !first.NotBefore.Equal(c.NotBefore) {
				t.Errorf("%s: %+v", tc.what, c)
			}
		} else if first.Subject != "CN=Watchword Lab CA" || first.Fingerprint == c.Fingerprint || !c.NotAfter.Equal(first.NotAfter) || !first.NotAfter.Before(late) || first.NotAfter.Sub(first.NotBefore) < 3650*day {
			t.Errorf("%s: %+v", tc.what, first)
		}
	}
}
