package kuma

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// jsonata reads the part of JSONata that is a path, a comparison, or one of a few
// functions, and writes it as jq.
type jsonata struct {
	tokens []string
	at     int
	failed bool
}

// query is a translated expression. Of many, jq yields several values where
// JSONata takes exactly one for it and an error for more.
type query struct {
	jq   string
	many bool
	yes  bool // its value is true or false
}

// translate writes an expression of JSONata as jq; false where it is none of
// those that are known to mean the same.
func translate(expression string) (query, bool) {
	tokens := regexp.MustCompile("`[^`]+`"+`|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\$?[\pL_][\pL\pN_]*|-?\d+(?:\.\d+)?|[$.\[\]()=,]|!=|<=|>=|<|>|\s+|.`).FindAllString(expression, -1)
	p := &jsonata{}
	for _, t := range tokens {
		if strings.TrimSpace(t) != "" {
			p.tokens = append(p.tokens, t)
		}
	}
	q := p.logic()
	return q, !p.failed && p.at == len(p.tokens)
}

func (p *jsonata) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *jsonata) take(t string) bool {
	if p.peek() != t {
		return false
	}
	p.at++
	return true
}

func (p *jsonata) want(t string) {
	if !p.take(t) {
		p.failed = true
	}
}

func (p *jsonata) fail() query {
	p.failed = true
	return query{}
}

// logic reads comparisons with and, or between them.
func (p *jsonata) logic() query {
	q := p.comparison()
	for !p.failed && (p.peek() == "and" || p.peek() == "or") {
		op := p.peek()
		p.at++
		r := p.comparison()
		if !q.yes || !r.yes {
			return p.fail()
		}
		q = query{jq: "(" + q.jq + ") " + op + " (" + r.jq + ")", yes: true}
		if op == "or" || p.peek() == "or" { // which binds first is not worth a mistake
			if p.at < len(p.tokens) {
				return p.fail()
			}
		}
	}
	return q
}

func (p *jsonata) comparison() query {
	q := p.operand()
	op := p.peek()
	switch op {
	case "=", "!=", "<", "<=", ">", ">=":
	default:
		return q
	}
	p.at++
	return p.compare(q, op)
}

// compare reads a literal and compares with it, as JSONata does: what is not
// there is equal to nothing and unequal to nothing, and only numbers compare with
// numbers.
func (p *jsonata) compare(q query, op string) query {
	value, kind := p.literal()
	if p.failed || q.yes {
		return p.fail()
	}
	if q.many {
		q.jq = "[" + q.jq + "] | if length == 1 then .[0] else null end"
	}
	switch {
	case op == "=" && !q.many:
		return query{jq: q.jq + " == " + value, yes: true}
	case op == "=":
		return query{jq: q.jq + " | . == " + value, yes: true}
	case op == "!=":
		return query{jq: q.jq + " | . != null and . != " + value, yes: true}
	case kind == "boolean":
		return p.fail()
	}
	return query{jq: fmt.Sprintf(`%s | type == "%s" and . %s %s`, q.jq, kind, op, value), yes: true}
}

// literal reads a string, number, true or false, and writes it as jq does.
func (p *jsonata) literal() (value, kind string) {
	t := p.peek()
	p.at++
	switch {
	case t == "true" || t == "false":
		return t, "boolean"
	case strings.Trim(t, "-.0123456789") == "" && strings.ContainsAny(t, "0123456789"):
		return t, "number"
	}
	s, ok := unquote(t)
	if !ok {
		p.failed = true
	}
	return jqString(s), "string"
}

// unquote reads a string of JSONata, which is JSON's in either quotes.
func unquote(t string) (s string, ok bool) {
	if len(t) < 2 || t[len(t)-1] != t[0] || t[0] != '"' && t[0] != '\'' {
		return "", false
	}
	body := t[1 : len(t)-1]
	if t[0] == '\'' {
		body = strings.ReplaceAll(strings.ReplaceAll(body, `\'`, `'`), `"`, `\"`)
	}
	return s, json.Unmarshal([]byte(`"`+body+`"`), &s) == nil
}

