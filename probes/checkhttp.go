package probes

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/internal/transport"
)

// CheckHTTP says what is wrong with the options of an http monitor. It reads
// the files that they name and sends nothing. No message holds the URL, whose
// query and userinfo may be secret.
func CheckHTTP(o HTTPOptions) []check.Problem {
	return append(checkRequest(o), transport.Check(o.Transport())...)
}

// checkRequest is CheckHTTP without what needs files.
func checkRequest(o HTTPOptions) []check.Problem {
	_, wrong := newExpectations(o.Expect)
	return append(append(checkSending(o), wrong...), checkHead(o)...)
}

// checkSending is checkRequest without what is expected of the answer.
func checkSending(o HTTPOptions) []check.Problem {
	var ps []check.Problem
	add := func(path string, err error) {
		if err != nil {
			ps = append(ps, check.Problem{Path: path, Message: err.Error()})
		}
	}
	_, err := Origin(o.URL)
	add("url", err)
	if !httpguts.ValidHeaderFieldName(o.Method) { // a method is a token too
		add("method", fmt.Errorf("%q is not a method", o.Method))
	} else if upper := strings.ToUpper(o.Method); o.Method != upper {
		add("method", fmt.Errorf("methods are case-sensitive: write %s", upper))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		add("headers."+name, checkHeader(name, o.Headers[name]))
	}
	if o.MaxRedirects < 0 || o.MaxRedirects > mostRedirects {
		add("max_redirects", fmt.Errorf("%d is not between 0 and %d", o.MaxRedirects, mostRedirects))
	}
	if o.MaxBody <= 0 || o.MaxBody > largestBody {
		add("max_body", errors.New("it must be between one byte and 1GiB"))
	}
	if !slices.Contains(connections(), o.Connection) {
		add("connection", fmt.Errorf("%q is neither %s", o.Connection, strings.Join(connections(), " nor ")))
	}
	if o.Method == http.MethodConnect {
		add("method", errors.New("CONNECT asks for a tunnel and no answer: for a proxy there is proxy_url"))
	}
	return append(ps, checkBody(o)...)
}

func checkHead(o HTTPOptions) []check.Problem {
	var ps []check.Problem
	if o.Method != http.MethodHead {
		return nil
	}
	e := o.Expect
	for _, k := range []struct {
		key string
		n   int
	}{{"keyword", len(e.Keyword)}, {"absent", len(e.Absent)}, {"regex", len(e.Regex)}, {"absent_regex", len(e.AbsentRegex)}, {"json", len(e.JSON)}} {
		if k.n > 0 {
			ps = append(ps, check.Problem{Path: "expect." + k.key, Message: "the answer to HEAD has no body to look in: use GET"})
		}
	}
	return ps
}

func checkHeader(name string, value secret.Text) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is not the name of a header", name)
	}
	switch http.CanonicalHeaderKey(name) {
	case "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Upgrade":
		return errors.New("this header belongs to the connection and cannot be set")
	}
	if !value.IsLiteral() {
		return nil
	}
	if v, err := value.Reveal(); err != nil || !httpguts.ValidHeaderFieldValue(v) {
		return errors.New("the value holds characters that no header may hold")
	}
	return nil
}

// Origin returns scheme://host:port of a URL, in lower case, with the default
// port filled in (RFC 6454). The error says what is wrong with the URL without
// quoting it.
func Origin(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", errors.New("it cannot be parsed as a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("it must begin with http:// or https://")
	}
	if u.Hostname() == "" {
		return "", errors.New("it names no host")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", errors.New("its port is not between 1 and 65535")
		}
	}
	return originOf(u), nil
}

func originOf(u *url.URL) string { return strings.ToLower(u.Scheme) + "://" + addressOf(u) }

// asSent returns u as it is sent: without userinfo and fragment, the host as DNS
// spells it, and without a default port that is spelt out, which no browser
// sends either: Authelia takes it for another audience.
func asSent(u *url.URL) *url.URL {
	sent := *u
	sent.User, sent.Fragment, sent.RawFragment = nil, "", ""
	sent.RawQuery = queryAsSent(u.RawQuery)
	sent.Host = addressOf(u)
	if host, ok := strings.CutSuffix(sent.Host, ":"+defaultPort(u)); ok {
		sent.Host = host
	}
	return &sent
}

// queryAsSent escapes what no request line can hold, as browsers do
// (https://url.spec.whatwg.org/#query-percent-encode-set): net/http does so with
// the path alone, and a blank would end the line early.
func queryAsSent(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func defaultPort(u *url.URL) string {
	if strings.EqualFold(u.Scheme, "http") {
		return "80"
	}
	return "443"
}

// addressOf returns host:port, the name as DNS spells it.
func addressOf(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	if port == "" {
		port = defaultPort(u)
	}
	return net.JoinHostPort(host, port)
}
