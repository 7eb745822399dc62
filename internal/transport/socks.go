package transport

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
)

// The protocol of RFC 1928, as far as a client needs it.
const (
	socksVersion  = 5
	socksNoAuth   = 0
	socksPassword = 2
	socksNone     = 0xff // of our methods
	socksConnect  = 1
	socksIPv4     = 1
	socksName     = 3
	socksIPv6     = 4
)

// socks asks a SOCKS proxy to connect to the target.
func (p *proxy) socks(conn net.Conn, target string, asked func()) error {
	request, err := socksRequest(target)
	if err != nil {
		return p.broken("cannot be asked for "+target+": "+err.Error(), "", err)
	}
	if err := p.greet(conn); err != nil {
		return err
	}
	asked()
	if _, err := conn.Write(request); err != nil {
		return err
	}
	var head [4]byte // version, reply, reserved, type of the address that follows
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return err
	}
	if head[0] != socksVersion {
		return p.noSOCKS()
	}
	if head[1] != 0 {
		return p.replied(head[1], target)
	}
	return p.skipAddress(conn, head[3])
}

// greet agrees on how we prove who we are.
func (p *proxy) greet(conn net.Conn) error {
	greeting := []byte{socksVersion, 1, socksNoAuth}
	if p.user != nil {
		greeting = []byte{socksVersion, 2, socksNoAuth, socksPassword}
	}
	if _, err := conn.Write(greeting); err != nil {
		return err
	}
	var chosen [2]byte
	if _, err := io.ReadFull(conn, chosen[:]); err != nil {
		return err
	}
	switch {
	case chosen[0] != socksVersion:
		return p.noSOCKS()
	case chosen[1] == socksNoAuth:
		return nil
	case chosen[1] == socksPassword && p.user != nil:
		return p.logIn(conn)
	case chosen[1] == socksNone:
		return p.refused("it takes none of the ways that SOCKS 5 has for that")
	}
	return p.noSOCKS()
}

// logIn sends name and password (RFC 1929).
func (p *proxy) logIn(conn net.Conn) error {
	name := p.user.Username()
	password, _ := p.user.Password()
	if err := p.checkUser(); err != nil {
		return p.broken("cannot be told who we are: "+err.Error(), "", err)
	}
	b := append([]byte{1, byte(len(name))}, name...)
	b = append(append(b, byte(len(password))), password...)
	if _, err := conn.Write(b); err != nil {
		return err
	}
	var status [2]byte
	if _, err := io.ReadFull(conn, status[:]); err != nil {
		return p.refused("it closed the connection over them")
	}
	if status[1] != 0 {
		return p.refused("it says so")
	}
	return nil
}

func (p *proxy) noSOCKS() error {
	return p.broken("does not speak SOCKS 5", "what listens at "+p.address+"? an HTTP proxy wants http:// in proxy_url", nil)
}

func socksRequest(target string) ([]byte, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	b := []byte{socksVersion, socksConnect, 0}
	switch ip, err := parseIP(host); {
	case err == nil && ip.Is4():
		b = append(append(b, socksIPv4), ip.AsSlice()...)
	case err == nil:
		b = append(append(b, socksIPv6), ip.AsSlice()...)
	case len(host) > 255:
		return nil, fmt.Errorf("the name has more than 255 bytes")
	default:
		b = append(append(b, socksName, byte(len(host))), host...)
	}
	return binary.BigEndian.AppendUint16(b, uint16(n)), nil
}

// skipAddress reads the address that the proxy connects from.
func (p *proxy) skipAddress(conn net.Conn, kind byte) error {
	length := 0
	switch kind {
	case socksIPv4:
		length = net.IPv4len
	case socksIPv6:
		length = net.IPv6len
	case socksName:
		var n [1]byte
		if _, err := io.ReadFull(conn, n[:]); err != nil {
			return err
		}
		length = int(n[0])
	default:
		return p.noSOCKS()
	}
	_, err := io.ReadFull(conn, make([]byte, length+2)) // and the port
	return err
}

// replied is the meaning of a reply that is no success (RFC 1928, section 6).
func (p *proxy) replied(code byte, target string) error {
	const denied = 2
	texts := []string{1: "general failure", denied: "its rules do not allow it", 3: "network unreachable", 4: "host unreachable",
		5: "connection refused", 6: "it took too long", 7: "it knows no CONNECT", 8: "it does not know this kind of address"}
	text := fmt.Sprintf("reply %d", code)
	if int(code) < len(texts) {
		text = texts[code]
	}
	switch code {
	case denied:
		return p.beyond("does not let us to "+target+": "+text, true)
	case 8:
		return p.broken("did not get to "+target+": "+text, "a proxy that resolves no names wants socks5:// in place of socks5h://; one without IPv6 wants ip_family: ipv4", nil)
	case 7:
		return p.broken("did not get to "+target+": "+text, "", nil)
	}
	return p.beyond("did not get to "+target+": "+text, false)
}
