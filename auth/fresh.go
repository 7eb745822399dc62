package auth

import (
	"context"
	"time"

	"github.com/watchword/watchword/internal/check"
)

// Fresh fetches a token that nobody uses, to see that one can be had. The token
// that is held is not touched; back-off and its counting are those of all requests
// of the credential, so that who asks for proof every minute hammers nobody. It
// waits until ctx ends at the latest. The error is a *check.Fault.
func (s *Source) Fresh(ctx context.Context) (*check.TokenInfo, error) {
	if s.tokens == nil {
		return nil, s.fault(&finding{reason: check.Internal, message: "a credential of this type fetches no token"})
	}
	t, f := s.tokens.fresh(ctx)
	if f != nil {
		return nil, s.fault(f)
	}
	return &check.TokenInfo{Credential: s.name, Fetched: true, Expires: t.expires, Scope: t.answer.scope, Warning: t.answer.warning}, nil
}

// fresh returns a token of its own for those who ask at the same time. Where the
// credential was refused before, the request that is under way for all is proof
// enough: who refuses counts each one.
func (c *cache) fresh(ctx context.Context) (*token, *finding) {
	c.mu.Lock()
	f := c.trial
	if f == nil && c.fails > 0 {
		f = c.flight
	}
	if f == nil {
		var blocked *finding
		if f, blocked, _ = c.openLocked(time.Now()); f == nil {
			c.mu.Unlock()
			return nil, blocked
		}
		c.trial = f
		c.wg.Go(func() { c.tryOut(f) })
	}
	c.mu.Unlock()
	return f.wait(ctx)
}

func (c *cache) tryOut(f *flight) {
	why := c.barred(f)
	o := outcome{finding: why}
	if why == nil {
		o = c.ask()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(f.done)
	c.trial, f.token, f.finding = nil, o.token, o.finding
	switch {
	case why != nil: // it counts where it was found
		return
	case o.finding != nil:
		c.countLocked(o)
		return
	}
	c.last, c.fails, c.until, c.print = nil, 0, time.Time{}, o.print
}

// countLocked has a failure count towards the back-off.
func (c *cache) countLocked(o outcome) {
	now := time.Now()
	c.last = o.finding
	if o.print != (fingerprint{}) {
		c.print = o.print
	}
	if o.finding.tried && !o.finding.shared {
		c.fails++
		c.until = now.Add(delay(c.fails, o.finding.retryAfter))
	}
}
