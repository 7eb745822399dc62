package auth

import (
	"context"
	"errors"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// flight is one fetch that any number of callers wait for.
type flight struct {
	done      chan struct{}
	token     *token
	finding   *finding
	replacing bool     // the gate refused the token before
	known     *finding // why nothing may be sent, unless the secrets are others now; nil: it may
	after     *flight  // of a token that nobody uses: if that fails, this one need not be tried
}

// joinLocked returns the flight under way or a new one, or why there is none.
func (c *cache) joinLocked(now time.Time) (*flight, *finding) {
	if c.flight != nil {
		return c.flight, nil
	}
	f, why, _ := c.openLocked(now)
	if f == nil {
		return nil, why
	}
	c.startLocked(f)
	return f, nil
}

// openLocked returns a flight to be started, or why there may be none and until
// when. During the back-off of this credential alone the flight begins with a
// look at the secrets: others may be tried at once. That look takes as long as
// the file system does, so nobody waits for it holding the lock.
func (c *cache) openLocked(now time.Time) (*flight, *finding, time.Time) {
	if c.closed || c.ctx.Err() != nil {
		return nil, &finding{reason: check.Internal, message: "the credential is no longer in use"}, time.Time{}
	}
	own := now.Before(c.until)
	byAll, until := c.where.backoff().blocked(now)
	f := &flight{done: make(chan struct{})}
	switch {
	case own && (byAll != nil || c.print == fingerprint{}):
		if until.Before(c.until) {
			until = c.until
		}
		return nil, c.last, until
	case own:
		f.known = c.last
	case byAll != nil:
		return nil, byAll, until
	}
	return f, nil, time.Time{}
}

// startLocked starts a flight. A credential that was refused is asked about once
// for all, so that a flight waits for the one of a token that nobody uses.
func (c *cache) startLocked(f *flight) {
	if c.fails > 0 {
		f.after = c.trial
	}
	c.flight = f
	c.wg.Go(func() { c.run(f) })
}

func (c *cache) run(f *flight) {
	why := c.barred(f)
	var o outcome
	if why == nil {
		o = c.ask()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(f.done)
	c.flight = nil
	switch {
	case why != nil: // it counts where it was found
		f.finding = why
		if c.token.usable(time.Now()) {
			c.armLocked(max(firstDelay, time.Until(c.until)))
		}
	case o.finding != nil:
		f.finding = o.finding
		c.failLocked(o)
	default:
		c.landLocked(f, o)
	}
}

// landLocked takes the token that a flight brought.
func (c *cache) landLocked(f *flight, o outcome) {
	c.generation++
	o.token.generation = c.generation
	f.token, c.before, c.token = o.token, c.token, o.token
	c.used, c.last, c.fails, c.until, c.print = false, nil, 0, time.Time{}, o.print
	if f.replacing {
		c.replaced = time.Now()
		c.unaccepted++
	}
	c.armLocked(time.Until(o.token.refresh))
}

// barred returns why the request of a flight is not to be sent after all.
func (c *cache) barred(f *flight) *finding {
	if f.after != nil {
		<-f.after.done // it ends with c.ctx at the latest
		if f.after.finding != nil {
			return f.after.finding
		}
	}
	if f.known == nil {
		return nil
	}
	now := c.fetcher.fingerprint()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !time.Now().Before(c.until) {
		return nil
	}
	if now == (fingerprint{}) || now == c.print { // what cannot be read has not changed
		return f.known
	}
	c.relentLocked()
	return nil
}

func (f *flight) wait(ctx context.Context) (*token, *finding) {
	select {
	case <-f.done:
		return f.token, f.finding
	case <-ctx.Done():
	}
	select { // both at once: the token wins
	case <-f.done:
		return f.token, f.finding
	default:
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, &finding{reason: check.Internal, message: "the run was cancelled while it waited for a token", err: ctx.Err()}
	case f.known != nil: // it may still be looking at the secrets
		return nil, f.known
	}
	return nil, &finding{reason: check.TokenTimeout, waited: true, err: ctx.Err()}
}
