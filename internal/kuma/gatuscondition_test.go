package kuma

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/itchyny/gojq"
)

// TestGatusConditions: what a condition becomes, in words of ours.
func TestGatusConditions(t *testing.T) {
	for condition, want := range map[string]string{
		"[STATUS] == 200":                                    "status [200]",
		"200 == [status]":                                    "status [200]",
		"[STATUS] == any(200, 204,404)":                      "status [200 204 404]",
		"[STATUS] != 404":                                    "status [200-403 405-599]",
		"[STATUS] < 300":                                     "status [200-299]",
		"300 > [STATUS]":                                     "status [200-299]",
		"[STATUS] <= 0x12b":                                  "status []", // what is no decimal number is 0 there, too
		"[STATUS] == pat(4*)":                                "status [400-499]",
		"[BODY] == pat(*up*)":                                "keyword [up]",
		"[BODY] != pat(*down*)":                              "absent [down]",
		"[BODY] == pat(<html>*)":                             `regex [(?s)^\s*<html>]`,
		"[BODY] == pat(*</html>)":                            `regex [(?s)</html>\s*$]`,
		"[BODY] == pat(*a*b?[cd]*)":                          `regex [(?s)a.*b.[cd]]`,
		"[BODY] == a.b$":                                     `regex [(?s)^\s*a\.b\$\s*$]`,
		"[BODY] == any(ok, fine)":                            `regex [(?s)^\s*(ok|fine)\s*$]`,
		"[BODY] != ok":                                       `absent_regex [(?s)^\s*ok\s*$]`,
		"has([BODY]) == true":                                `regex [\S]`,
		"[BODY].status == UP":                                `json [.status == "UP"]`,
		`[BODY].a == say "hi"`:                               `json [.a == "say \"hi\""]`,
		"[BODY].n != 5":                                      `json [.n | tostring != "5"]`,
		"[BODY].a.b-c[0].d >= 1.5":                           `json [.a."b-c"[0].d | tonumber >= 1.5]`,
		"[BODY].t < 5m":                                      `json [.t | tonumber < 300000]`,
		"len([BODY].items) == 0":                             `json [.items | length == 0]`,
		"has([BODY].error) != true":                          `json [.error == null]`,
		"[BODY].items[*].s == UP":                            `json [(.items | length > 0) and all(.items[]; .s == "UP")]`,
		"[RESPONSE_TIME] < 500":                              "max_duration 500ms",
		"1s > [RESPONSE_TIME]":                               "max_duration 1s",
		"[CERTIFICATE_EXPIRATION] > 48h":                     "certificate_warn [48h0m0s]",
		"[CONNECTED] == true":                                "",
		"[HEADER].Content-Type == pat(text/html*)":           "headers [{Content-Type (?s)^text/html }]",
		"[HEADER].X-A != 1":                                  "absent_headers [{X-A ^1$ }]",
		"has([HEADER].X-A) == false":                         "absent_headers [{X-A .* }]",
		"[BODY].a == [BODY].b.c":                             `json [.a != null and (.a | tostring) == (.b.c | tostring)]`,
		"[BODY].a >= [body][0].b":                            `json [(.a | tonumber) >= (.[0].b | tonumber)]`,
		"[STATUS] == [BODY].code":                            "why it compares two things of the answer, and only two of its JSON have a counterpart",
		"[BODY].a == [HEADER].b":                             "why it compares two things of the answer, and only two of its JSON have a counterpart",
		"len([BODY].a) == [BODY].n":                          "why it compares two things of the answer, and only two of its JSON have a counterpart",
		"[BODY].a == [b]":                                    `json [.a == "[b]"]`,
		"[BODY] == pat(*)":                                   "",
		"[BODY].a == null":                                   "why Gatus finds null equal to nothing; has() asks for it",
		"[RESPONSE_TIME] > 5":                                "why only an upper limit of the time has a counterpart",
		"[DOMAIN_EXPIRATION] > 720h":                         "why Watchword does not look after the expiry of domains",
		"[CONTEXT].a == 1":                                   "why it is not known here",
		"[STATUS]":                                           "why it compares nothing",
		"age([BODY].t) < 1h":                                 "why it is not known here",
		"[BODY] == pat(*" + markBegin + "A" + markEnd + "?)": "why a variable cannot stand in a regular expression",
	} {
		c := &conditions{}
		got := ""
		if why := c.add(condition); why != "" {
			got = "why " + why
		}
		for name, list := range map[string]any{
			"keyword": c.keyword, "absent": c.absent, "regex": c.regex, "absent_regex": c.absentRegex, "json": c.json,
			"headers": c.headers, "absent_headers": c.notHeaders, "certificate_warn": c.certificate,
		} {
			if s := fmt.Sprint(list); s != "[]" {
				got += name + " " + s
			}
		}
		if c.status != nil {
			got += fmt.Sprint("status ", c.ranges())
		}
		if c.longest > 0 {
			got += fmt.Sprint("max_duration ", c.longest)
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", condition, got, want)
		}
	}
}

