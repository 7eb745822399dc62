package lab

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// FarSite is a public site beyond our own line. Its address is one of those
// that RFC 5737 keeps for documentation: [World.Dial] alone leads there.
type FarSite struct{ Name, Address string }

// URL returns the site's URL.
func (s FarSite) URL() string { return "https://" + s.Name + "/" }

// far is what lies beyond our own line: public sites over TLS, the first of
// which can show odd certificates, and the line itself, which can be cut.
type far struct {
	sites  []FarSite
	app    *Application
	ca     *CA
	good   *Certificate
	server *Server
	lost   atomic.Bool

	mu  sync.Mutex
	odd *Certificate // of the first site, nil: good
}

func farSites() []FarSite {
	return []FarSite{{"shop.example.com", "198.51.100.10"}, {"blog.example.com", "198.51.100.11"}, {"docs.example.com", "198.51.100.12"}}
}

func newFar(ctx context.Context) (*far, error) {
	f := &far{sites: farSites(), app: NewApplication(ApplicationOptions{Keyword: "Welcome"})}
	var err error
	if f.ca, err = NewCA(); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(f.sites))
	for _, s := range f.sites {
		names = append(names, s.Name)
	}
	if f.good, err = f.ca.Server(CertOptions{Names: names, CommonName: f.sites[0].Name}); err != nil {
		return nil, err
	}
	f.server, err = Listen(ctx, "127.0.0.1:0", f.app, &tls.Config{GetCertificate: f.certificate, MinVersion: tls.VersionTLS12})
	return f, err
}

func (f *far) certificate(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.odd != nil && h.ServerName == f.sites[0].Name {
		return &f.odd.TLS, nil
	}
	return &f.good.TLS, nil
}

// certified shows a new certificate of 90 days that ends after left, or the
// good one again.
func (f *far) certified(on bool, left time.Duration) error {
	var odd *Certificate
	if on {
		end := time.Now().Add(left)
		var err error
		odd, err = f.ca.Server(CertOptions{Names: []string{f.sites[0].Name}, CommonName: f.sites[0].Name, NotBefore: end.AddDate(0, 0, -90), NotAfter: end})
		if err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.odd = odd
	return nil
}

// dial leads to the sites, and everywhere else as usual.
func (f *far) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	for _, s := range f.sites {
		if s.Address != host {
			continue
		}
		if f.lost.Load() {
			to := &net.TCPAddr{IP: net.ParseIP(host), Port: 443}
			return nil, &net.OpError{Op: "dial", Net: network, Addr: to, Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
		}
		address = f.server.Addr()
	}
	return d.DialContext(ctx, network, address)
}

func (f *far) controls() []control {
	const day = 24 * time.Hour
	return []control{
		{name: "certificate-expiring", place: PlaceFar, group: "certificate", title: "Certificate about to expire", expect: "[Certificate]",
			help: "the shop shows a certificate that ends in 5 days", set: func(on bool) error { return f.certified(on, 5*day) }},
		{name: "certificate-expired", place: PlaceFar, group: "certificate", title: "Certificate expired", expect: "tls/certificate_expired",
			help: "the shop's certificate ended yesterday", set: func(on bool) error { return f.certified(on, -day) }},
		{name: "network-lost", place: PlaceLine, title: "Own network lost", expect: "agent/offline",
			help: "this machine reaches nothing beyond itself any more", set: plain(f.lost.Store)},
	}
}

// FarSites returns the public sites; none without Config.Far.
func (w *World) FarSites() []FarSite {
	if w.far == nil {
		return nil
	}
	return w.far.sites
}

// FarCA returns the certificate of the authority that the public sites' are
// signed by, in PEM.
func (w *World) FarCA() []byte { return w.far.ca.PEM() }

// Dial connects to the public sites, and everywhere else as net.Dialer does.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return w.far.dial(ctx, network, address)
}
