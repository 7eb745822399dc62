package kuma

import (
	"net/http"
	"strings"
)

// fitHead takes out what is expected of the body of an answer to HEAD, which
// check refuses.
func (d *Document) fitHead(e *Entry) {
	if method, _ := e.Fields.Get("method").(string); method != http.MethodHead {
		return
	}
	expect, _ := e.Fields.Get("expect").(Fields)
	for _, key := range []string{"keyword", "absent", "regex", "absent_regex", "json"} {
		if expect.Get(key) != nil {
			expect.Drop(key)
			d.object(e, "expect."+key+" was left out: the answer to HEAD has no body. Ask by GET, and look for it again")
		}
	}
	e.Fields.Drop("expect")
	if len(expect) > 0 {
		e.Fields.Set("expect", expect)
	}
}

// object tells of trouble with an entry: above it, and in the summary.
func (d *Document) object(e *Entry, line string) {
	e.Comment("LOOK: " + line)
	d.look("%s: %s", strings.TrimSpace(e.Name), line)
}
