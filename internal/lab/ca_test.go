package lab_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/watchword/watchword/internal/lab"
)

func TestCertificates(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	for label, c := range map[string]struct {
		options lab.CertOptions
		want    func(error) bool
	}{
		"good":          {lab.CertOptions{}, func(err error) bool { return err == nil }},
		"expired":       {lab.CertOptions{Expired: true}, func(err error) bool { return errors.As(err, &invalid) && invalid.Reason == x509.Expired }},
		"not yet valid": {lab.CertOptions{NotYetValid: true}, func(err error) bool { return errors.As(err, &invalid) && invalid.Reason == x509.Expired }},
		"wrong name":    {lab.CertOptions{WrongName: true}, func(err error) bool { return errors.As(err, &name) }},
		"self-signed":   {lab.CertOptions{SelfSigned: true}, func(err error) bool { return errors.As(err, &authority) }},
	} {
		t.Run(label, func(t *testing.T) {
			cert, err := ca.Server(c.options)
			if err != nil {
				t.Fatal(err)
			}
			if err := shake(t, ca, cert, nil); !c.want(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// shake makes one request to a server with the certificate.
func shake(t *testing.T, ca *lab.CA, server, client *lab.Certificate) error {
	t.Helper()
	rec := lab.NewRecorder(nil, 1)
	srv := httptest.NewUnstartedServer(rec)
	srv.TLS = server.ServerConfig()
	srv.Config.ErrorLog = quiet()
	conf := &tls.Config{RootCAs: ca.Pool()}
	if client != nil {
		srv.TLS.ClientAuth, srv.TLS.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
		conf.Certificates = []tls.Certificate{client.TLS}
	}
	srv.StartTLS()
	defer srv.Close()
	rt := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}
	_, err := fetch(t.Context(), rt, srv.URL)
	if got := rec.Requests(); err == nil && client != nil && got[0].ClientCertificate != "lab-client" {
		t.Errorf("got client %q, want lab-client", got[0].ClientCertificate)
	}
	return err
}

func TestClientCertificates(t *testing.T) {
	ca, err := lab.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.Server(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Client(lab.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := shake(t, ca, server, client); err != nil {
		t.Errorf("got %v, want the client let in", err)
	}
	stranger, err := ca.Client(lab.CertOptions{SelfSigned: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := shake(t, ca, server, stranger); err == nil {
		t.Error("a client the CA did not sign was let in")
	}
	dir := t.TempDir()
	certFile, keyFile, err := client.Write(dir, "client")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Errorf("load what was written: %v", err)
	}
	caFile, err := ca.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(caFile); err != nil || string(raw) != string(ca.PEM()) {
		t.Errorf("got %q, %v, want the CA", raw, err)
	}
}

func TestRecorder(t *testing.T) {
	rec := lab.NewRecorder(lab.NewApplication(lab.ApplicationOptions{}), 2)
	for _, path := range []string{"/1", "/2", "/3"} {
		get(rec, path)
	}
	got := rec.Requests()
	if len(got) != 2 || got[0].URL != "/2" || got[1].URL != "/3" {
		t.Errorf("got %v, want the last two", got)
	}
	rec.Reset()
	if len(rec.Requests()) != 0 {
		t.Error("there is something left")
	}
}
