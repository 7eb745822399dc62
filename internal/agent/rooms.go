package agent

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/machine"
	"github.com/watchword/watchword/internal/transport"
	"github.com/watchword/watchword/probes"
)

// rooms is what outlives a change of the configuration and is shared by all
// that is built from one.
type rooms struct {
	pool      *transport.Pool
	registry  *auth.Registry
	userAgent string
	buffers   probes.Buffers
	clocks    *machine.Clocks
	log       *slog.Logger
}

// newRooms returns rooms that report their token requests to a; nil: to nobody.
func newRooms(o Options, a *Agent) *rooms {
	r := &rooms{pool: transport.NewPoolVia(o.Dial), userAgent: "Watchword/" + o.Version, clocks: machine.NewClocks(o.Built, o.Log), log: o.Log}
	ro := auth.RegistryOptions{UserAgent: r.userAgent, Log: o.Log, Clocks: r.clocks}
	if a != nil {
		ro.Observe = func(t auth.TokenRequest) { a.metrics.TokenRequest(t.Credential, t.Result, t.Took) }
	}
	r.registry = auth.NewRegistry(r.pool, ro)
	return r
}

// common is what a probe needs beside its options: the transports to its own
// origin and to others are of these.
func (r *rooms) common(to, foreignTo transport.Options) (probes.Common, error) {
	own, err := r.pool.Get(to)
	if err != nil {
		return probes.Common{}, err
	}
	foreign, err := r.pool.Get(foreignTo)
	return probes.Common{RT: own, Foreign: foreign, UserAgent: r.userAgent, Buffers: &r.buffers, Clocks: r.clocks}, err
}

// channels is the client of all notifiers: its connections are kept, they go to
// the same few hosts.
func (r *rooms) channels() (*http.Client, error) {
	t, err := r.pool.Get(transport.Options{Reuse: true})
	if err != nil {
		return nil, err
	}
	return client(t), nil
}

func (r *rooms) close() error {
	r.registry.Close()
	r.pool.Close()
	return nil
}

func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead
	return key
}

// ids hands out ids that are unique over restarts: they begin at the time.
type ids struct{ last atomic.Int64 }

// atLeast makes all later numbers greater than n.
func (i *ids) atLeast(n int64) {
	for {
		old := i.last.Load()
		if old >= n || i.last.CompareAndSwap(old, n) {
			return
		}
	}
}

func (i *ids) delivery() int64 {
	i.atLeast(time.Now().UnixMicro())
	return i.last.Add(1)
}

func (i *ids) incident() string { return strconv.FormatInt(i.delivery(), 36) }

// mostScrapes is how many runs of /probe may go on at once: beside the monitors,
// of which they take no place.
func mostScrapes() int {
	const least, most, share = 4, 256, 8
	running, _, _ := limits()
	return min(max(running/share, least), most)
}

// limits returns how many runs may go on at once, by the files that this
// process may open, how many of them to one origin, and how many connections
// the server may have beside them.
func limits() (running, origin, conns int) {
	const most, least, reserve, perRun = 2048, 16, 64, 2
	const mostConns, leastConns, share = 512, 32, 8
	files := openFiles()
	conns = min(max(files/share, leastConns), mostConns)
	running = min(max((files-reserve-conns)/perRun, least), most)
	return running, max(running/2, 1), conns
}
