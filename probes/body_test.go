package probes_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/watchword/watchword/probes"
)

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func deflated(s string, raw bool) string {
	var b bytes.Buffer
	var w io.WriteCloser = zlib.NewWriter(&b)
	if raw {
		w, _ = flate.NewWriter(&b, 6)
	}
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestEncodings(t *testing.T) {
	page := strings.Repeat("a page that is long enough. ", 500) + "Dashboard"
	bomb := gzipped(strings.Repeat("\x00", 1<<20))
	for _, tc := range []struct{ name, encoding, body, want string }{
		{"none", "", page, "up"},
		{"identity", "identity", page, "up"},
		{"gzip", "gzip", gzipped(page), "up"},
		{"x-gzip in capitals", "X-GZIP", gzipped(page), "up"},
		{"deflate, zlib", "deflate", deflated(page, false), "up"},
		{"deflate, raw", "deflate", deflated(page, true), "up"},
		{"two", "deflate, gzip", gzipped(deflated(page, true)), "up"},
		{"unknown", "br", page, "target/protocol"},
		{"not what it says", "gzip", page, "target/protocol"},
		{"cut short", "gzip", gzipped(page)[:60], "target/protocol"},
		{"wrong checksum", "gzip", gzipped(page)[:len(gzipped(page))-1] + "x", "target/protocol"},
		{"nothing at all", "gzip", "", "content/keyword_missing"},
		{"bomb", "gzip", bomb, "target/body_too_large"},
		{"bomb in a bomb", "gzip, gzip", gzipped(bomb), "target/body_too_large"},
		{"a bomb that unpacks to nothing", "gzip, gzip", gzipped(strings.Repeat(gzipped(""), 1<<14)), "target/protocol"},
		{"too many", "gzip, gzip, gzip, gzip, gzip", "x", "target/protocol"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, answer(200, tc.body, "Content-Encoding", tc.encoding, "Content-Type", "text/plain"))
			o := options(srv.URL, keyword("Dashboard"))
			o.MaxBody = 64 << 10
			for range 2 { // the second run reuses the buffers
				want(t, probe(t, o, nil), tc.want)
			}
		})
	}
}

func TestCharsets(t *testing.T) {
	utf16le, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("Verfügbar")
	sjis, _ := japanese.ShiftJIS.NewEncoder().String("<html>稼働中")
	jis, _ := japanese.ISO2022JP.NewEncoder().String("稼働中")
	latin, _ := charmap.ISO8859_1.NewEncoder().String("Verfügbar")
	cyrillic, _ := charmap.Windows1251.NewEncoder().String("Доступно")
	for _, tc := range []struct{ name, contentType, body, keyword string }{
		{"utf-8, said", "text/html; charset=utf-8", "Verfügbar", "Verfügbar"},
		{"utf-8, not said", "text/html", "Verfügbar", "Verfügbar"},
		{"utf-8 with a mark", "text/html; charset=iso-8859-1", "\xef\xbb\xbfVerfügbar", "Verfügbar"},
		{"utf-8 JSON", "application/json", `"Verfügbar"`, "Verfügbar"},
		{"utf-8 beside a broken byte", "text/html; charset=utf-8", "Verfügbar \xff", "Verfügbar"},
		{"latin-1 by header", "text/html; charset=ISO-8859-1", latin, "Verfügbar"},
		{"latin-1 by a quoted header", `text/plain; charset="iso-8859-1"`, latin, "Verfügbar"},
		{"latin-1 by a broken header", `text/html; charset=iso-8859-1; x`, latin, "Verfügbar"},
		{"latin-1 by meta", "text/html", `<html><meta charset="iso-8859-1">` + latin, "Verfügbar"},
		{"latin-1 by old meta", "text/html", `<html><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">` + latin, "Verfügbar"},
		{"latin-1 by XML", "application/xml", `<?xml version="1.0" encoding='ISO-8859-1'?>` + latin, "Verfügbar"},
		{"latin-1, nothing said", "text/plain", latin, "Verfügbar"},
		{"latin-1, no type at all", "", "<html>" + latin, "Verfügbar"},
		{"windows-1252 quotes", "text/html; charset=windows-1252", "\x93Dashboard\x94", "“Dashboard”"},
		{"windows-1251", "text/html; charset=windows-1251", cyrillic, "Доступно"},
		{"the header goes before meta", "text/html; charset=utf-8", `<meta charset="iso-8859-1">Verfügbar`, "Verfügbar"},
		{"a script's charset is not the page's", "text/html", `<html><script charset="x"></script>` + strings.Repeat(" ", 2000) + "Verfügbar", "Verfügbar"},
		{"Shift_JIS", "text/html; charset=Shift_JIS", sjis, "稼働中"},
		{"Shift_JIS by meta", "text/html", `<meta charset=shift_jis>` + sjis, "稼働中"},
		{"ISO-2022-JP", "text/plain; charset=iso-2022-jp", jis, "稼働中"},
		{"UTF-16 by mark", "text/plain", utf16le, "Verfügbar"},
		{"UTF-16 by header", "text/plain; charset=utf-16le", utf16le[2:], "Verfügbar"},
		{"unknown charset", "text/plain; charset=nope", "Verfügbar", "Verfügbar"},
		{"XML that says UTF-16 and is not", "text/xml", `<?xml version="1.0" encoding="UTF-16"?>Verfügbar`, "Verfügbar"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil
				if tc.contentType != "" {
					w.Header().Set("Content-Type", tc.contentType)
				}
				_, _ = w.Write([]byte(tc.body))
			})
			want(t, probe(t, options(srv.URL, keyword(tc.keyword)), nil), "up")
		})
	}
}

