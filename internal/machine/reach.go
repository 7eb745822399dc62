package machine

import (
	"net"
	"net/netip"
	"strings"
)

// Reachable turns an address to listen on, host:port, into one to connect to
// from this machine: every address becomes loopback. What is no such address
// comes back as it is.
func Reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	switch ip, err := netip.ParseAddr(host); {
	case host == "", err == nil && ip.Unmap().IsUnspecified() && ip.Unmap().Is4():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// IsLoopback says whether what goes to a host, a name or an address, stays on this
// machine. A name below localhost is asked of name servers, which may lead it
// anywhere.
func IsLoopback(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
