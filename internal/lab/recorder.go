package lab

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"
)

// Recorder keeps what arrives at a handler, for tests that prove what did not.
type Recorder struct {
	next http.Handler
	keep int
	mu   sync.Mutex
	seen []Recorded
}

// Recorded is one request.
type Recorded struct {
	At     time.Time
	Method string
	Host   string
	URL    string
	Header http.Header
	Body   string
	TLS    bool
	// ClientCertificate is the common name of the client's certificate.
	ClientCertificate string
}

const keptBody = 64 << 10

// NewRecorder records in front of next (nil answers 200 and nothing) and keeps
// the newest requests.
func NewRecorder(next http.Handler, keep int) *Recorder {
	if next == nil {
		next = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	}
	return &Recorder{next: next, keep: keep}
}

// ServeHTTP records the request with up to 64 KiB of its body and passes it on.
func (c *Recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, keptBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	rec := Recorded{
		At: time.Now(), Method: r.Method, Host: r.Host, URL: r.URL.RequestURI(),
		Header: r.Header.Clone(), Body: string(body), TLS: r.TLS != nil,
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		rec.ClientCertificate = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	c.mu.Lock()
	c.seen = append(c.seen, rec)
	c.seen = c.seen[max(0, len(c.seen)-c.keep):]
	c.mu.Unlock()
	r.Body = readCloser{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	c.next.ServeHTTP(w, r)
}

type readCloser struct {
	io.Reader
	io.Closer
}

// Requests returns what was recorded, oldest first.
func (c *Recorder) Requests() []Recorded {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Recorded(nil), c.seen...)
}

// Reset forgets what was recorded.
func (c *Recorder) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
}
