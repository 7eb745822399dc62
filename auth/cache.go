package auth

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// token is one access token and what was told with it.
type token struct {
	value      string
	generation uint64
	asked      time.Time // when the request for it began: its life cannot end before asked + life
	got        time.Time
	expires    time.Time
	refresh    time.Time // from here on another is fetched in the background
	late       time.Time // from here on the other one is waited for
	answer     answer
}

func newToken(a answer, asked time.Time) *token {
	// Wall and monotonic clock both count: the first stands still in no
	// suspended machine, the second jumps for no administrator.
	t := &token{value: a.token, asked: asked, got: time.Now(), expires: asked.Add(a.life), answer: a}
	early := a.life / 10
	t.refresh = asked.Add(a.life*3/4 + rand.N(max(early, 1))) //nolint:gosec // jitter
	t.late = t.expires.Add(-min(a.life/20, 5*time.Second))
	return t
}

// usable says whether the life of t is not over. It may be asked of nil.
func (t *token) usable(now time.Time) bool {
	return t != nil && now.Before(t.expires) && now.Round(0).Before(t.expires.Round(0))
}

// fetcher sends one token request.
type fetcher interface {
	fetch(ctx context.Context) outcome
	fingerprint() fingerprint
}

// cache holds the token of one credential.
type cache struct {
	fetcher fetcher
	where   locator
	timeout time.Duration
	ctx     context.Context // ends with close
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	token      *token
	before     *token // the one that token replaced
	generation uint64
	flight     *flight
	trial      *flight // of a token that nobody uses
	used       bool    // the token was used since it came
	timer      *time.Timer

	fails int // refusals of this credential in a row
	until time.Time
	last  *finding // nil: the last request brought a token
	print fingerprint

	replaced   time.Time // when a refused token was last replaced
	unaccepted int       // replacements in a row that no gate accepted
}

func newCache(ctx context.Context, where locator, timeout time.Duration, f fetcher) *cache {
	c := &cache{fetcher: f, where: where, timeout: timeout}
	c.ctx, c.stop = context.WithCancel(ctx)
	return c
}

// get returns a token, waiting for it until ctx ends at the latest.
func (c *cache) get(ctx context.Context) (*token, *finding) {
	c.mu.Lock()
	now := time.Now()
	held := c.token
	if held.usable(now) && now.Before(held.late) {
		c.used = true
		if !now.Before(held.refresh) {
			c.refreshLocked(now)
		}
		c.mu.Unlock()
		return held, nil
	}
	f, blocked := c.joinLocked(now)
	c.mu.Unlock()
	if f == nil {
		return held.or(blocked)
	}
	t, why := f.wait(ctx)
	if t == nil {
		return held.or(why)
	}
	return t, nil
}

// or returns t while it lives, else why there is no other one.
func (t *token) or(why *finding) (*token, *finding) {
	if t.usable(time.Now()) {
		return t, nil
	}
	return nil, why
}

// ask sends one request, unless the endpoint fell out of favour meanwhile.
func (c *cache) ask() outcome {
	e, lost := c.locate()
	if lost != nil {
		return outcome{finding: lost}
	}
	probing, blocked := e.enter(c.ctx)
	if blocked != nil {
		return outcome{finding: blocked}
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.timeout)
	defer cancel()
	o := c.fetcher.fetch(ctx)
	e.leave(probing, o.finding)
	return o
}

func (c *cache) failLocked(o outcome) {
	c.countLocked(o)
	if c.token.usable(time.Now()) {
		c.armLocked(firstDelay)
	}
}

// armLocked sets the timer of the background refresh.
func (c *cache) armLocked(d time.Duration) {
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.closed {
		c.timer = time.AfterFunc(d, c.refreshDue)
	}
}

func (c *cache) refreshDue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.used && c.token.usable(now) {
		c.refreshLocked(now)
	}
}

// refreshLocked starts a fetch that nobody waits for, or sets the timer for the
// end of the back-off.
func (c *cache) refreshLocked(now time.Time) {
	if c.flight != nil {
		return
	}
	f, _, until := c.openLocked(now)
	switch {
	case f != nil:
		c.startLocked(f)
	case until.After(now):
		c.armLocked(until.Sub(now))
	}
}

// reset ends all back-off.
func (c *cache) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relentLocked()
	c.where.backoff().end()
}

// relentLocked ends the back-off of this credential, and of nobody else.
func (c *cache) relentLocked() {
	c.fails, c.until, c.unaccepted, c.replaced = 0, time.Time{}, 0, time.Time{}
}

// close ends the fetch under way and waits for it.
func (c *cache) close() {
	c.mu.Lock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	c.stop()
	c.wg.Wait()
}
