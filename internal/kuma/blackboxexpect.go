package kuma

import (
	"fmt"
	"strings"
)

// size writes a number of bytes with the largest unit that it is a multiple of.
func size(n int64) any {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if whole := int64(1) << (30 - 10*i); n%whole == 0 {
			return fmt.Sprintf("%d%s", n/whole, unit)
		}
	}
	return n
}

// expect takes over what fails the probe.
func (r *blackboxReader) expect(e *Entry, h value) {
	if all := h.get("valid_status_codes").texts(); len(all) > 0 {
		e.Fields.Set("expect.status", statuses(all))
	}
	r.versions(e, h)
	for _, x := range [][2]string{{"regex", "fail_if_body_not_matches_regexp"}, {"absent_regex", "fail_if_body_matches_regexp"}} {
		if all := h.get(x[1]).texts(); len(all) > 0 {
			e.Fields.Set("expect."+x[0], r.oneOrMore(all))
		}
	}
	for _, key := range []string{"fail_if_body_json_matches_cel", "fail_if_body_json_not_matches_cel"} {
		if cel := h.get(key).text(); cel != "" {
			r.object(e, "%s: %s — it is CEL and was not translated: write it as jq into expect.json", key, cel)
		}
	}
	r.headers(e, h)
	if h.get("fail_if_ssl").flag(false) {
		r.object(e, "fail_if_ssl did not come over: a URL says whether there is TLS, and a redirect to https is target/redirected")
	}
	if h.get("fail_if_not_ssl").flag(false) {
		if url, _ := e.Fields.Get("url").(string); !strings.HasPrefix(url, "https://") {
			r.object(e, "fail_if_not_ssl did not come over: ask for https:// alone")
		}
	}
}

func (r *blackboxReader) versions(e *Entry, h value) {
	var all []string
	for _, v := range h.get("valid_http_versions").texts() {
		switch v {
		case "HTTP/1.0", "HTTP/1.1":
			all = append(all, strings.TrimPrefix(v, "HTTP/"))
		case "HTTP/2", "HTTP/2.0":
			all = append(all, "2")
		default:
			r.object(e, "the version %s did not come over", v)
		}
	}
	if len(all) > 0 {
		e.Fields.Set("expect.http_version", all)
	}
}

// headers takes over what is expected of headers: one that is missing fails
// unless allow_missing says else.
func (r *blackboxReader) headers(e *Entry, h value) {
	var must, mustNot Fields
	add := func(into *Fields, m value, re string) {
		if why := put(into, m.get("header").text(), re); why != "" {
			r.object(e, "%s: %s did not come over: %s", m.get("header").text(), re, why)
		}
	}
	for _, m := range h.get("fail_if_header_matches").list() {
		forbid(&mustNot, m.get("header").text(), m.get("regexp").text())
		if !m.get("allow_missing").flag(false) {
			add(&must, m, ".*")
		}
	}
	for _, m := range h.get("fail_if_header_not_matches").list() {
		if m.get("allow_missing").flag(false) {
			r.object(e, "fail_if_header_not_matches of %s with allow_missing did not come over: a header that is missing fails here", m.get("header").text())
			continue
		}
		add(&must, m, m.get("regexp").text())
	}
	if len(must) > 0 {
		e.Fields.Set("expect.headers", must)
	}
	if len(mustNot) > 0 {
		e.Fields.Set("expect.absent_headers", mustNot)
	}
}
