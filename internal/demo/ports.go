package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// listen returns where the agent is to listen: the links in its messages name
// the port, so it is known before.
func (d *demo) listen(ctx context.Context) (string, error) {
	switch {
	case d.o.Listen == "" && d.o.AnyPorts:
		return d.find(ctx, "127.0.0.1")
	case d.o.Listen == "":
		return "127.0.0.1:9640", nil
	}
	host, port, err := net.SplitHostPort(d.o.Listen)
	if err != nil {
		return "", fmt.Errorf("--listen %q: an address such as 127.0.0.1:9640 is wanted", d.o.Listen)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("--listen %q: the secrets of the demo are known to everybody, so it listens on loopback only, such as 127.0.0.1:9640", d.o.Listen)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", fmt.Errorf("--listen %q: the port has to be a number from 0 to 65535", d.o.Listen)
	}
	if n == 0 {
		return d.find(ctx, host)
	}
	return d.o.Listen, nil
}

// find returns an address with a free port.
func (d *demo) find(ctx context.Context, host string) (string, error) {
	if d.free != nil {
		return d.free(ctx, host)
	}
	return freeAddress(ctx, host)
}

func freeAddress(ctx context.Context, host string) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// picksPort says whether the agent's port is one that was found to be free.
func (d *demo) picksPort() bool {
	_, port, err := net.SplitHostPort(d.o.Listen)
	return d.o.Listen == "" && d.o.AnyPorts || err == nil && port == "0"
}

// takenHint says what to do about a port that somebody else has.
func takenHint(err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return fmt.Errorf("%w\nanother demo may be running: stop it, or take free ports with watchword demo --any-ports", err)
}
