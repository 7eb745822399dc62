package transport

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

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
	if err := checkVersion(o.HTTPVersion); err != nil {
		ps = append(ps, check.Problem{Path: "http_version", Message: err.Error()})
	}
	return append(append(ps, checkProxy(o)...), checkTLS(o.TLS)...)
}

// checkProxy checks a proxy as far as its URL can be read now; that it cannot is
// said by who reads the configuration.
func checkProxy(o Options) []check.Problem {
	var ps []check.Problem
	for i, s := range o.NoProxy {
		if _, err := parseException(s); err != nil {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("no_proxy[%d]", i), Message: err.Error()})
		}
	}
	if _, err := readProxy(o.Proxy); err != nil {
		if e, ok := errors.AsType[*UnreadableProxyError](err); ok && o.Proxy.Check() == nil {
			ps = append(ps, check.Problem{Path: "proxy_url", Message: e.Err.Error()})
		}
	}
	return ps
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
		ps = append(ps, checkCAs(o.CAFile)...)
	}
	switch {
	case o.CertFile != "" && o.KeyFile == "":
		bad("cert_file", fmt.Errorf("a client certificate needs key_file as well"))
	case o.KeyFile != "" && o.CertFile == "":
		bad("key_file", fmt.Errorf("a private key needs cert_file as well"))
	case o.CertFile != "":
		ps = append(ps, CheckPair("the client certificate", o.CertFile, o.KeyFile)...)
	}
	if strings.ContainsAny(o.ServerName, " /:") {
		bad("server_name", fmt.Errorf("%q is not a host name", o.ServerName))
	}
	if o.InsecureSkipVerify && o.CAFile != "" {
		bad("insecure_skip_verify", fmt.Errorf("ca_file has no effect when certificates are not verified: leave one of them out"))
	}
	return ps
}
