package probes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/watchword/watchword/internal/secret"
)

// That .status == "ok" is false helps nobody: what .status is does. So a query
// that is not true is taken apart, and its sides are put to the document.

const (
	mostOperands = 3
	mostResults  = 3   // of one operand that are shown
	operandRunes = 130 // that the values of all operands have together
	leastToken   = 8   // bytes of a text that may be a token
	quoteShort   = 90  // runes, where several things are quoted in one message
)

// operand is a part of a query: what it is called, and what yields its value.
type operand struct {
	label string
	query *gojq.Query
}

// operands tells the values that a query compares.
func (s *scene) operands(ctx context.Context, q *query, doc any) string {
	ast, err := gojq.Parse(q.text)
	if err != nil {
		return ""
	}
	os := operandsOf(ast)
	os = os[:min(len(os), mostOperands)]
	var told []string
	for _, o := range os {
		if text := s.results(ctx, o, doc, operandRunes/len(os)); text != "" {
			told = append(told, text)
		}
	}
	if len(told) == 0 {
		return ""
	}
	return ": " + strings.Join(told, ", ")
}

// results tells what an operand yields, "" where that says nothing.
func (s *scene) results(ctx context.Context, o operand, doc any, runes int) string {
	code, err := gojq.Compile(o.query)
	if err != nil {
		return ""
	}
	var values []string
	iter := code.RunWithContext(ctx, doc)
	for v, ok := iter.Next(); ok; v, ok = iter.Next() {
		if _, failed := v.(error); failed {
			break
		}
		if len(values) == mostResults {
			values = append(values, "…")
			break
		}
		values = append(values, s.valueOf(o.label, v, runes))
	}
	text := secret.Line(strings.Join(values, ", "), runes)
	switch text {
	case "":
		return shortQuery(o.label) + " yields nothing"
	case o.label: // a constant
		return ""
	}
	return shortQuery(o.label) + " is " + text
}

// operandsOf takes a query apart as far as its value hangs on comparisons.
func operandsOf(q *gojq.Query) []operand {
	var os []operand
	switch {
	case q.Term != nil:
		os = operandsOfTerm(q.Term)
	case q.Op == gojq.OpPipe:
		os = operandsOfPipe(q)
	case q.Op == gojq.OpAnd || q.Op == gojq.OpOr:
		os = append(sideOf(q.Left), sideOf(q.Right)...)
	case q.Op >= gojq.OpEq && q.Op <= gojq.OpLe:
		for _, side := range []*gojq.Query{q.Left, q.Right} {
			if !constant(side) {
				os = append(os, operand{side.String(), side})
			}
		}
	}
	if len(q.FuncDefs) > 0 {
		for i := range os {
			with := *os[i].query
			with.FuncDefs = slices.Concat(q.FuncDefs, with.FuncDefs)
			os[i].query = &with
		}
	}
	return os
}

func operandsOfTerm(t *gojq.Term) []operand {
	switch {
	case len(t.SuffixList) > 0:
	case t.Type == gojq.TermTypeQuery:
		return operandsOf(t.Query)
	case t.Type != gojq.TermTypeFunc || len(t.Func.Args) != 2:
	case t.Func.Name == "all":
		return exceptions(t.Func.Args[0].String(), t.Func.Args[1].String())
	case t.Func.Name == "any":
		return []operand{{t.Func.Args[0].String(), t.Func.Args[0]}}
	}
	return nil
}

// exceptions are those of which something does not hold that should of all.
func exceptions(all, holds string) []operand {
	text := all + " | select(" + holds + " | not)"
	q, err := gojq.Parse(text)
	if err != nil {
		return nil
	}
	return []operand{{text, q}}
}

// operandsOfPipe puts what comes before before each of the operands of what
// follows. Where that is no comparison, such as test("^2"), it is what goes in.
func operandsOfPipe(q *gojq.Query) []operand {
	var os []operand
	bare := len(q.Patterns) == 0
	for _, o := range operandsOf(q.Right) {
		label := o.label
		if bare {
			label = q.Left.String() + " | " + o.label
		}
		os = append(os, operand{label, &gojq.Query{Left: q.Left, Patterns: q.Patterns, Op: gojq.OpPipe, Right: o.query}})
		if o.label == "length" && bare { // of what?
			os = append(os, operand{q.Left.String(), q.Left})
		}
	}
	if len(os) > 0 || !bare {
		return os
	}
	if holds := allOf(q.Right.Term); holds != nil {
		return exceptions(q.Left.String()+" | .[]", holds.String())
	}
	return []operand{{q.Left.String(), q.Left}}
}

// allOf returns what all(…) says of everything, nil for other terms.
func allOf(t *gojq.Term) *gojq.Query {
	if t != nil && t.Type == gojq.TermTypeFunc && t.Func.Name == "all" && len(t.Func.Args) == 1 && len(t.SuffixList) == 0 {
		return t.Func.Args[0]
	}
	return nil
}

// sideOf returns the operands of one side of `and` and `or`, itself if it has none.
func sideOf(q *gojq.Query) []operand {
	if os := operandsOf(q); len(os) > 0 || constant(q) {
		return os
	}
	return []operand{{q.String(), q}}
}

func constant(q *gojq.Query) bool {
	if q.Term == nil || len(q.Term.SuffixList) > 0 {
		return false
	}
	switch q.Term.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return true
	case gojq.TermTypeString:
		return len(q.Term.Str.Queries) == 0
	}
	return false
}

// valueOf is value for what a part of a query yields, which says what it is.
func (s *scene) valueOf(label string, v any, runes int) string {
	if text, ok := v.(string); ok && len(text) >= leastToken && secret.NamesToken(label) {
		return "a text that is not shown"
	}
	return s.value(v, runes)
}

// value returns a value as JSON, fit to be shown.
func (s *scene) value(v any, runes int) string {
	text, err := gojq.Marshal(v)
	if err != nil {
		return "a value that is not JSON"
	}
	return secret.Line(s.quote(string(text)), runes)
}

// keysOf tells which keys a document has, for who looks for another.
func (s *scene) keysOf(doc any) string {
	switch doc := doc.(type) {
	case map[string]any:
		if len(doc) == 0 {
			return "; it is an object without keys"
		}
		keys := slices.Sorted(maps.Keys(doc))
		return fmt.Sprintf("; the keys of the document: %s", secret.Line(s.quote(strings.Join(keys[:min(len(keys), 20)], ", ")), quoteShort))
	case []any:
		return fmt.Sprintf("; the document is a list of %d", len(doc))
	}
	return "; the document is " + s.value(doc, quoteShort/2)
}