func (p *jsonata) operand() query {
	t := p.peek()
	if len(t) > 1 && t[0] == '$' {
		return p.function()
	}
	return p.path()
}

// function reads one of the functions that jq has, too.
func (p *jsonata) function() query {
	name := p.peek()
	p.at++
	p.want("(")
	if name == "$not" {
		q := p.logic()
		p.want(")")
		if !q.yes {
			return p.fail()
		}
		return query{jq: "(" + q.jq + ") | not", yes: true}
	}
	q := p.operand()
	var word string
	if name == "$contains" {
		p.want(",")
		var kind string
		if word, kind = p.literal(); kind != "string" {
			return p.fail()
		}
	}
	p.want(")")
	if q.yes || q.many && name != "$count" && name != "$exists" {
		return p.fail()
	}
	return p.call(name, q, word)
}

func (p *jsonata) call(name string, q query, word string) query {
	switch name {
	case "$count":
		if q.many {
			return query{jq: "[" + q.jq + "] | length"}
		}
		return query{jq: q.jq + ` | if type == "array" then length elif . == null then 0 else 1 end`}
	case "$exists":
		if q.many {
			return query{jq: "[" + q.jq + "] | length > 0", yes: true}
		}
		return query{jq: q.jq + " != null", yes: true}
	case "$length":
		return query{jq: q.jq + ` | if type == "string" then length else null end`}
	case "$sum":
		return query{jq: q.jq + ` | if type == "array" then add // 0 else . end`}
	case "$max", "$min":
		return query{jq: q.jq + " | " + name[1:]}
	case "$number":
		return query{jq: q.jq + " | tonumber"}
	case "$string":
		return query{jq: q.jq + ` | if . == null then null else tostring end`}
	case "$contains":
		return query{jq: fmt.Sprintf(`%s | type == "string" and contains(%s)`, q.jq, word), yes: true}
	}
	return p.fail()
}

// path reads names with dots between them, and what stands in brackets.
func (p *jsonata) path() query {
	var q query
	if p.take("$") {
		if q = p.brackets(query{jq: "."}); !p.take(".") {
			return q
		}
		q.jq = strings.TrimSuffix(q.jq, ".")
	}
	for quoted := strings.ContainsAny(p.peek(), `"'`); ; quoted = false {
		name, ok := p.name()
		if quoted && p.peek() != "." { // alone, it is a text and no name
			return p.fail()
		}
		if !ok || p.failed {
			return p.fail()
		}
		q.jq += name
		if q = p.brackets(q); !p.take(".") {
			return q
		}
	}
}

func (p *jsonata) brackets(q query) query {
	for p.peek() == "[" {
		q = p.bracket(q)
	}
	return q
}

// name reads one step and writes it as jq does.
func (p *jsonata) name() (string, bool) {
	t := p.peek()
	p.at++
	if s, ok := unquote(t); ok {
		return "." + jqString(s), true
	}
	if len(t) > 2 && t[0] == '`' {
		return "." + jqString(t[1:len(t)-1]), true
	}
	switch {
	case slices.Contains([]string{"and", "or", "in", "true", "false", "null"}, t):
		return "", false
	case regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(t):
		return "." + t, true
	}
	return "." + jqString(t), regexp.MustCompile(`^[\pL_][\pL\pN_]*$`).MatchString(t)
}

// bracket reads an index, or a condition that picks elements.
func (p *jsonata) bracket(q query) query {
	p.want("[")
	if regexp.MustCompile(`^-?\d+$`).MatchString(p.peek()) {
		index := p.peek()
		p.at++
		p.want("]")
		if q.many { // an index is for each of them in one, for all of them in the other
			return p.fail()
		}
		return query{jq: q.jq + "[" + index + "]"}
	}
	condition := p.logic()
	p.want("]")
	if !condition.yes {
		return p.fail()
	}
	return query{jq: q.jq + "[] | select(" + condition.jq + ") | ", many: true}.trim()
}

// trim leaves the pipe behind a condition to the step that follows.
func (q query) trim() query {
	q.jq = strings.TrimSuffix(q.jq, " | ")
	return q
}
