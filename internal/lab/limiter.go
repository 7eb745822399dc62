package lab

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// limiter is Authelia's limit on failures at the token endpoint, by address:
// 30 in a minute, 40 in two, 50 in ten, 100 in an hour. Successes do not count.
type limiter struct {
	mu     sync.Mutex
	on     bool
	until  time.Time // forced: everybody is limited until then
	failed map[string][]time.Time
}

type bucket struct {
	max    int
	window time.Duration
}

func newLimiter(on bool) *limiter {
	return &limiter{on: on, failed: map[string][]time.Time{}}
}

func (l *limiter) buckets() [4]bucket {
	return [4]bucket{{30, time.Minute}, {40, 2 * time.Minute}, {50, 10 * time.Minute}, {100, time.Hour}}
}

func (l *limiter) set(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on, l.failed = on, map[string][]time.Time{}
}

func (l *limiter) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = map[string][]time.Time{}
}

func (l *limiter) force(now time.Time, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = now.Add(d)
}

// wait returns how long the address has to wait, 0 for not at all.
func (l *limiter) wait(ip string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := max(0, l.until.Sub(now))
	if !l.on {
		return wait
	}
	times := l.failed[ip]
	for _, b := range l.buckets() {
		if len(times) >= b.max {
			// Free again once the oldest of the last max failures leaves the window.
			wait = max(wait, times[len(times)-b.max].Add(b.window).Sub(now))
		}
	}
	return wait
}

func (l *limiter) fail(ip string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.on {
		return
	}
	times := append(l.failed[ip], now)
	l.failed[ip] = times[max(0, len(times)-100):]
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
