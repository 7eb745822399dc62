package server

import (
	"context"
	"math"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

const (
	burst       = 10               // failed logins of one address that are borne at once
	refill      = 10 * time.Second // and then one in so long a time
	mostRemotes = 4096
)

// attempts limits the failed logins of each remote address. They outlive a
// reload.
type attempts struct {
	mu   sync.Mutex
	from map[netip.Prefix]bucket
}

// bucket is how many failures an address has left.
type bucket struct {
	left float64
	at   time.Time
}

func (b bucket) now(t time.Time) float64 {
	return min(burst, b.left+float64(t.Sub(b.at))/float64(refill))
}

// wait returns how long the address has to wait before it may try; 0: it may.
func (a *attempts) wait(from netip.Prefix) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, wait := a.look(from)
	return wait
}

func (a *attempts) look(from netip.Prefix) (left float64, wait time.Duration) {
	left = burst
	if b, found := a.from[from]; found {
		left = b.now(time.Now())
	}
	if left < 1 {
		return left, time.Duration(math.Ceil((1 - left) * float64(refill)))
	}
	return left, 0
}

// take counts a try as failed before it is made, so that many at once do not
// get around the limit. It returns how long to wait where there is none left.
func (a *attempts) take(from netip.Prefix) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	left, wait := a.look(from)
	if wait > 0 {
		return wait
	}
	if _, found := a.from[from]; !found && len(a.from) >= mostRemotes {
		a.sweep()
	}
	if a.from == nil {
		a.from = map[netip.Prefix]bucket{}
	}
	a.from[from] = bucket{left - 1, time.Now()}
	return 0
}

// giveBack takes a count back: the try succeeded.
func (a *attempts) giveBack(from netip.Prefix) {
	a.mu.Lock()
	defer a.mu.Unlock()
	left, _ := a.look(from)
	a.from[from] = bucket{min(burst, left+1), time.Now()}
}

// sweep forgets the addresses that have all their tries back, and one in any
// case: the one that was quiet for longest.
func (a *attempts) sweep() {
	var oldest netip.Prefix
	now := time.Now()
	at := now
	for from, b := range a.from {
		if !b.at.After(at) {
			oldest, at = from, b.at
		}
		if b.now(now) >= burst {
			delete(a.from, from)
		}
	}
	delete(a.from, oldest)
}

// network returns what failures of a remote address count for: itself, or the
// /64 of an IPv6 address, since whoever has one of these has them all.
func network(remote string) netip.Prefix {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr := ap.Addr().Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) //nolint:errcheck // both lengths fit
	return p
}

const (
	mostWaiting = 32
	longestWait = 5 * time.Second
)

// bench is where passwords are verified: a few at once, since each takes a
// core for a while that the probes want, too.
type bench struct {
	places  chan struct{} // at work
	waiting chan struct{} // at work or waiting for it
}

func newBench() bench {
	places := min(max(runtime.GOMAXPROCS(0)/2, 1), 4)
	return bench{make(chan struct{}, places), make(chan struct{}, places+mostWaiting)}
}

// enter waits for a place; false: there is none to be had in time. Who got one
// leaves it.
func (b bench) enter(ctx context.Context) bool {
	select {
	case b.waiting <- struct{}{}:
	default:
		return false
	}
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case b.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	<-b.waiting
	return false
}

func (b bench) leave() { <-b.places; <-b.waiting }
