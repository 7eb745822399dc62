package server

import (
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
// not ask anything make room: a connection that dribbles its request keeps
// nobody out.
type conns struct {
	most int

	mu    sync.Mutex
	open  map[net.Conn]standing
	clock uint64
	ended bool
}

// standing is what a connection does, and since which change of all.
type standing struct {
	state http.ConnState
	since uint64
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
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.open, conn)
		return
	}
	if state == http.StateNew && (c.ended || len(c.open) >= c.most && !c.makeRoom()) {
		cut(conn)
		return
	}
	c.clock++
	c.open[conn] = standing{state, c.clock}
}

// makeRoom closes the connection that has asked nothing for longest; before
// those that are kept for a next request come those that never asked. False:
// all are busy.
func (c *conns) makeRoom() bool {
	var found net.Conn
	for conn, s := range c.open {
		if s.state == http.StateActive {
			continue
		}
		if best, ok := c.open[found]; !ok || s.state < best.state || s.state == best.state && s.since < best.since {
			found = conn
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
		if s.state == http.StateNew {
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