// TestGatusJSON: the queries say of a body what Gatus says.
func TestGatusJSON(t *testing.T) {
	for _, c := range []struct {
		condition, body string
		want            bool
	}{
		{"[BODY].status == UP", `{"status":"UP"}`, true}, {"[BODY].status == UP", `{}`, false}, {"[BODY].status != UP", `{}`, true},
		{"[BODY].n == 5", `{"n":5}`, true}, {"[BODY].n == 5", `{"n":"5"}`, true}, {"[BODY].n != 5", `{"n":6}`, true},
		{"[BODY].ok == true", `{"ok":true}`, true}, {"[BODY].ok == true", `{"ok":false}`, false},
		{"[BODY].a.b-c[0].d == x", `{"a":{"b-c":[{"d":"x"}]}}`, true}, {"[BODY][0].id == 1", `[{"id":1}]`, true},
		{"len([BODY].items) == 2", `{"items":[1,2]}`, true}, {"len([BODY].name) > 3", `{"name":"abcd"}`, true}, {"len([BODY]) == 2", `[1,2]`, true},
		{"has([BODY].e) == false", `{}`, true}, {"has([BODY].e) != true", `{"e":1}`, false},
		{"[BODY].n < 5m", `{"n":299999}`, true}, {"[BODY].n > 5", `{"n":"7"}`, true}, {"5 < [BODY].n", `{"n":7}`, true}, {"[BODY] > 5", `7`, true},
		{"[BODY].name == pat(jo*n)", `{"name":"john"}`, true}, {"[BODY].name == pat(jo?n)", `{"name":"jon"}`, false}, {"[BODY].name != pat(*x*)", `{"name":"abc"}`, true},
		{"[BODY].s == any(a, b)", `{"s":"b"}`, true}, {"[BODY].s != any(a, b)", `{"s":"b"}`, false}, {"[BODY].s != any(a, b)", `{"s":"c"}`, true},
		{"[BODY].items[*].s == UP", `{"items":[{"s":"UP"},{"s":"UP"}]}`, true}, {"[BODY].items[*].s == UP", `{"items":[]}`, false},
		{"[BODY].items[*].s == any(a,b)", `{"items":[{"s":"a"},{"s":"c"}]}`, false}, {"[BODY][*].x[*].y > 1", `[{"x":[{"y":2}]}]`, true},
		{"[BODY][*].x[*].y > 1", `[{"x":[{"y":2},{"y":1}]}]`, false},
		{"[BODY].a == [BODY].b", `{"a":1,"b":"1"}`, true}, {"[BODY].a == [BODY].b", `{}`, false}, {"[BODY].a != [BODY].b", `{"a":1,"b":2}`, true}, {"[BODY].a < [BODY].b", `{"a":9,"b":10}`, true},
	} {
		x := &conditions{}
		if why := x.add(c.condition); why != "" || len(x.json) != 1 {
			t.Errorf("%s: %s, %v", c.condition, why, x.json)
			continue
		}
		q, err := gojq.Parse(x.json[0])
		if err != nil {
			t.Errorf("%s: %s: %v", c.condition, x.json[0], err)
			continue
		}
		var body any
		if err := json.Unmarshal([]byte(c.body), &body); err != nil {
			t.Fatal(err)
		}
		if got, _ := q.Run(body).Next(); got != c.want {
			t.Errorf("%s on %s: %s gives %v, want %v", c.condition, c.body, x.json[0], got, c.want)
		}
	}
}
