package kuma

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/machine"
)

// What the readers of YAML share: values of a foreign file, and what they make
// of them.

// A variable of a foreign file stands between these marks while the file is
// read: it is put in before the YAML is parsed there, and here it stays one.
const (
	markBegin = "\ue000"
	markEnd   = "\ue001"
)

// value is a value of a foreign YAML file; of what is not there all methods
// return what says nothing.
type value struct{ node *yaml.Node }

// member is one key of a mapping.
type member struct {
	key   string
	value value
}

// parseForeign parses a YAML file. Where it takes variables ($NAME, ${NAME}, $$
// is a dollar sign), they are marked, and met is told of each; nil: it takes none.
func parseForeign(path string, met func(name string)) (value, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return value{}, fmt.Errorf("%s", machine.Unusable(path, "read", err))
	}
	text := string(b)
	if met != nil {
		text = mark(text, met)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return value{}, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return value{}, nil
	}
	return value{doc.Content[0]}, nil
}

func mark(text string, met func(name string)) string {
	return regexp.MustCompile(`\$\$|\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$[A-Za-z_][A-Za-z0-9_]*`).ReplaceAllStringFunc(text, func(s string) string {
		if s == "$$" {
			return "$"
		}
		name := strings.Trim(s, "${}")
		met(name)
		return markBegin + name + markEnd
	})
}

// marked says whether a text holds a variable.
func marked(s string) bool { return strings.Contains(s, markBegin) }

// resolved follows aliases.
func (v value) resolved() *yaml.Node {
	n := v.node
	for range 100 { // an alias cannot name an alias
		if n == nil || n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

func (v value) given() bool {
	n := v.resolved()
	return n != nil && (n.Kind != yaml.ScalarNode || n.ShortTag() != "!!null")
}

// members returns the keys of a mapping, its own before those merged into it.
func (v value) members() []member { return v.membersWithin(20) }

func (v value) membersWithin(depth int) []member {
	n := v.resolved()
	if n == nil || n.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	var all, merged []member
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, x := n.Content[i], value{n.Content[i+1]}
		if k.ShortTag() != "!!merge" {
			all = append(all, member{k.Value, x})
			continue
		}
		for _, from := range x.list() {
			merged = append(merged, from.membersWithin(depth-1)...)
		}
	}
	for _, m := range merged {
		if !slices.ContainsFunc(all, func(x member) bool { return x.key == m.key }) {
			all = append(all, m)
		}
	}
	return all
}

// get returns what stands under a path of keys.
func (v value) get(keys ...string) value {
	for _, key := range keys {
		all := v.members()
		i := slices.IndexFunc(all, func(m member) bool { return m.key == key })
		if i < 0 {
			return value{}
		}
		v = all[i].value
	}
	return v
}

// list returns the elements of a list; anything else that is given is a list of
// one.
func (v value) list() []value {
	n := v.resolved()
	switch {
	case !v.given():
		return nil
	case n.Kind != yaml.SequenceNode:
		return []value{v}
	}
	all := make([]value, len(n.Content))
	for i, c := range n.Content {
		all[i] = value{c}
	}
	return all
}

// text returns a scalar as it was written, with the marks in it.
func (v value) text() string {
	n := v.resolved()
	if !v.given() || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func (v value) texts() []string {
	var all []string
	for _, x := range v.list() {
		all = append(all, x.text())
	}
	return all
}

// flag returns a boolean, as YAML 1.1 and 1.2 write it.
func (v value) flag(otherwise bool) bool {
	switch strings.ToLower(v.text()) {
	case "true", "yes", "on", "y":
		return true
	case "false", "no", "off", "n":
		return false
	}
	return otherwise
}

func (v value) number(otherwise int) int {
	if n, err := strconv.Atoi(v.text()); err == nil {
		return n
	}
	return otherwise
}

// duration returns a span as Go and Prometheus write it; otherwise where there
// is none.
func (v value) duration(otherwise time.Duration) time.Duration {
	if d, ok := parseSpan(v.text()); ok {
		return d
	}
	return otherwise
}

// parseSpan reads 90s, 1h30m, 2d or 1w.
func parseSpan(s string) (time.Duration, bool) {
	if d, err := time.ParseDuration(s); err == nil {
		return d, d >= 0
	}
	total := time.Duration(0)
	parts := regexp.MustCompile(`^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(.*)$`).FindStringSubmatch(s)
	const day = 24 * time.Hour
	for i, unit := range []time.Duration{365 * day, 7 * day, day} {
		n, err := strconv.Atoi(parts[i+1])
		if err == nil {
			total += time.Duration(n) * unit
		}
	}
	if total == 0 {
		return 0, false
	}
	if parts[4] == "" {
		return total, true
	}
	rest, err := time.ParseDuration(parts[4])
	return total + rest, err == nil && rest >= 0
}
