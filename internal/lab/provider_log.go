package lab

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// TokenRequest is one request to the token endpoint, after its answer. Result
// is "ok", the error code answered, or what a [Switch] did: "down", "hang",
// "left" (the client did not wait), "status_503"; also "rate_limited",
// "malformed", "html".
type TokenRequest struct {
	At     time.Time
	Client string
	Result string
}

const keptTokenRequests = 10_000

type tokenLog struct {
	total  atomic.Int64
	mu     sync.Mutex
	last   []TokenRequest // the newest keptTokenRequests, a ring
	next   int
	counts map[string]map[string]int
}

func newTokenLog() *tokenLog { return &tokenLog{counts: map[string]map[string]int{}} }

func (l *tokenLog) arrived() { l.total.Add(1) }

func (l *tokenLog) add(client, result string) {
	at := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := TokenRequest{At: at, Client: client, Result: result}
	if len(l.last) < keptTokenRequests {
		l.last = append(l.last, r)
	} else {
		l.last[l.next] = r
		l.next = (l.next + 1) % keptTokenRequests
	}
	if l.counts[client] == nil {
		l.counts[client] = map[string]int{}
	}
	l.counts[client][result]++
}

// TokenRequests returns how many POSTs have arrived at the token endpoint,
// answered or not.
func (p *Provider) TokenRequests() int { return int(p.log.total.Load()) }

// TokenLog returns the last (up to 10 000) finished token requests, oldest
// first.
func (p *Provider) TokenLog() []TokenRequest {
	l := p.log
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]TokenRequest, 0, len(l.last))
	out = append(out, l.last[l.next:]...)
	return append(out, l.last[:l.next]...)
}

// TokenCount returns how many finished token requests of a client had a
// result; "" stands for any client or any result.
func (p *Provider) TokenCount(client, result string) int {
	l := p.log
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for c, results := range l.counts {
		for r, k := range results {
			if (client == "" || client == c) && (result == "" || result == r) {
				n += k
			}
		}
	}
	return n
}

// TokenCounts returns the finished token requests by client and result.
func (p *Provider) TokenCounts() map[string]map[string]int {
	l := p.log
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]map[string]int{}
	for c, results := range l.counts {
		out[c] = maps.Clone(results)
	}
	return out
}

// ResetCounts forgets all token requests so far.
func (p *Provider) ResetCounts() {
	l := p.log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total.Store(0)
	l.last, l.next, l.counts = nil, 0, map[string]map[string]int{}
}
