package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/watchword/watchword/internal/check"
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

// flight is one fetch that any number of callers wait for.
type flight struct {
	done      chan struct{}
	token     *token
	finding   *finding
	replacing bool // the gate refused the token before
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

// joinLocked returns the flight under way or a new one, or why there is none.
func (c *cache) joinLocked(now time.Time) (*flight, *finding) {
	if c.flight != nil {
		return c.flight, nil
	}
	if f, _ := c.blockedLocked(now); f != nil {
		return nil, f
	}
	return c.startLocked(), nil
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
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, &finding{reason: check.Internal, message: "the run was cancelled while it waited for a token", err: ctx.Err()}
	}
	return nil, &finding{reason: check.TokenTimeout, waited: true, err: ctx.Err()}
}

// blockedLocked returns why nothing may be fetched now and until when, nil if
// it may. A changed secret ends a back-off.
func (c *cache) blockedLocked(now time.Time) (*finding, time.Time) {
	if c.closed || c.ctx.Err() != nil {
		return &finding{reason: check.Internal, message: "the credential is no longer in use"}, time.Time{}
	}
	own := now.Before(c.until)
	byAll, until := c.where.backoff().blocked(now)
	if !own && byAll == nil {
		return nil, time.Time{}
	}
	if c.secretChanged() {
		c.resetLocked()
		return nil, time.Time{}
	}
	if own {
		return c.last, c.until
	}
	return byAll, until
}

// secretChanged says whether the secrets are others than those of the last
// request. What cannot be read has not changed.
func (c *cache) secretChanged() bool {
	none := fingerprint{}
	if c.print == none {
		return false
	}
	now := c.fetcher.fingerprint()
	return now != none && now != c.print
}

func (c *cache) startLocked() *flight {
	f := &flight{done: make(chan struct{})}
	c.flight = f
	c.wg.Go(func() { c.run(f) })
	return f
}

func (c *cache) run(f *flight) {
	o := c.ask()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(f.done)
	c.flight = nil
	if o.finding != nil {
		f.finding = o.finding
		c.failLocked(o)
		return
	}
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
	blocked, until := c.blockedLocked(now)
	switch {
	case blocked == nil:
		c.startLocked()
	case until.After(now):
		c.armLocked(until.Sub(now))
	}
}

// reset ends all back-off.
func (c *cache) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resetLocked()
}

func (c *cache) resetLocked() {
	c.fails, c.until, c.unaccepted, c.replaced = 0, time.Time{}, 0, time.Time{}
	c.where.backoff().end()
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
