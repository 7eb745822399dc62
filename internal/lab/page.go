package lab

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Page says what a page of the [Application] looks like. The zero value is an
// HTML page of 4 KiB in UTF-8 that holds the keyword.
type Page struct {
	// KeywordGone leaves the keyword out.
	KeywordGone bool
	// JSON makes it {"status":"ok","keyword":…} in place of HTML.
	JSON bool
	// Login makes it a sign-in form with a password field, without keyword.
	Login bool
	// Size in bytes of the decoded body, reached by filling; 0 is 4 KiB.
	Size int
	// Text is put into the page beside the keyword.
	Text string
	// Charset "iso-8859-1" encodes keyword and text so. It is told in the
	// header, or with MetaCharset in a meta element only.
	Charset     string
	MetaCharset bool
	// Encoding compresses the body: gzip, deflate (zlib, as RFC 9110 says),
	// or raw-deflate (told as deflate, as some servers do).
	Encoding string
	// Cut resets the connection after so many bytes of the body.
	Cut int
	// Short promises so many bytes more than are sent, then closes.
	Short int
}

const pageSize = 4096

// content is a page ready to be sent.
type content struct {
	kind, length, encoding []string
	body                   []byte
	cut                    int
	short                  bool
}

func (p Page) render(keyword string) (*content, error) {
	body := latin(p.text(keyword), p.Charset)
	body, err := compress(body, p.Encoding)
	if err != nil {
		return nil, err
	}
	c := &content{
		body: body, kind: []string{p.kind()}, length: []string{strconv.Itoa(len(body) + p.Short)},
		cut: p.Cut, short: p.Short > 0,
	}
	if p.Encoding != "" {
		c.encoding = []string{strings.TrimPrefix(p.Encoding, "raw-")}
	}
	return c, nil
}

func (p Page) kind() string {
	kind := "text/html"
	if p.JSON {
		kind = "application/json"
	}
	if p.MetaCharset || p.JSON {
		return kind
	}
	return kind + "; charset=" + cmpOr(p.Charset, "utf-8")
}

func (p Page) text(keyword string) string {
	size := p.Size
	if size == 0 {
		size = pageSize
	}
	switch {
	case p.KeywordGone:
		keyword = "Nothing to see"
	case p.Login:
		return fill("<!DOCTYPE html>\n<html><head>"+p.meta()+"<title>Sign in</title></head><body><form method=\"post\" action=\"/login\">"+
			"<input name=\"username\"><input name=\"password\" type=\"password\"><button>Sign in</button></form>"+p.Text+"\n", "</body></html>\n", size)
	}
	if p.JSON {
		return `{"status":"ok","keyword":` + quoteJSON(keyword) + `,"text":` + quoteJSON(p.Text) + "}\n"
	}
	return fill("<!DOCTYPE html>\n<html><head>"+p.meta()+"<title>Application</title></head><body><h1>"+keyword+"</h1>"+p.Text+"\n", "</body></html>\n", size)
}

func (p Page) meta() string {
	if p.MetaCharset {
		return `<meta charset="` + cmpOr(p.Charset, "utf-8") + `">`
	}
	return ""
}

// fill lengthens a page to size bytes.
func fill(head, tail string, size int) string {
	const line = "<p>All is quiet, and every lamp is lit. The watch goes round.</p>\n"
	var b strings.Builder
	b.WriteString(head)
	for b.Len()+len(line)+len(tail) <= size {
		b.WriteString(line)
	}
	if n := size - b.Len() - len(tail); n > 0 {
		b.WriteString(strings.Repeat(" ", n))
	}
	b.WriteString(tail)
	return b.String()
}

// latin encodes a text whose runes are below 256.
func latin(s, charset string) []byte {
	if !strings.EqualFold(charset, "iso-8859-1") {
		return []byte(s)
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}

func compress(body []byte, encoding string) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "":
		return body, nil
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw-deflate":
		raw, err := flate.NewWriter(&b, flate.DefaultCompression)
		if err != nil {
			return nil, fmt.Errorf("compress a page: %w", err)
		}
		w = raw
	default:
		return nil, fmt.Errorf("compress a page: unknown encoding %q", encoding)
	}
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	return b.Bytes(), nil
}

// write sends the page. Nothing is computed here: the benchmark comes by.
func (c *content) write(w http.ResponseWriter, code int) {
	h := w.Header()
	h["Content-Type"], h["Content-Length"] = c.kind, c.length
	if c.encoding != nil {
		h["Content-Encoding"] = c.encoding
	}
	w.WriteHeader(code)
	if c.cut > 0 && c.cut < len(c.body) {
		w.Write(c.body[:c.cut])               //nolint:errcheck // the connection is dropped anyway
		http.NewResponseController(w).Flush() //nolint:errcheck // as above
		drop(w)
		return
	}
	w.Write(c.body) //nolint:errcheck // a client that leaves early is no concern of a page
	if c.short {
		http.NewResponseController(w).Flush() //nolint:errcheck // net/http closes what promised more than it sent
	}
}
