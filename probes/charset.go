package probes

import (
	"bytes"
	"encoding/binary"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
)

const (
	sniffed = 1024           // bytes searched for a declaration, as browsers do
	mark    = "\xef\xbb\xbf" // the byte order mark in UTF-8
)

// decodeText returns body in UTF-8. Its charset is looked for in the order of
// the HTML standard: byte order mark, Content-Type, the XML declaration or a
// meta element; without any of them it is UTF-8 if it is valid as such, else
// windows-1252. Most bodies are returned as they are.
func decodeText(body []byte, contentType string) []byte {
	if plain(body) {
		return body // no charset in use reads such bytes in another way
	}
	if rest, marked := bytes.CutPrefix(body, []byte(mark)); marked {
		return rest
	}
	e := encodingOf(body, contentType)
	if e == nil || e == encoding.Nop {
		return body
	}
	text, err := e.NewDecoder().Bytes(body)
	if err != nil {
		return body
	}
	return bytes.TrimPrefix(text, []byte(mark))
}

// plain says whether body holds nothing but ASCII. NUL and ESC do not count:
// UTF-16 and ISO-2022-JP are made of ASCII bytes too.
func plain(body []byte) bool {
	rest := body
	for ; len(rest) >= 8; rest = rest[8:] {
		if binary.LittleEndian.Uint64(rest)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range rest {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return bytes.IndexByte(body, 0) < 0 && bytes.IndexByte(body, 0x1b) < 0
}

// encodingOf returns nil for UTF-8 and for what cannot be decoded.
func encodingOf(body []byte, contentType string) encoding.Encoding {
	mediaType, declared := splitType(contentType)
	switch {
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		declared = "utf-16be"
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		declared = "utf-16le"
	}
	if e, known := lookup(declared); known {
		return e
	}
	if strings.HasSuffix(mediaType, "json") {
		return nil // RFC 8259, 8.1
	}
	head := body[:min(len(body), sniffed)]
	if e, known := lookup(xmlEncoding(head)); known {
		return e
	}
	if isHTML(mediaType, head) {
		if e, known := metaEncoding(head); known {
			return e
		}
	}
	if valid(body) {
		return nil
	}
	e, _ := lookup("windows-1252")
	return e
}

// metaEncoding returns what a meta element declares. x/net guesses where none
// does; its guess is told from a declaration by making it guess twice.
func metaEncoding(head []byte) (e encoding.Encoding, known bool) {
	page := append(make([]byte, 0, sniffed), "\xc3\xa9"...)
	for _, c := range head[:min(len(head), sniffed-len(page))] {
		if c >= utf8.RuneSelf {
			c = ' '
		}
		page = append(page, c)
	}
	e, name, _ := charset.DetermineEncoding(page, "") // guesses UTF-8
	page[1] = ' '
	if _, again, _ := charset.DetermineEncoding(page, ""); again != name { // guesses windows-1252
		return nil, false
	}
	return usable(e, name), true
}

// valid says whether body is UTF-8; its last character may be cut.
func valid(body []byte) bool {
	for i := range min(utf8.UTFMax, len(body)) {
		if c := body[len(body)-1-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(body[len(body)-1-i:]) {
				body = body[:len(body)-1-i]
			}
			break
		}
	}
	return utf8.Valid(body)
}

func lookup(label string) (e encoding.Encoding, known bool) {
	if label == "" {
		return nil, false
	}
	e, name := charset.Lookup(label)
	return usable(e, name), name != ""
}

// usable returns nil for UTF-8 and for the encodings that the WHATWG has
// browsers refuse: their text is compared as it came.
func usable(e encoding.Encoding, name string) encoding.Encoding {
	if name == "utf-8" || name == "replacement" {
		return nil
	}
	return e
}

// xmlEncoding returns the encoding named by an XML declaration (XML 1.0, 2.8).
func xmlEncoding(head []byte) string {
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	declaration, _, _ := bytes.Cut(head, []byte("?>"))
	_, after, found := bytes.Cut(declaration, []byte("encoding"))
	if !found {
		return ""
	}
	value := strings.TrimLeft(string(after), " \t\r\n=")
	if value == "" {
		return ""
	}
	label, _, found := strings.Cut(value[1:], value[:1])
	if !found || !strings.ContainsAny(value[:1], `"'`) || strings.HasPrefix(strings.ToLower(label), "utf-16") {
		return "" // a declaration that can be read as ASCII is not in UTF-16
	}
	return label
}

// splitType returns the media type in lower case and the charset of a
// Content-Type; a broken one gives what can be read of it.
func splitType(contentType string) (mediaType, label string) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err == nil {
		return mediaType, params["charset"]
	}
	mediaType, rest, _ := strings.Cut(strings.ToLower(contentType), ";")
	if _, after, found := strings.Cut(rest, "charset="); found {
		label, _, _ = strings.Cut(after, ";")
	}
	return strings.TrimSpace(mediaType), strings.Trim(label, " \t\"'")
}

// isHTML says whether an answer is a page: by its type, or by its looks where
// it has none.
func isHTML(mediaType string, body []byte) bool {
	switch mediaType {
	case "text/html", "application/xhtml+xml":
		return true
	case "", "application/octet-stream", "application/x-unknown-content-type":
		head := bytes.ToLower(bytes.TrimLeft(body[:min(len(body), sniffed)], "\xef\xbb\xbf \t\r\n"))
		return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
	}
	return false
}
