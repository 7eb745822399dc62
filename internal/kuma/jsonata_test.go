package kuma

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/itchyny/gojq"
	"pgregory.net/rapid"
)

// holds says whether a document passes an expression of jq.
func holds(t *testing.T, expression, document string) bool {
	t.Helper()
	q, err := gojq.Parse(expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	var v any
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		t.Fatal(err)
	}
	results := 0
	for it := q.Run(v); ; results++ {
		got, more := it.Next()
		if !more {
			return results > 0
		}
		if got != true {
			return false
		}
	}
}

// TestJSONQuery: what Uptime Kuma says of an answer, and what ours says of it.
// What is in up, Kuma 2.5 finds up; what is in down, it finds down.
func TestJSONQuery(t *testing.T) {
	for _, tc := range []struct {
		path, operator, expected string
		want                     string
		up, down                 []string
	}{
		{"status", "==", "ok", `.status == "ok"`, []string{`{"status":"ok"}`}, []string{`{"status":"no"}`, `{}`, `{"status":["ok"]}`, `[]`}},
		{"$.a.b", "==", "12", `.a.b | . == 12 or . == "12"`, []string{`{"a":{"b":12}}`, `{"a":{"b":"12"}}`, `{"a":{"b":12.0}}`}, []string{`{"a":{"b":"12.0"}}`, `{"a":{"b":13}}`, `{"a":{}}`, `{"a":null}`}},
		{"a", "==", "true", `.a | . == true or . == "true"`, []string{`{"a":true}`, `{"a":"true"}`}, []string{`{"a":false}`, `{"a":1}`}},
		{"a", "==", "12.0", `.a == "12.0"`, []string{`{"a":"12.0"}`}, []string{`{"a":12}`}},
		{"a", "==", "", `.a == ""`, []string{`{"a":""}`}, []string{`{"a":null}`, `{}`}},
		{"a", "!=", "x", `.a | (type | IN("string", "number", "boolean")) and . != "x"`, []string{`{"a":"y"}`, `{"a":1}`, `{"a":false}`}, []string{`{"a":"x"}`, `{}`, `{"a":null}`, `{"a":{}}`, `{"a":[1]}`}},
		{"a", "!=", "1", `.a | (type | IN("string", "number", "boolean")) and . != 1 and . != "1"`, []string{`{"a":2}`, `{"a":"x"}`}, []string{`{"a":1}`, `{"a":"1"}`, `{"a":1.0}`, `{}`}},
		{"a", "<", "100", `(.a | tonumber) < 100`, []string{`{"a":12}`, `{"a":"12"}`, `{"a":-1}`}, []string{`{"a":100}`, `{"a":"x"}`, `{"a":null}`, `{}`, `{"a":[]}`, `{"a":true}`}},
		{"a", ">=", "1.5", `(.a | tonumber) >= 1.5`, []string{`{"a":1.5}`, `{"a":"2"}`}, []string{`{"a":1}`}},
		{"a", "contains", "b\"c", `.a | (type | IN("string", "number", "boolean")) and (tostring | contains("b\"c"))`, []string{`{"a":"ab\"cd"}`}, []string{`{"a":"abcd"}`, `{"a":["b\"c"]}`, `{}`}},
		{"a", "contains", "ul", `.a | (type | IN("string", "number", "boolean")) and (tostring | contains("ul"))`, []string{`{"a":"null"}`}, []string{`{"a":null}`, `{}`}},
		{"a[0].b", "==", "x", `.a[0].b == "x"`, []string{`{"a":[{"b":"x"}]}`}, []string{`{"a":[]}`, `{"a":[{"b":"y"},{"b":"x"}]}`}},
		{"a[-1]", "==", "x", `.a[-1] == "x"`, []string{`{"a":["y","x"]}`}, []string{`{"a":["x","y"]}`}},
		{"$[0].b", "==", "x", `.[0].b == "x"`, []string{`[{"b":"x"}]`}, []string{`[]`}},
		{"`a-b`.'c d'.\"e\"", "==", "x", `."a-b"."c d"."e" == "x"`, []string{`{"a-b":{"c d":{"e":"x"}}}`}, []string{`{}`}},
		{"größe", "==", "x", `."größe" == "x"`, []string{`{"größe":"x"}`}, []string{`{}`}},
		{"$.checks[name='db'].ms", "==", "100", `[.checks[] | select(.name == "db").ms] | length == 1 and (.[0] | . == 100 or . == "100")`,
			[]string{`{"checks":[{"name":"web","ms":1},{"name":"db","ms":100}]}`}, []string{`{"checks":[{"name":"db","ms":99}]}`, `{"checks":[]}`, `{}`, `{"checks":[{"name":"db","ms":100},{"name":"db","ms":100}]}`}},
		{"$.checks[name=\"db\"].ms", "<", "100", `[.checks[] | select(.name == "db").ms] | length == 1 and (.[0] | tonumber < 100)`,
			[]string{`{"checks":[{"name":"db","ms":99}]}`}, []string{`{"checks":[{"name":"db","ms":100}]}`}},
		{"status = \"ok\"", "==", "true", `.status == "ok"`, []string{`{"status":"ok"}`}, []string{`{}`, `{"status":1}`}},
		{"n > 5", "==", "true", `.n | type == "number" and . > 5`, []string{`{"n":6}`}, []string{`{"n":5}`, `{"n":"6"}`, `{}`}},
		{"n != 5", "==", "true", `.n | . != null and . != 5`, []string{`{"n":6}`}, []string{`{"n":5}`, `{}`}},
		{"n > 5", "==", "false", `(.n | type == "number" and . > 5) | not`, []string{`{"n":5}`}, []string{`{"n":6}`}},
		{"n > 5 and m = 'x'", "==", "true", `(.n | type == "number" and . > 5) and (.m == "x")`, []string{`{"n":6,"m":"x"}`}, []string{`{"n":6}`, `{"m":"x"}`}},
		{"$count(items)", ">", "2", `(.items | if type == "array" then length elif . == null then 0 else 1 end | tonumber) > 2`, []string{`{"items":[1,2,3]}`}, []string{`{"items":[1]}`, `{}`}},
		{"$count(items[ok=true])", "==", "2", `[.items[] | select(.ok == true)] | length | . == 2 or . == "2"`, []string{`{"items":[{"ok":true},{"ok":false},{"ok":true}]}`}, []string{`{"items":[{"ok":true}]}`}},
		{"$count(items) > 0", "==", "true", `.items | if type == "array" then length elif . == null then 0 else 1 end | type == "number" and . > 0`, []string{`{"items":[1]}`}, []string{`{"items":[]}`}},
		{"$sum(l)", "<", "5", `(.l | if type == "array" then add // 0 else . end | tonumber) < 5`, []string{`{"l":[1,2]}`, `{"l":[]}`, `{"l":4}`}, []string{`{"l":[3,2]}`, `{}`, `{"l":null}`}},
		{"$exists(a.b)", "==", "true", `.a.b != null`, []string{`{"a":{"b":0}}`}, []string{`{"a":{}}`, `{}`}},
		{"$contains(a, 'x')", "==", "true", `.a | type == "string" and contains("x")`, []string{`{"a":"axb"}`}, []string{`{"a":"b"}`, `{}`}},
		{"$not(a = 1)", "==", "true", `(.a == 1) | not`, []string{`{"a":2}`}, []string{`{"a":1}`}},
		{"$", ">", "5", `(. | tonumber) > 5`, []string{`6`, `"6"`}, []string{`5`, `{}`}},
	} {
		t.Run(fmt.Sprint(tc.path, tc.operator, tc.expected), func(t *testing.T) {
			e, why := jsonQuery(tc.path, tc.operator, tc.expected)
			if why != "" || e.key != "json" || e.value != tc.want {
				t.Fatalf("got %s %s (%s), want %s", e.key, e.value, why, tc.want)
			}
			for _, doc := range tc.up {
				if !holds(t, e.value, doc) {
					t.Errorf("%s does not pass %s", doc, e.value)
				}
			}
			for _, doc := range tc.down {
				if holds(t, e.value, doc) {
					t.Errorf("%s passes %s", doc, e.value)
				}
			}
		})
	}
}

