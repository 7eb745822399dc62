package server

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	keepLogin = 10 * time.Minute // since its last use
	mostKnown = 1024
)

// known remembers logins that were verified, so that bcrypt is not asked with
// every request. The keys are keyed digests; no password is held.
type known struct {
	mu   *sync.Mutex
	last map[[sha256.Size]byte]login
}

type login struct {
	who  identity
	used time.Time
}

func newKnown() known {
	return known{new(sync.Mutex), map[[sha256.Size]byte]login{}}
}

func (k *known) get(key [sha256.Size]byte) (identity, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l, found := k.last[key]
	now := time.Now()
	if !found || now.Sub(l.used) > keepLogin {
		delete(k.last, key)
		return identity{}, false
	}
	l.used = now
	k.last[key] = l
	return l.who, true
}

func (k *known) put(key [sha256.Size]byte, who identity) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	for len(k.last) >= mostKnown {
		k.sweep(now)
	}
	k.last[key] = login{who, now}
}

// sweep forgets what is too old, and the oldest in any case.
func (k *known) sweep(now time.Time) {
	var oldest [sha256.Size]byte
	at := now
	for key, l := range k.last {
		if !l.used.After(at) {
			oldest, at = key, l.used
		}
		if now.Sub(l.used) > keepLogin {
			delete(k.last, key)
		}
	}
	delete(k.last, oldest)
}
