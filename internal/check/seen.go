package check

import (
	"crypto/tls"
	"time"
)

// Seen is what a run saw on its way, for who wants more than a verdict: the
// metrics of /probe. It is kept nowhere.
type Seen struct {
	Hops      []Hop // one for each request, in their order
	Redirects int   // answers that led elsewhere, followed or not
	Last      *Answer
}

// Hop is how one request fared.
type Hop struct {
	Phases    Phases
	Remote    string // as in Result
	Connected bool   // there was a connection, its handshake made
	Answered  bool   // an answer began to come
}

// Answer is what came back to the last request; nil in Seen: nothing did.
type Answer struct {
	Status   int
	Version  string               // "HTTP/2.0"
	Length   int64                // as the header says, -1 for unknown
	Body     int64                // bytes that were read, decoded
	Modified time.Time            // as the header says, zero for nothing
	TLS      *tls.ConnectionState // nil: plain
}
