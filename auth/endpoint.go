package auth

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	firstDelay   = 2 * time.Second
	longestDelay = 5 * time.Minute
	longestAsked = 24 * time.Hour // longest Retry-After that is honoured
)

// delay is how long to wait after so many failures in a row: about 2 s, doubled
// each time up to 5 min, and not less than what the endpoint asked for.
func delay(failures int, asked time.Duration) time.Duration {
	d := min(firstDelay<<min(failures-1, 20), longestDelay)
	d = d*7/8 + rand.N(d/4) //nolint:gosec // jitter
	return max(d, min(asked, longestAsked))
}

// endpoint is the back-off of one token endpoint, shared by all credentials
// that use it.
type endpoint struct {
	mu    sync.Mutex
	fails int
	until time.Time
	last  *finding
	probe chan struct{} // closed when the request that probes the endpoint is over
}

// blocked returns why the endpoint must not be asked now, nil if it may.
func (e *endpoint) blocked(now time.Time) (*finding, time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fails > 0 && now.Before(e.until) {
		return e.last, e.until
	}
	return nil, time.Time{}
}

// enter is called before a request and returns why it must not be sent, if so.
// After a back-off one request goes first, and the others wait for what comes
// of it. Who enters leaves.
func (e *endpoint) enter(ctx context.Context) (probing bool, blocked *finding) {
	for {
		e.mu.Lock()
		switch {
		case e.fails == 0:
			e.mu.Unlock()
			return false, nil
		case time.Now().Before(e.until):
			defer e.mu.Unlock()
			return false, e.last
		case e.probe == nil:
			defer e.mu.Unlock()
			e.probe = make(chan struct{})
			return true, nil
		}
		probe, last := e.probe, e.last
		e.mu.Unlock()
		select {
		case <-probe:
		case <-ctx.Done():
			return false, last
		}
	}
}

// leave records what came of a request: f is nil when a token did.
func (e *endpoint) leave(probing bool, f *finding) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if probing {
		close(e.probe)
		e.probe = nil
	}
	now := time.Now()
	switch {
	case f != nil && !f.tried: // nothing learnt
	case !probing && now.Before(e.until): // sent before the back-off began: it counts for what it was told to wait
		if f != nil && f.shared && now.Add(f.retryAfter).After(e.until) {
			e.until, e.last = now.Add(f.retryAfter), f
		}
	case f == nil || !f.shared:
		e.fails, e.until, e.last = 0, time.Time{}, nil
	default:
		e.fails++
		e.until, e.last = now.Add(delay(e.fails, f.retryAfter)), f
	}
}

// end ends the back-off; one request still goes first.
func (e *endpoint) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fails, e.until = min(e.fails, 1), time.Time{}
}
