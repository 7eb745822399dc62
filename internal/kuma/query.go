package kuma

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// expectation is what a json-query becomes.
type expectation struct {
	key   string // "json", "regex" or "absent_regex", under expect
	value string
}

// jsonQuery writes a JSON query of Uptime Kuma as an expectation of ours, or
// says why it cannot be.
//
// Kuma compares texts: the value found and the one expected are both turned into
// one, for < and > into numbers then. What is missing, null, a list or an object
// is a failure, whatever the operator.
func jsonQuery(path, operator, expected string) (e expectation, why string) {
	if path = strings.TrimSpace(path); path == "" || path == "$" {
		if e, ok := wholeBody(operator, expected); ok {
			return e, ""
		}
		path = "$"
	}
	q, ok := translate(path)
	switch {
	case !ok:
		return e, "it is more than a path or a comparison: write it in jq by hand"
	case q.yes:
		jq, why := truth(q, operator, expected)
		return expectation{"json", jq}, why
	}
	condition, why := condition(operator, expected)
	if why != "" {
		return e, why
	}
	if q.many {
		return expectation{"json", fmt.Sprintf("[%s] | length == 1 and (.[0] | %s)", q.jq, condition)}, ""
	}
	if plain := ". == " + jqString(expected); condition == plain {
		return expectation{"json", q.jq + strings.TrimPrefix(plain, ".")}, ""
	}
	if rest, ok := strings.CutPrefix(condition, "tonumber"); ok {
		return expectation{"json", "(" + q.jq + " | tonumber)" + rest}, ""
	}
	return expectation{"json", q.jq + " | " + condition}, ""
}

// wholeBody is for a query of the whole answer, which need not be JSON then.
func wholeBody(operator, expected string) (expectation, bool) {
	whole := `\A\s*(?:` + regexp.QuoteMeta(expected) + `|` + regexp.QuoteMeta(jqString(expected)) + `)\s*\z`
	switch operator {
	case "==":
		return expectation{"regex", whole}, true
	case "!=":
		return expectation{"absent_regex", whole}, true
	case "contains":
		if expected == "" {
			return expectation{}, false
		}
		return expectation{"keyword", expected}, true
	}
	return expectation{}, false
}

// truth is for a query that is a comparison itself, so that what is found is
// true or false.
func truth(q query, operator, expected string) (jq, why string) {
	wanted := expected == "true"
	if operator == "!=" {
		wanted = !wanted
	}
	switch {
	case operator != "==" && operator != "!=" || expected != "true" && expected != "false":
		return "", "it yields true or false, and is compared with something else"
	case wanted:
		return q.jq, ""
	}
	return "(" + q.jq + ") | not", ""
}

// condition writes the comparison with what is found, which is . there.
func condition(operator, expected string) (jq, why string) {
	const known = `(type | IN("string", "number", "boolean")) and `
	switch operator {
	case "==":
		if v, ok := typed(expected); ok {
			return fmt.Sprintf(". == %s or . == %s", v, jqString(expected)), ""
		}
		return ". == " + jqString(expected), ""
	case "!=":
		if v, ok := typed(expected); ok {
			return fmt.Sprintf("%s. != %s and . != %s", known, v, jqString(expected)), ""
		}
		return known + ". != " + jqString(expected), ""
	case "contains":
		return fmt.Sprintf("%s(tostring | contains(%s))", known, jqString(expected)), ""
	case "<", "<=", ">", ">=":
		if n, err := strconv.ParseFloat(strings.TrimSpace(expected), 64); err != nil || n-n != 0 || strings.ContainsAny(expected, "xX_pP") {
			return "", "what is expected is no number, so that it fails in Uptime Kuma always"
		}
		return fmt.Sprintf("tonumber %s %s", operator, strings.TrimPrefix(strings.TrimSpace(expected), "+")), ""
	}
	return "", "its operator is not known"
}

// typed returns what JavaScript writes as exactly this text, beside the text
// itself: a number, true or false.
func typed(s string) (string, bool) {
	if s == "true" || s == "false" {
		return s, true
	}
	if regexp.MustCompile(`^(0|-?[1-9]\d{0,14})$|^-?(0|[1-9]\d{0,9})\.\d{0,5}[1-9]$`).MatchString(s) {
		return s, true
	}
	return "", false
}

// jqString writes a string for jq: as JSON, which never puts a lone backslash
// before a parenthesis, where jq would begin to interpolate.
func jqString(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}
