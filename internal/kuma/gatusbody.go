package kuma

import (
	"regexp"
	"strconv"
	"strings"
)

// addBody takes in what is expected of the body as a whole, or of what lies at a
// path in it.
func (c *conditions) addBody(x comparison, path string) string {
	if path == "" {
		return c.addWhole(x)
	}
	q, why := c.query(path, x, "")
	if why == "" {
		c.json = append(c.json, q)
	}
	return why
}

// addWhole compares the body without the blanks around it.
func (c *conditions) addWhole(x comparison) string {
	if x.op != "==" && x.op != "!=" {
		q, why := c.query("", x, "")
		if why == "" {
			c.json = append(c.json, q)
		}
		return why
	}
	words, exprs := &c.keyword, &c.regex
	if x.op == "!=" {
		words, exprs = &c.absent, &c.absentRegex
	}
	if glob, ok := function(x.value, "pat"); ok {
		switch word, isWord := globWord(glob); {
		case strings.Trim(glob, "*") == "": // which always holds
			return map[bool]string{true: "nothing can pass it"}[x.op == "!="]
		case isWord:
			*words = append(*words, word)
			return ""
		}
	}
	re, why := textRegex(x.value)
	if why == "" {
		*exprs = append(*exprs, trimmed(re))
	}
	return why
}

