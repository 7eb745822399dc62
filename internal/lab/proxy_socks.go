package lab

import (
	"encoding/binary"
	"io"
	"net"
	"strconv"
)

const (
	socksVersion  = 5
	socksPassword = 2
)

// socks serves one connection of SOCKS 5 (RFC 1928, RFC 1929), CONNECT alone.
func (p *Proxy) socks(c net.Conn, r io.Reader) {
	user, ok := p.socksLogin(c, r)
	if !ok {
		return
	}
	target, ok := socksTarget(r)
	if !ok {
		return
	}
	mode := p.note(ProxyRequest{Kind: "socks5", Target: target, User: user})
	switch {
	case mode.Hang:
		_, _ = io.Copy(io.Discard, r)
		return
	case mode.Reply != 0:
		_, _ = c.Write([]byte{socksVersion, mode.Reply, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	out, err := p.dial(target)
	if err != nil {
		_, _ = c.Write([]byte{socksVersion, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	defer p.drop(out)
	if _, err := c.Write([]byte{socksVersion, 0, 0, 1, 127, 0, 0, 1, 0, 0}); err == nil {
		p.splice(c, r, out)
	}
}

// socksLogin agrees on a method and takes the user.
func (p *Proxy) socksLogin(c net.Conn, r io.Reader) (user string, ok bool) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", false
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(r, methods); err != nil {
		return "", false
	}
	if p.o.User == "" {
		_, err := c.Write([]byte{socksVersion, 0})
		return "", err == nil
	}
	for _, m := range methods {
		if m != socksPassword {
			continue
		}
		if _, err := c.Write([]byte{socksVersion, socksPassword}); err != nil {
			return "", false
		}
		name, password, ok := socksUser(r)
		if ok = ok && name == p.o.User && password == p.o.Password; !ok {
			_, _ = c.Write([]byte{1, 1})
			return "", false
		}
		_, err := c.Write([]byte{1, 0})
		return name + ":" + password, err == nil
	}
	_, _ = c.Write([]byte{socksVersion, 0xff})
	return "", false
}

func socksUser(r io.Reader) (name, password string, ok bool) {
	var version [1]byte
	if _, err := io.ReadFull(r, version[:]); err != nil || version[0] != 1 {
		return "", "", false
	}
	if name, ok = socksText(r); !ok {
		return "", "", false
	}
	password, ok = socksText(r)
	return name, password, ok
}

// socksText reads a text with its length before it.
func socksText(r io.Reader) (string, bool) {
	var n [1]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return "", false
	}
	b := make([]byte, n[0])
	_, err := io.ReadFull(r, b)
	return string(b), err == nil
}

func socksTarget(r io.Reader) (string, bool) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || head[1] != 1 {
		return "", false
	}
	var host string
	var ok bool
	switch head[3] {
	case 1, 4:
		ip := make(net.IP, map[byte]int{1: net.IPv4len, 4: net.IPv6len}[head[3]])
		_, err := io.ReadFull(r, ip)
		host, ok = ip.String(), err == nil
	default:
		host, ok = socksText(r)
	}
	var port [2]byte
	if _, err := io.ReadFull(r, port[:]); err != nil || !ok {
		return "", false
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port[:])))), true
}
