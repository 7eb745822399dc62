package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Check says what is wrong with o: files that cannot be read or parsed,
// addresses and families that are none. It reads the files and sends nothing.
func Check(o Options) []check.Problem {
	var ps []check.Problem
	if err := checkFamily(o.IPFamily); err != nil {
		ps = append(ps, check.Problem{Path: "ip_family", Message: err.Error()})
	}
	for _, host := range slices.Sorted(maps.Keys(o.Resolve)) {
		if err := checkResolve(host, o.Resolve[host], o.IPFamily); err != nil {
			ps = append(ps, check.Problem{Path: "resolve." + host, Message: err.Error()})
		}
	}
	return append(ps, checkTLS(o.TLS)...)
}

func checkFamily(family string) error {
	if family == "" || slices.Contains(Families(), family) {
		return nil
	}
	return fmt.Errorf("%q is none of %s", family, strings.Join(Families(), ", "))
}

// Families are the values of ip_family.
func Families() []string { return []string{familyAny, familyIPv4, familyIPv6} }

func checkResolve(host, address, family string) error {
	if host == "" || strings.ContainsAny(host, " /:") {
		return fmt.Errorf("%q is not a host name (write it without scheme and port)", host)
	}
	ip, err := parseIP(address)
	if err != nil {
		return fmt.Errorf("%q is not an IP address (the port is that of the URL)", address)
	}
	if !inFamily(ip, family) {
		return fmt.Errorf("%s is not an %s address, as ip_family asks", ip, family)
	}
	return nil
}

func parseIP(s string) (netip.Addr, error) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	ip, err := netip.ParseAddr(s)
	return ip.Unmap(), err
}

func checkTLS(o TLS) []check.Problem {
	var ps []check.Problem
	bad := func(path string, err error) {
		ps = append(ps, check.Problem{Path: "tls." + path, Message: err.Error()})
	}
	if o.CAFile != "" {
		if _, err := readCAs(o.CAFile); err != nil {
			bad("ca_file", err)
		}
	}
	switch {
	case o.CertFile != "" && o.KeyFile == "":
		bad("cert_file", fmt.Errorf("a client certificate needs key_file as well"))
	case o.KeyFile != "" && o.CertFile == "":
		bad("key_file", fmt.Errorf("a private key needs cert_file as well"))
	case o.CertFile != "":
		ps = append(ps, checkPair(o)...)
	}
	if strings.ContainsAny(o.ServerName, " /:") {
		bad("server_name", fmt.Errorf("%q is not a host name", o.ServerName))
	}
	if o.InsecureSkipVerify && o.CAFile != "" {
		bad("insecure_skip_verify", fmt.Errorf("ca_file has no effect when certificates are not verified: leave one of them out"))
	}
	return ps
}

func checkPair(o TLS) []check.Problem {
	for _, f := range []struct{ key, path string }{{"cert_file", o.CertFile}, {"key_file", o.KeyFile}} {
		if _, err := os.ReadFile(f.path); err != nil {
			return []check.Problem{{Path: "tls." + f.key, Message: err.Error()}}
		}
	}
	pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return []check.Problem{{Path: "tls.cert_file", Message: fmt.Sprintf("read client certificate %q: %s", o.CertFile, plainTLS(err))}}
	}
	if now := time.Now(); now.After(pair.Leaf.NotAfter) {
		return []check.Problem{{Path: "tls.cert_file", Warning: true,
			Message: fmt.Sprintf("the client certificate expired on %s", pair.Leaf.NotAfter.UTC().Format(time.DateOnly))}}
	}
	return nil
}

func readCAs(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate (PEM) in %q", path)
	}
	return pool, nil
}
