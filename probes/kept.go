package probes

import (
	"sync/atomic"
	"time"
)

// longestKept is how long a connection is kept, at about. Who never shakes hands
// again neither sees that a certificate expired nor that it was renewed.
const longestKept = 5 * time.Minute

// kept says when it is time for another connection. The zero kept has none yet.
type kept struct{ since atomic.Pointer[time.Time] }

// over says whether the connection of a request that begins now is to be its last;
// of several at once it is that of one.
func (k *kept) over() bool {
	now, since := time.Now(), k.since.Load()
	if since != nil && now.Sub(*since) < longestKept {
		return false
	}
	return k.since.CompareAndSwap(since, &now) && since != nil
}
