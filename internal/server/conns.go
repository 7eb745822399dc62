package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// mostConns is how many connections are open at once where nobody says
// otherwise.
const mostConns = 512

// conns knows every open connection. When there are too many, those that do
// not ask anything make room, and at last those that have been at it for
// longest: a connection that dribbles its request keeps nobody out.
type conns struct {
	most int

	mu    sync.Mutex
	open  map[net.Conn]standing
	clock uint64
	ended bool
}

// standing is what a connection does, and since which change of all.
type standing struct {
	does  doing
	since uint64
}

// doing is what a connection does, in the order in which they make room.
type doing int

const (
	sending doing = iota // its request has a body, which nobody here reads
	silent               // it never asked
	kept                 // for a next request
	asking
	asksHealth // is never cut off
)

// connKey is where the context of a request has its connection.
type connKey struct{}

// inContext is a http.Server's ConnContext.
func inContext(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

func newConns(most int) *conns {
	if most <= 0 {
		most = mostConns
	}
	return &conns{most: most, open: map[net.Conn]standing{}}
}

// track is a http.Server's ConnState.
func (c *conns) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	does := silent
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
		return
	case http.StateNew:
		if c.ended || len(c.open) >= c.most && !c.makeRoom() {
			cut(conn)
			return
		}
	case http.StateActive:
		does = asking
	case http.StateIdle:
		does = kept
	}
	c.clock++
	c.open[conn] = standing{does, c.clock}
}

// note says more of what the connection of a request does.
func (c *conns) note(ctx context.Context, does doing) {
	conn, ok := ctx.Value(connKey{}).(net.Conn)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, open := c.open[conn]; open {
		c.open[conn] = standing{does, s.since}
	}
}

// makeRoom closes the connection that can be spared best, of several that which
// has done so for longest. False: all ask how the agent is.
func (c *conns) makeRoom() bool {
	var found net.Conn
	best := standing{does: asksHealth}
	for conn, s := range c.open {
		if s.does < best.does || found != nil && s.does == best.does && s.since < best.since {
			found, best = conn, s
		}
	}
	if found == nil {
		return false
	}
	delete(c.open, found)
	cut(found)
	return true
}

// cut closes without a farewell: that of TLS could wait for a peer that reads
// nothing.
func cut(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close()
}

// close closes the connections that have not asked anything yet, such as those
// a browser opens ahead. A shutdown would give each of them 5 seconds to begin.
func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for conn, s := range c.open {
		if s.does == silent {
			cut(conn)
		}
	}
}

// entrance is a listener whose connections speak TLS while the rules have a
// certificate: a reload turns https on and off.
type entrance struct {
	net.Listener
	rules   *atomic.Pointer[Rules]
	arrived chan<- struct{} // is told, without waiting, that somebody wants TLS
}

func (e entrance) Accept() (net.Conn, error) {
	conn, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if p := e.rules.Load().pair; p != nil {
		select {
		case e.arrived <- struct{}{}:
		default:
		}
		return tls.Server(conn, p.conf), nil
	}
	return conn, nil
}