// What is not certain to mean the same is left to people.
func TestJSONQueryThatIsNone(t *testing.T) {
	for _, path := range []string{"$map(a, function($v) { $v })", "a.b.*", "**.status", "a & b", "a ? 1 : 2", "a[b", "$lowercase(a)", "a.b = c.d", "$$.a", "(a).b", "a + 1", "items[0][x=1][1]", "'text'", "a = 1 or b = 2 and c = 3", "a.", ".a", "$sum(a[x=1].b)"} {
		if e, why := jsonQuery(path, "==", "true"); why == "" {
			t.Errorf("%s became %s", path, e.value)
		}
	}
	for _, tc := range [][3]string{{"a", "<", "x"}, {"a", "<", ""}, {"a", "~", "x"}, {"a = 1", "==", "1"}, {"a = 1", "<", "1"}, {"a", "<", "NaN"}} {
		if e, why := jsonQuery(tc[0], tc[1], tc[2]); why == "" {
			t.Errorf("%v became %s", tc, e.value)
		}
	}
}

// Whatever is asked, what comes of it is jq.
func TestJSONQueryOfAnything(t *testing.T) {
	part := rapid.OneOf(rapid.SampledFrom([]string{"$", ".", "[", "]", "(", ")", "=", "!=", "<", ">=", "and", "or", "a", "b-c", "`a b`", "'x'", `"y"`, "'", "`", `"`, "0", "-1", "1.5", "true", " ", "$count", "$not", "$exists", "$contains", "$number", ",", "größe", "null", "\\"}), rapid.String())
	rapid.Check(t, func(r *rapid.T) {
		path := strings.Join(rapid.SliceOfN(part, 0, 9).Draw(r, "path"), "")
		operator := rapid.SampledFrom([]string{"==", "!=", "<", ">", "<=", ">=", "contains", "x", ""}).Draw(r, "operator")
		e, why := jsonQuery(path, operator, rapid.OneOf(rapid.SampledFrom([]string{"", "1", "true", "1e5", "0x1", "+1", " 1 ", ".5", "1_0", "Infinity", "\\(1)"}), rapid.String()).Draw(r, "expected"))
		switch {
		case why != "":
		case e.key == "json":
			if _, err := gojq.Parse(e.value); err != nil {
				r.Fatalf("%q became %s: %v", path, e.value, err)
			}
		case e.key == "regex" || e.key == "absent_regex":
			if _, err := regexp.Compile(e.value); err != nil {
				r.Fatalf("%q became %s: %v", path, e.value, err)
			}
		}
	})
}
