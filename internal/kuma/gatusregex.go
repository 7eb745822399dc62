package kuma

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// addHeader: a header that is missing fails == here and there, and passes !=.
func (c *conditions) addHeader(x comparison, path string) string {
	name := strings.TrimPrefix(path, ".")
	switch re, why := textRegex(x.value); {
	case x.op != "==" && x.op != "!=":
		return "headers are compared as texts here"
	case why != "":
		return why
	case name == "" || strings.ContainsAny(name, " .:"):
		return "it names no header"
	default:
		if x.op == "!=" {
			forbid(&c.notHeaders, name, re)
			return ""
		}
		return put(&c.headers, name, re)
	}
}

func put(into *Fields, name, re string) string {
	for _, f := range *into {
		switch {
		case !strings.EqualFold(f.Key, name):
		case f.Value == re:
			return ""
		default:
			return "a header has one regular expression here, and another condition has it already"
		}
	}
	*into = append(*into, Field{Key: name, Value: re})
	return ""
}

// forbid adds a regular expression that no value of a header may match.
func forbid(into *Fields, name, re string) {
	for i, f := range *into {
		if strings.EqualFold(f.Key, name) {
			(*into)[i].Value = fmt.Sprintf("%s|%s", f.Value, re)
			return
		}
	}
	*into = append(*into, Field{Key: name, Value: re})
}

// textRegex makes a regular expression of a value that a text as a whole is
// compared with.
func textRegex(value string) (re, why string) {
	if marked(value) {
		return "", "a variable cannot stand in a regular expression"
	}
	if glob, ok := function(value, "pat"); ok {
		return globRegex(glob), ""
	}
	if list, ok := function(value, "any"); ok {
		var all []string
		for s := range strings.SplitSeq(list, ",") {
			all = append(all, regexp.QuoteMeta(strings.TrimSpace(s)))
		}
		return "^(" + strings.Join(all, "|") + ")$", ""
	}
	return "^" + regexp.QuoteMeta(value) + "$", ""
}

// globRegex writes a pattern of Gatus as a regular expression: * is any text, ?
// any character, [a-z] one of them.
func globRegex(glob string) string {
	begin, end := "^", "$"
	if inner, ok := strings.CutPrefix(glob, "*"); ok {
		begin, glob = "", inner
	}
	if inner, ok := strings.CutSuffix(glob, "*"); ok && !strings.HasSuffix(inner, `\`) {
		end, glob = "", inner
	}
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch ch := glob[i]; {
		case ch == '*':
			b.WriteString(".*")
		case ch == '?':
			b.WriteString(".")
		case ch == '[' && strings.Contains(glob[i+1:], "]"):
			end := i + 1 + strings.Index(glob[i+1:], "]")
			b.WriteString("[" + strings.ReplaceAll(glob[i+1:end], `\`, `\\`) + "]")
			i = end
		case ch == '\\' && i+1 < len(glob):
			i++
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return "(?s)" + begin + b.String() + end
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}
