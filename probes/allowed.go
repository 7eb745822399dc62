package probes

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"github.com/watchword/watchword/internal/check"
)

const (
	mostStars   = 3   // of a host: what they may stand for is tried
	longestName = 253 // bytes (RFC 1035, 2.3.4)
)

// Target reads what a scraper names as its target and returns it as it will be
// sent: in DNS spelling, without a default port, without fragment. Without a
// scheme it is http://, as blackbox_exporter has it. The error quotes nothing of
// the target.
func Target(raw string) (*url.URL, error) {
	if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`).MatchString(raw) {
		raw = "http://" + raw
	}
	if _, err := Origin(raw); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	before, _, _ := strings.Cut(raw, "?")
	switch {
	case err != nil:
		return nil, errors.New("it cannot be parsed as a URL")
	case u.User != nil:
		return nil, errors.New("it holds a user name: a credential of type basic in the module is the place for that")
	case strings.Contains(before, `\`):
		return nil, errors.New(`it holds a \, which programs read differently`)
	}
	u = asSent(u)
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }) {
		return nil, errors.New("its host is not a name that DNS knows")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// Targets are the patterns of allowed_targets. They are matched with a URL as it
// is sent, never with its text.
type Targets struct{ patterns []pattern }

type pattern struct {
	scheme string
	host   []string // labels; "*" is one or more of them
	ip     bool     // host is an IPv4 address of which some numbers may be anything
	port   string   // "*" for any
	path   string   // "" for any
}

// NewTargets reads patterns and says what is wrong with them.
func NewTargets(patterns []string) (*Targets, []check.Problem) {
	var ps []check.Problem
	t := &Targets{}
	for i, raw := range patterns {
		p, err := parsePattern(raw)
		if err != nil {
			ps = append(ps, check.Problem{Path: fmt.Sprintf("allowed_targets[%d]", i), Message: err.Error()})
		}
		t.patterns = append(t.patterns, p)
	}
	return t, ps
}

func parsePattern(raw string) (pattern, error) {
	m := regexp.MustCompile(`^(https?)://(\[[0-9A-Fa-f:.]+\]|[^/\[\]:@?#\\]+)(?::(\*|[0-9]{1,5}))?(/[!-~]*)?$`).FindStringSubmatch(raw)
	if m == nil {
		return pattern{}, fmt.Errorf("%q is no pattern: write scheme://host, and port and path if they matter, such as https://*.example.com/health*", raw)
	}
	p := pattern{scheme: m[1], port: m[3], path: m[4]}
	if p.port == "" {
		p.port = defaultPort(&url.URL{Scheme: p.scheme})
	}
	if p.path == "/*" {
		p.path = ""
	}
	switch {
	case strings.ContainsAny(p.path, `?#\`):
		return p, fmt.Errorf("%q: the query does not count, and a pattern ends with the path", raw)
	case devious(p.path):
		return p, fmt.Errorf("%q: a path with . or .. in it is never asked for", raw)
	}
	var err error
	if p.host, p.ip, err = parseHost(strings.ToLower(m[2])); err != nil {
		return p, fmt.Errorf("%q: %w", raw, err)
	}
	return p, nil
}

func parseHost(host string) (labels []string, ip bool, err error) {
	labels = strings.Split(host, ".")
	switch {
	case strings.HasPrefix(host, "["):
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil {
			return nil, false, errors.New("the host is no IPv6 address")
		}
		return []string{a.String()}, false, nil
	case len(labels) == 4 && regexp.MustCompile(`^[0-9][0-9.*]+$`).MatchString(host):
		return labels, true, nil
	case strings.Count(host, "*") > mostStars:
		return nil, false, fmt.Errorf("the host has more than %d *", mostStars)
	case host != "*" && strings.Contains(labels[len(labels)-1], "*"):
		return nil, false, errors.New("with * as its end the host would match names that belong to strangers")
	}
	for i := range labels {
		if labels[i], err = parseLabel(labels[i]); err != nil {
			return nil, false, err
		}
	}
	return labels, false, nil
}

// parseLabel returns a part of a name as DNS spells it.
func parseLabel(l string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(l)
	switch {
	case l == "":
		return "", errors.New("the host has an empty part between its dots")
	case err == nil && !strings.Contains(ascii, "."):
		return ascii, nil
	case strings.ContainsFunc(l, func(r rune) bool { return r > '~' }):
		return "", errors.New("the host is not a name that DNS knows")
	}
	return l, nil // with * or _
}

// Allow says whether one of the patterns matches u, which Target returned.
func (t *Targets) Allow(u *url.URL) bool {
	return slices.ContainsFunc(t.patterns, func(p pattern) bool {
		path := u.EscapedPath()
		return p.leads(u) && (p.path == "" || !devious(path) && glob(p.path, path))
	})
}

// AllowOrigin says whether one of the patterns matches the origin of u, whatever
// its path: where a redirect leads is for the allowed target to say.
func (t *Targets) AllowOrigin(u *url.URL) bool {
	u = asSent(u)
	return slices.ContainsFunc(t.patterns, func(p pattern) bool { return p.leads(u) })
}

// Anywhere returns the first pattern that any host matches, -1 for none.
func (t *Targets) Anywhere() int {
	return slices.IndexFunc(t.patterns, func(p pattern) bool { return len(p.host) == 1 && p.host[0] == "*" })
}

// Plain returns the patterns over plain http: their hosts, by their number.
func (t *Targets) Plain() map[int]string {
	plain := map[int]string{}
	for i, p := range t.patterns {
		if p.scheme == "http" {
			plain[i] = strings.Join(p.host, ".")
		}
	}
	return plain
}

func (p pattern) leads(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		port = defaultPort(u)
	}
	return p.scheme == strings.ToLower(u.Scheme) && (p.port == "*" || p.port == port) && p.matchesHost(u.Hostname())
}

func (p pattern) matchesHost(host string) bool {
	a, err := netip.ParseAddr(host)
	switch {
	case len(p.host) == 1 && p.host[0] == "*":
		return true
	case len(host) > longestName:
		return false
	case p.ip && (err != nil || !a.Is4()):
		return false
	case err == nil && !p.ip: // an address has no labels
		return len(p.host) == 1 && p.host[0] == a.String()
	}
	return labels(p.host, strings.Split(host, "."), p.ip)
}

// labels matches the parts of a name. A * that is a whole part stands for one or
// more of them, in an address for one; another for characters of its part.
func labels(want, have []string, one bool) bool {
	if len(want) == 0 || len(have) == 0 {
		return len(want) == len(have)
	}
	if have[0] == "" || !glob(want[0], have[0]) {
		return false
	}
	return labels(want[1:], have[1:], one) || want[0] == "*" && !one && labels(want, have[1:], one)
}

// glob matches a text with a pattern in which * is any run of characters.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok || last == 0 {
		return ok && text == ""
	}
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// devious says whether a path may mean another than it says to some server: it
// goes up, or hides a slash.
func devious(path string) bool {
	lower := strings.ToLower(path)
	for _, hidden := range []string{"%2f", "%5c", "%00", "%25", `\`} {
		if strings.Contains(lower, hidden) {
			return true
		}
	}
	for segment := range strings.SplitSeq(lower, "/") {
		plain, err := url.PathUnescape(segment)
		name, _, _ := strings.Cut(plain, ";") // parameters, to some
		if err != nil || name == "." || name == ".." {
			return true
		}
	}
	return false
}
