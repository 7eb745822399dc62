package probes

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	keepBuffer   = 256 << 10 // a larger buffer is not kept for the next run
	maxEncodings = 4
	maxHint      = 1 << 20  // of a Content-Length that is believed before the body comes
	slack        = 64 << 10 // that a compressed body may be longer than a decoded one
)

// Buffers are the buffers that runs read bodies into. Share one among all
// probes: what is in use is bounded by the runs in flight, not by the monitors.
// The zero Buffers is ready for use.
type Buffers struct{ pool sync.Pool }

type buffer struct {
	b   []byte
	in  *bufio.Reader // before the decoder
	zip *gzip.Reader
}

func (p *Buffers) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, 8<<10)}
}

func (p *Buffers) put(b *buffer) {
	if b == nil || cap(b.b) > keepBuffer {
		return
	}
	b.b = b.b[:0]
	if b.in != nil {
		b.in.Reset(nil)
	}
	p.pool.Put(b)
}

// decodeError says that the body is not in the encoding that the answer names.
type decodeError struct {
	what  string
	short bool // it begins in that encoding, and ends too early
}

func (e *decodeError) Error() string { return e.what }

func (e *decodeError) hint() string {
	if e.short {
		return "the service, or a proxy before it, stopped while it compressed the answer: look at its log"
	}
	return "the service, or a proxy before it, names an encoding that it does not send"
}

// read reads the body of an answer, decoded (RFC 9110, 8.4), up to limit bytes;
// more says that it goes on. What was read before an error stays in b.b. The
// error is a decodeError or that of the connection.
func (b *buffer) read(resp *http.Response, limit int64) (more bool, err error) {
	b.b = b.b[:0]
	source := &wire{r: resp.Body}
	body, err := b.decoder(source, resp.Header["Content-Encoding"], limit)
	if err == nil {
		if n := resp.ContentLength; n > 0 && resp.Body != http.NoBody && body == io.Reader(source) {
			b.b = slices.Grow(b.b, int(min(n, limit, maxHint))+1)
		}
		more, err = b.fill(body, limit)
	}
	switch {
	case source.err != nil:
		return more, source.err
	case err == nil:
		return more, nil
	}
	if e, ok := errors.AsType[*decodeError](err); ok {
		return more, e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return more, &decodeError{fmt.Sprintf("the body ends before the encoding %q that the answer names does", encodingNames(resp.Header["Content-Encoding"])), true}
	}
	return more, &decodeError{what: fmt.Sprintf("the body is not in the encoding %q that the answer names", encodingNames(resp.Header["Content-Encoding"]))}
}

func (b *buffer) fill(body io.Reader, limit int64) (more bool, err error) {
	for {
		if len(b.b) == cap(b.b) {
			b.b = slices.Grow(b.b, 1)
		}
		n, err := body.Read(b.b[len(b.b):cap(b.b)])
		b.b = b.b[:len(b.b)+n]
		if int64(len(b.b)) > limit {
			b.b = b.b[:limit]
			return true, nil
		}
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return false, err
		}
	}
}

// wire remembers how reading from the connection failed: a body that the other
// side cut off is another fault than one that it encoded wrongly.
type wire struct {
	r   io.Reader
	err error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// decoder undoes the encodings in the reverse of their order.
func (b *buffer) decoder(r io.Reader, headers []string, limit int64) (io.Reader, error) {
	names := encodings(headers)
	if len(names) > maxEncodings {
		return nil, &decodeError{what: fmt.Sprintf("the body is encoded %d times over", len(names))}
	}
	for i, name := range slices.Backward(names) {
		// A bomb inside a bomb would else be unpacked in full to give nothing.
		next, err := b.layer(&budget{r, 2*limit + slack}, name, i == len(names)-1)
		if next == nil || err != nil {
			return http.NoBody, err
		}
		r = next
	}
	return r, nil
}

// layer returns nil for an empty body: an answer without one often names an
// encoding all the same.
func (b *buffer) layer(r io.Reader, name string, outer bool) (io.Reader, error) {
	in := b.input(r, outer)
	head, err := in.Peek(2)
	if len(head) == 0 {
		if err == io.EOF {
			err = nil
		}
		return nil, err
	}
	switch name {
	case "gzip", "x-gzip":
		return b.gunzip(in, outer)
	case "deflate": // zlib by RFC 9110; many servers send it raw
		if len(head) == 2 && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
			return zlib.NewReader(in)
		}
		return flate.NewReader(in), nil
	}
	return nil, &decodeError{what: fmt.Sprintf("the body is encoded as %.40q, which was not asked for", name)}
}

func (b *buffer) input(r io.Reader, outer bool) *bufio.Reader {
	if !outer {
		return bufio.NewReader(r)
	}
	if b.in == nil {
		b.in = bufio.NewReader(nil)
	}
	b.in.Reset(r)
	return b.in
}

func (b *buffer) gunzip(in io.Reader, outer bool) (io.Reader, error) {
	if !outer || b.zip == nil {
		z, err := gzip.NewReader(in)
		if err == nil && outer {
			b.zip = z
		}
		return z, err
	}
	return b.zip, b.zip.Reset(in)
}

// budget ends a stream that is longer than its decoded form could be.
type budget struct {
	r    io.Reader
	left int64
}

func (l *budget) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, &decodeError{what: "the encoded body is far longer than what it decodes to"}
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

func encodings(headers []string) []string {
	var names []string
	for _, h := range headers {
		for name := range strings.SplitSeq(h, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && name != "identity" {
				names = append(names, name)
			}
		}
	}
	return names
}

func encodingNames(headers []string) string { return fmt.Sprintf("%.60s", strings.Join(headers, ", ")) }
