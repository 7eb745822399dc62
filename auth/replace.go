package auth

import "time"

// replaceGap is how far apart replacements are while some gate accepts what it is
// given.
const replaceGap = 10 * time.Second

// patience is how long to wait before a token is replaced again after so many
// replacements that stayed refused.
func patience(refused int) time.Duration {
	steps := [...]time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	return steps[min(refused, len(steps))-1]
}

// replace is asked for another token than the one of a generation that a gate
// refused. It returns the fetch to wait for, one for all who ask, or that a
// newer token is there already, or neither: none is due. Without fetch only
// what is there or under way counts. During a back-off the fetch is one that
// failed already: why no token can be had tells more than that the old one was
// refused, and all who ask are to say the same.
func (c *cache) replace(generation uint64, fetch bool) (f *flight, newer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.generation > generation && c.token.usable(now) {
		return nil, true
	}
	if c.flight != nil {
		c.flight.replacing = true
		return c.flight, false
	}
	gap := replaceGap
	if c.unaccepted > 0 {
		gap = patience(c.unaccepted)
	}
	if !fetch || !c.replaced.IsZero() && now.Sub(c.replaced) < gap {
		return nil, false
	}
	f, blocked, until := c.openLocked(now)
	if f == nil {
		if until.IsZero() {
			return nil, false
		}
		return landed(blocked), false
	}
	f.replacing = true
	c.startLocked(f)
	return f, false
}

// landed is a fetch that is over and brought no token.
func landed(why *finding) *flight {
	f := &flight{done: make(chan struct{}), finding: why}
	close(f.done)
	return f
}

// accepted is told that a gate took the token of a generation.
func (c *cache) accepted(generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation == c.generation {
		c.unaccepted = 0
	}
}
