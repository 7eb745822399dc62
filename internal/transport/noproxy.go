package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// exception is one entry of no_proxy.
type exception struct {
	all    bool
	net    netip.Prefix // an address or a network
	host   string       // a host, or
	domain string       // what its name ends in, with the dot before it
	port   string       // "": any
}

// parseException reads app.example.com, .example.com, *.example.com, 10.0.0.5,
// 10.0.0.0/8 or *; all but networks with or without a port.
func parseException(s string) (exception, error) {
	if s == "" || strings.ContainsAny(s, " ,@") || strings.Contains(s, "://") {
		return exception{}, fmt.Errorf("%q is no host, .domain, IP address or network, each with or without :port; several are a list", s)
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return exception{net: p.Masked()}, nil
	}
	host, port := s, ""
	if ip, err := parseIP(s); err == nil {
		return exception{net: netip.PrefixFrom(ip, ip.BitLen())}, nil
	}
	if h, p, err := net.SplitHostPort(s); err == nil {
		if !isPort(p) {
			return exception{}, fmt.Errorf("%q: the port is not between 1 and 65535", s)
		}
		host, port = h, p
	}
	return parseHost(s, host, port)
}

func parseHost(s, host, port string) (exception, error) {
	if ip, err := parseIP(host); err == nil {
		return exception{net: netip.PrefixFrom(ip, ip.BitLen()), port: port}, nil
	}
	if host == "*" {
		return exception{all: true, port: port}, nil
	}
	domain, isDomain := strings.CutPrefix(host, "*.")
	if !isDomain {
		domain, isDomain = strings.CutPrefix(host, ".")
	}
	switch {
	case strings.ContainsAny(domain, "/:*") || domain == "":
		return exception{}, fmt.Errorf("%q is no host, .domain, IP address or network", s)
	case isDomain:
		return exception{domain: "." + asDialled(domain), port: port}, nil
	}
	return exception{host: asDialled(host), port: port}, nil
}

// covers says whether a host, as it is dialled, and port are an exception.
func (e exception) covers(host, port string) bool {
	if e.port != "" && e.port != port {
		return false
	}
	switch {
	case e.all:
		return true
	case e.net.IsValid():
		ip, err := parseIP(host)
		return err == nil && e.net.Contains(ip)
	case e.domain != "":
		return strings.HasSuffix(host, e.domain)
	}
	return host == e.host
}