// TestMarkIsNoText: a byte order mark is not what the text begins with, whatever
// it is encoded in.
func TestMarkIsNoText(t *testing.T) {
	for _, endian := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		body, _ := unicode.UTF16(endian, unicode.UseBOM).NewEncoder().String(`{"status":"läuft"}`)
		srv := serve(t, answer(200, body, "Content-Type", "application/json"))
		want(t, probe(t, options(srv.URL, expecting(probes.Expect{JSON: []string{`.status == "läuft"`}, Regex: []string{"^{"}})), nil), "up")
	}
}

// TestCompressionStops: a body that ends too early is not one in another encoding.
func TestCompressionStops(t *testing.T) {
	page := gzipped(strings.Repeat("a page that is long enough. ", 500))
	for body, says := range map[string]string{page[:60]: `ends before the encoding "gzip"`, "plain text": `is not in the encoding "gzip"`} {
		r := probe(t, options(serve(t, answer(200, body, "Content-Encoding", "gzip")).URL), nil)
		if want(t, r, "target/protocol"); r.Fault != nil && !strings.Contains(r.Fault.Message, says) {
			t.Errorf("says %s, want %s", r.Fault.Message, says)
		}
	}
}

func TestMaxBody(t *testing.T) {
	body := "Dashboard" + strings.Repeat(".", 91) // 100 bytes
	for _, tc := range []struct {
		name  string
		limit int64
		o     func(*probes.HTTPOptions)
		want  string
	}{
		{"exactly as long", 100, keyword("nope"), "content/keyword_missing"},
		{"one byte more", 99, keyword("nope"), "target/body_too_large"},
		{"keyword found already", 50, keyword("Dashboard"), "up"},
		{"keyword cut", 8, keyword("Dashboard"), "target/body_too_large"},
		{"absent undecided", 50, absent("Error"), "target/body_too_large"},
		{"absent found already", 50, absent("Dash"), "content/keyword_present"},
		{"absent decided", 100, absent("Error"), "up"},
		{"nothing expected of it", 1, func(*probes.HTTPOptions) {}, "up"},
		{"status decides", 1, status("404"), "target/status"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, h := range []http.HandlerFunc{answer(200, body), answer(200, gzipped(body), "Content-Encoding", "gzip")} {
				o := options(serve(t, h).URL, tc.o)
				o.MaxBody = tc.limit
				want(t, probe(t, o, nil), tc.want)
			}
		})
	}
}
