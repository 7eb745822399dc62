package kuma

import (
	"slices"
	"strconv"
)

// expect takes over the conditions, and keeps in a comment what has no
// counterpart.
func (r *gatusReader) expect(e *Entry, v value) {
	c := &conditions{desk: r.desk}
	for _, text := range v.get("conditions").texts() {
		if why := c.add(text); why != "" {
			r.object(e, "the condition %q did not come over: %s", unmarked(text), why)
		}
	}
	if timeout := v.get("client", "timeout").duration(gatusTimeout); c.longest >= timeout {
		c.longest = 0 // the timeout says it
	}
	r.status(e, c)
	for _, x := range r.expectations(c) {
		e.Fields.Set("expect."+x.Key, x.Value)
	}
	if len(c.certificate) > 0 {
		slices.Sort(c.certificate)
		slices.Reverse(c.certificate)
		e.Fields.Set("certificate_warn", c.certificate)
	}
	if c.length {
		e.Comment("len([BODY]) is taken for the length of a JSON array")
	}
}

// expectations are those but the status.
func (r *gatusReader) expectations(c *conditions) Fields {
	var f Fields
	for _, x := range []struct {
		key  string
		list []string
	}{{"keyword", c.keyword}, {"absent", c.absent}, {"regex", c.regex}, {"absent_regex", c.absentRegex}, {"json", c.json}} {
		if len(x.list) > 0 {
			f.Set(x.key, r.oneOrMore(slices.Compact(x.list)))
		}
	}
	if len(c.headers) > 0 {
		f.Set("headers", c.headers)
	}
	if len(c.notHeaders) > 0 {
		f.Set("absent_headers", c.notHeaders)
	}
	if c.longest > 0 {
		f.Set("max_duration", c.longest)
	}
	return f
}

// oneOrMore writes a list of one as its element.
func (k *desk) oneOrMore(all []string) any {
	if len(all) == 1 {
		return k.raw(all[0])
	}
	return k.raws(all)
}

// status takes over which codes pass. Without a condition on it Gatus takes any.
func (r *gatusReader) status(e *Entry, c *conditions) {
	switch {
	case c.variable != "" && c.status == nil:
		e.Fields.Set("expect.status", r.raw(c.variable))
		return
	case c.variable != "":
		r.object(e, "the condition on the status in %s did not come over beside another", unmarked(c.variable))
	case c.asked && c.status == nil:
		return // what did not come over is said: 2xx has to do
	case c.status == nil:
		e.Fields.Set("expect.status", "200-599")
		e.Comment("it asked for no status, so any passes: a narrower expect.status is better")
		return
	}
	ranges := c.ranges()
	if len(ranges) == 0 {
		r.object(e, "no status can pass its conditions: what holds is 200-299")
	} else if !slices.Equal(ranges, []string{"200-299"}) {
		e.Fields.Set("expect.status", statuses(ranges))
	}
}

// statuses writes statuses as numbers where none is a range, and one as itself.
func statuses(all []string) any {
	var numbers []int
	for _, s := range all {
		if n, err := strconv.Atoi(s); err == nil {
			numbers = append(numbers, n)
		}
	}
	switch {
	case len(all) == 1 && len(numbers) == 1:
		return numbers[0]
	case len(all) == 1:
		return all[0]
	case len(numbers) == len(all):
		return numbers
	}
	return all
}
