package kuma

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// labelSet is what Prometheus knows of a target.
type labelSet map[string]string

// relabel does to a target what relabel_configs say. False where they drop it.
// What it cannot do is told.
func relabel(l labelSet, rules []value, tell func(action string)) bool {
	for _, rule := range rules {
		re, err := regexp.Compile("^(?s:" + cmp.Or(rule.get("regex").text(), "(.*)") + ")$")
		if err != nil {
			tell("regex " + rule.get("regex").text())
			continue
		}
		var parts []string
		for _, name := range rule.get("source_labels").texts() {
			parts = append(parts, l[name])
		}
		glue := ";"
		if s := rule.get("separator"); s.given() {
			glue = s.text()
		}
		joined, goal := strings.Join(parts, glue), rule.get("target_label").text()
		switch action := strings.ToLower(cmp.Or(rule.get("action").text(), "replace")); action {
		case "keep", "drop":
			if re.MatchString(joined) != (action == "keep") {
				return false
			}
		case "keepequal", "dropequal":
			if (joined == l[goal]) != (action == "keepequal") {
				return false
			}
		default:
			l.change(action, re, joined, rule, tell)
		}
	}
	return true
}

// change carries out a rule that changes labels.
func (l labelSet) change(action string, re *regexp.Regexp, joined string, rule value, tell func(string)) {
	goal, made := rule.get("target_label").text(), "$1"
	if r := rule.get("replacement"); r.given() {
		made = r.text()
	}
	switch action {
	case "replace":
		if at := re.FindStringSubmatchIndex(joined); at != nil {
			l.set(string(re.ExpandString(nil, goal, joined, at)), string(re.ExpandString(nil, made, joined, at)))
		}
	case "lowercase":
		l.set(goal, strings.ToLower(joined))
	case "uppercase":
		l.set(goal, strings.ToUpper(joined))
	case "labelmap":
		for _, name := range slices.Sorted(maps.Keys(l)) {
			if re.MatchString(name) {
				l[re.ReplaceAllString(name, made)] = l[name]
			}
		}
	case "labeldrop", "labelkeep":
		maps.DeleteFunc(l, func(name, _ string) bool { return re.MatchString(name) == (action == "labeldrop") })
	default:
		tell("action " + action)
	}
}

func (l labelSet) set(name, value string) {
	if value == "" {
		delete(l, name)
		return
	}
	l[name] = value
}