// globWord returns the text that a pattern looks for anywhere, if it does no
// more than that.
func globWord(glob string) (string, bool) {
	inner := strings.TrimSuffix(strings.TrimPrefix(glob, "*"), "*")
	return inner, len(glob) == len(inner)+2 && !strings.ContainsAny(inner, `*?[\`)
}

// trimmed lets blanks stand around what a regular expression ties to the ends.
func trimmed(re string) string {
	re = strings.TrimPrefix(re, "(?s)")
	if inner, ok := strings.CutPrefix(re, "^"); ok {
		re = `^\s*` + inner
	}
	if inner, ok := strings.CutSuffix(re, "$"); ok && !strings.HasSuffix(inner, `\`) {
		re = inner + `\s*$`
	}
	return "(?s)" + re
}

// addFunction takes in len() and has().
func (c *conditions) addFunction(x comparison) string {
	for _, fn := range []string{"len", "has"} {
		inner, ok := function(x.what, fn)
		if !ok {
			continue
		}
		name, rest := placeholder(strings.ToUpper(inner))
		path := inner[len(inner)-len(rest):]
		switch {
		case name == "HEADER" && fn == "has":
			return c.hasHeader(x, strings.TrimPrefix(path, "."))
		case name != "BODY":
			return "only the body has a counterpart in " + fn + "()"
		case path == "" && fn == "has":
			return c.hasBody(x)
		}
		c.length = c.length || path == ""
		q, why := c.query(path, x, fn)
		if why == "" {
			c.json = append(c.json, q)
		}
		return why
	}
	return "it is not known here"
}

// wants reads what has() is compared with.
func wants(x comparison) (yes, ok bool) {
	if x.op != "==" && x.op != "!=" || x.value != "true" && x.value != "false" {
		return false, false
	}
	return (x.value == "true") == (x.op == "=="), true
}

func (c *conditions) hasBody(x comparison) string {
	yes, ok := wants(x)
	switch {
	case !ok:
		return "has() is true or false"
	case yes:
		c.regex = append(c.regex, `\S`)
	default:
		c.absentRegex = append(c.absentRegex, `\S`)
	}
	return ""
}

func (c *conditions) hasHeader(x comparison, name string) string {
	yes, ok := wants(x)
	switch {
	case !ok || name == "":
		return "has() is true or false"
	case yes:
		return put(&c.headers, name, ".*")
	default:
		forbid(&c.notHeaders, name, ".*")
		return ""
	}
}

// query writes a condition on JSON in the language of jq.
func (c *conditions) query(path string, x comparison, fn string) (string, string) {
	if before, after, every := strings.Cut(path, "[*]"); every { // of an array that has elements
		list, why := jqPath(before)
		if why != "" {
			return "", why
		}
		inner, why := c.query(after, x, fn)
		return "(" + list + " | length > 0) and all(" + strings.TrimSuffix(list, ".") + iterate(list) + "; " + inner + ")", why
	}
	p, why := jqPath(path)
	if why != "" {
		return "", why
	}
	switch fn {
	case "has":
		yes, ok := wants(x)
		if !ok {
			return "", "has() is true or false"
		}
		return p + map[bool]string{true: " != null", false: " == null"}[yes], ""
	case "len":
		n, err := strconv.Atoi(x.value)
		if err != nil {
			return "", "a length is a whole number"
		}
		return pipe(p) + "length " + x.op + " " + strconv.Itoa(n), ""
	}
	if x.op == "==" || x.op == "!=" {
		return c.equal(p, x)
	}
	if d, ok := milliseconds(x.value); ok {
		return pipe(p) + "tonumber " + x.op + " " + strconv.FormatFloat(float64(d)/1e6, 'f', -1, 64), ""
	}
	return "", "it compares with what is no number"
}

func iterate(list string) string {
	if list == "." {
		return ".[]"
	}
	return "[]"
}

// addPair compares two things of the answer, which both have to lie in its JSON.
func (c *conditions) addPair(x comparison) string {
	const why = "it compares two things of the answer, and only two of its JSON have a counterpart"
	var paths []string
	for _, side := range []string{x.what, x.value} {
		name, rest := placeholder(strings.ToUpper(side))
		path := side[len(side)-len(rest):]
		q, wrong := jqPath(path)
		if name != "BODY" || path == "" || wrong != "" || strings.Contains(path, "[*]") {
			return why
		}
		paths = append(paths, q)
	}
	as := "tonumber"
	if x.op == "==" || x.op == "!=" {
		as = "tostring"
	}
	there := ""
	if x.op == "==" { // what is missing equals nothing
		there = paths[0] + " != null and "
	}
	c.json = append(c.json, there+"("+paths[0]+" | "+as+") "+x.op+" ("+paths[1]+" | "+as+")")
	return ""
}

// pipe leads a value into a filter; the whole needs no leading.
func pipe(path string) string {
	if path == "." {
		return ""
	}
	return path + " | "
}

// equal compares texts, as Gatus does: a number or boolean by how it is written.
func (c *conditions) equal(path string, x comparison) (string, string) {
	not := x.op == "!="
	if glob, ok := function(x.value, "pat"); ok {
		if marked(glob) {
			return "", "a variable cannot stand in a regular expression"
		}
		q := pipe(path) + "tostring | test(" + quoted(globRegex(glob)) + ")"
		if not {
			q += " | not"
		}
		return q, ""
	}
	if list, ok := function(x.value, "any"); ok {
		var all []string
		for s := range strings.SplitSeq(list, ",") {
			all = append(all, ". "+x.op+" "+quoted(strings.TrimSpace(s)))
		}
		glue := map[bool]string{true: " and ", false: " or "}[not]
		return pipe(path) + "tostring | " + strings.Join(all, glue), ""
	}
	_, err := strconv.ParseFloat(x.value, 64)
	switch {
	case x.value == "null":
		return "", "Gatus finds null equal to nothing; has() asks for it"
	case err == nil, x.value == "true", x.value == "false":
		return pipe(path) + "tostring " + x.op + " " + quoted(x.value), ""
	}
	return path + " " + x.op + " " + quoted(x.value), ""
}

// jqPath writes a path of Gatus in the language of jq: "." for none.
func jqPath(path string) (string, string) {
	if marked(path) {
		return "", "its path holds a variable"
	}
	word, index := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`), regexp.MustCompile(`^\[[0-9]+\]`)
	var b strings.Builder
	for rest := strings.TrimPrefix(path, "."); rest != ""; rest = strings.TrimPrefix(rest, ".") {
		if m := index.FindString(rest); m != "" {
			if b.Len() == 0 {
				b.WriteString(".")
			}
			b.WriteString(m)
			rest = rest[len(m):]
			continue
		}
		key, _, _ := strings.Cut(rest, ".")
		if i := strings.Index(key, "["); i > 0 {
			key = key[:i]
		}
		if key == "" || strings.HasPrefix(key, "[") {
			return "", "its path is not known here"
		}
		rest = rest[len(key):]
		if word.FindString(key) == key {
			b.WriteString("." + key)
		} else {
			b.WriteString(`.` + quoted(key))
		}
	}
	if b.Len() == 0 {
		return ".", ""
	}
	return b.String(), ""
}
