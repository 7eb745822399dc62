package lab

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// Pipe is a net.Listener whose connections are net.Pipe pairs: real net/http
// without sockets, so that tests inside testing/synctest can wait for it.
type Pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// NewPipe returns a listener to be served and dialled.
func NewPipe() *Pipe {
	return &Pipe{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept returns the server's end of the next dial, or net.ErrClosed.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and all later dials.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr returns an address that names the pipe.
func (p *Pipe) Addr() net.Addr { return pipeAddr{} }

// DialContext connects to the listener whatever address is asked for; it fits
// http.Transport. After Close it fails as a refused connection would.
func (p *Pipe) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, fmt.Errorf("dial %s %q: %w", network, address, net.ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Transport returns an http.Transport that dials the pipe for every host.
func (p *Pipe) Transport() *http.Transport {
	return &http.Transport{DialContext: p.DialContext, DisableCompression: true}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
