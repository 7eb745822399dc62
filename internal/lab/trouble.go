package lab

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Trouble says how a handler misbehaves instead of doing its work. The zero
// value is a healthy handler. Slow comes first and combines with all others;
// of the others the first set one in the order of the fields wins.
type Trouble struct {
	// Slow is waited for before anything is answered; it ends early when the
	// client leaves.
	Slow time.Duration
	// Down closes the connection without an answer (a TCP reset where there is
	// TCP).
	Down bool
	// Hang answers nothing until the client leaves or the server is closed.
	Hang bool
	// Status and Body are answered as they are; 0 means the handler does its
	// work. ContentType is "text/html; charset=utf-8" when empty.
	Status      int
	Body        string
	ContentType string
	// RetryAfter is sent with Status when it is not empty.
	RetryAfter string
	// Redirect is answered as Location, with Status or 302.
	Redirect string
}

// Switch holds the [Trouble] of one handler. Its zero value is healthy, it is
// safe for concurrent use and takes effect with the next request.
type Switch struct {
	mu  sync.Mutex
	now atomic.Pointer[Trouble]
}

// Set replaces the trouble as a whole.
func (s *Switch) Set(t Trouble) {
	s.change(func(was *Trouble) { *was = t })
}

// Trouble returns what is set now.
func (s *Switch) Trouble() Trouble {
	if t := s.now.Load(); t != nil {
		return *t
	}
	return Trouble{}
}

// Mend makes the handler healthy again.
func (s *Switch) Mend() { s.now.Store(nil) }

// SetDown closes connections without an answer.
func (s *Switch) SetDown(on bool) { s.change(func(t *Trouble) { t.Down = on }) }

// SetHang leaves requests without an answer.
func (s *Switch) SetHang(on bool) { s.change(func(t *Trouble) { t.Hang = on }) }

// SetSlow delays every answer by d; 0 ends it.
func (s *Switch) SetSlow(d time.Duration) { s.change(func(t *Trouble) { t.Slow = d }) }

// SetStatus answers with code and body; code 0 ends it.
func (s *Switch) SetStatus(code int, body string) {
	s.change(func(t *Trouble) { t.Status, t.Body = code, body })
}

// SetRedirect answers 302 to the URL; an empty one ends it. For another code
// use [Switch.Set].
func (s *Switch) SetRedirect(to string) { s.change(func(t *Trouble) { t.Redirect = to }) }

func (s *Switch) change(edit func(*Trouble)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next Trouble
	if t := s.now.Load(); t != nil {
		next = *t
	}
	edit(&next)
	if next == (Trouble{}) {
		s.now.Store(nil)
		return
	}
	s.now.Store(&next)
}

// intercept answers the request if there is trouble. It returns what it did
// ("" for nothing), as counters name it.
func (s *Switch) intercept(w http.ResponseWriter, r *http.Request) string {
	t := s.now.Load()
	if t == nil {
		return ""
	}
	if t.Slow > 0 || t.Hang {
		readAhead(r)
	}
	if t.Slow > 0 && !pause(r.Context(), t.Slow) {
		return "left"
	}
	switch {
	case t.Down:
		drop(w)
		return "down"
	case t.Hang:
		<-r.Context().Done()
		return "hang"
	case t.Status == 0 && t.Redirect == "":
		return ""
	}
	return t.answer(w)
}

func (t *Trouble) answer(w http.ResponseWriter) string {
	h := w.Header()
	code := t.Status
	if t.Redirect != "" {
		h.Set("Location", t.Redirect)
		if code == 0 {
			code = http.StatusFound
		}
	}
	if t.RetryAfter != "" {
		h.Set("Retry-After", t.RetryAfter)
	}
	if t.Body != "" {
		h.Set("Content-Type", cmpOr(t.ContentType, "text/html; charset=utf-8"))
	}
	h.Set("Content-Length", strconv.Itoa(len(t.Body)))
	w.WriteHeader(code)
	io.WriteString(w, t.Body)
	return "status_" + strconv.Itoa(code)
}

func cmpOr(s, or string) string {
	if s != "" {
		return s
	}
	return or
}

// pause waits for d and reports whether it passed before the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// hang waits for the client to leave.
func hang(r *http.Request) {
	readAhead(r)
	<-r.Context().Done()
}

// readAhead takes a body of up to 1 MiB into memory: net/http only notices that
// a client left once the body is at its end.
func readAhead(r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the client left while sending; whoever reads on will see it
	}
	r.Body = readCloser{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
}

// drop ends the connection without (more of) an answer.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// HTTP/2 cannot be hijacked; this is net/http's documented way to
		// reset a stream.
		panic(http.ErrAbortHandler)
	}
	under := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		under = t.NetConn()
	}
	if tcp, ok := under.(*net.TCPConn); ok {
		// Without linger the kernel sends RST instead of FIN.
		tcp.SetLinger(0) //nolint:errcheck // a connection that is gone already is dropped as well
	}
	under.Close()
}
