package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is one key of a mapping with its value, aliases resolved.
type entry struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// item is a part of a file that is decoded as a whole: a section, a credential,
// a notifier, a monitor.
type item struct {
	src  *source
	node *yaml.Node
	pos  Position // of its key, or of the element of a list
	name string   // its key
	path string   // what messages put before the keys within it
}

func resolve(n *yaml.Node) *yaml.Node {
	for range 100 { // an alias cannot name an alias in YAML; never loop on a library's mistake
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

// inspect reports what is wrong with the YAML itself, in every corner of the
// file, and makes the text of its scalars what was written.
func (l *loader) inspect(s *source, root *yaml.Node, unmask *strings.Replacer) {
	nodes := 0
	open := map[*yaml.Node]bool{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		nodes++
		switch n.Kind {
		case yaml.AliasNode:
			if open[n.Alias] {
				l.complain(s.at(n), fmt.Sprintf("alias %q stands within what it names", n.Value))
				n.Kind, n.Tag, n.Value, n.Alias = yaml.ScalarNode, "!!null", "", nil
			}
			return
		case yaml.MappingNode:
			l.inspectKeys(s, n, unmask)
		case yaml.ScalarNode:
			n.Value = unmask.Replace(n.Value)
		}
		if !knownTag(n) {
			l.complain(s.at(n), fmt.Sprintf("the tag %q is not supported", n.Tag))
		}
		if n.Anchor != "" {
			open[n] = true
			defer delete(open, n)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	s.budget = 200_000 + 50*nodes
}

func knownTag(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!map":
		return n.Kind == yaml.MappingNode
	case "!!seq":
		return n.Kind == yaml.SequenceNode
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge":
		return n.Kind == yaml.ScalarNode
	}
	return false
}

// inspectKeys reports keys that are not text, that stand twice, and merge keys
// with nothing to merge. What it reports it takes out.
func (l *loader) inspectKeys(s *source, m *yaml.Node, unmask *strings.Replacer) {
	first := make(map[string]*yaml.Node, len(m.Content)/2)
	kept := m.Content[:0]
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		k.Value = unmask.Replace(k.Value)
		old := first[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode:
			l.complain(s.at(k), "a key has to be plain text, not "+kind(k))
		case old != nil:
			l.complain(s.at(k), fmt.Sprintf("key %q stands here twice, first at %s", k.Value, s.at(old)))
		case isMerge(k) && !mergeable(v):
			l.complain(s.at(k), "<< merges a mapping, an alias of one or a list of such, not "+kind(resolve(v)))
		default:
			first[k.Value] = k
			kept = append(kept, k, v)
		}
	}
	m.Content = kept
}

func isMerge(k *yaml.Node) bool { return k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" }

func mergeable(v *yaml.Node) bool {
	v = resolve(v)
	if v.Kind != yaml.SequenceNode {
		return v.Kind == yaml.MappingNode
	}
	for _, c := range v.Content {
		if resolve(c).Kind != yaml.MappingNode {
			return false
		}
	}
	return true
}

// entries returns the keys of a mapping, its own before those merged into it.
func (s *source) entries(m *yaml.Node) []entry { return s.entriesWithin(m, 50) }

func (s *source) entriesWithin(m *yaml.Node, depth int) []entry {
	if es, ok := s.merged[m]; ok {
		return es
	}
	es := make([]entry, 0, len(m.Content)/2)
	merges := false
	for i := 0; i+1 < len(m.Content); i += 2 {
		if k := m.Content[i]; isMerge(k) {
			merges = true
		} else {
			es = append(es, entry{k.Value, k, resolve(m.Content[i+1])})
		}
	}
	if merges && depth > 0 {
		es = s.merge(m, es, depth)
		s.merged[m] = es // computed once: merged mappings are shared, and may be merged again
	}
	return es
}

func (s *source) merge(m *yaml.Node, es []entry, depth int) []entry {
	have := make(map[string]bool, len(es))
	for _, e := range es {
		have[e.name] = true
	}
	add := func(from *yaml.Node) {
		for _, e := range s.entriesWithin(resolve(from), depth-1) {
			if s.budget--; s.budget > 0 && !have[e.name] {
				have[e.name] = true
				es = append(es, e)
			}
		}
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if !isMerge(m.Content[i]) {
			continue
		}
		if v := resolve(m.Content[i+1]); v.Kind == yaml.SequenceNode {
			for _, c := range v.Content {
				add(c)
			}
		} else {
			add(v)
		}
	}
	return es
}

// find returns the entry of a mapping with that key.
func (it item) find(key string) (entry, bool) {
	if it.node != nil && it.node.Kind == yaml.MappingNode {
		for _, e := range it.src.entries(it.node) {
			if e.name == key {
				return e, true
			}
		}
	}
	return entry{}, false
}

func (it item) sub(e entry) item { return item{it.src, e.value, it.src.at(e.key), e.name, ""} }

func (it item) has(key string) bool { _, ok := it.find(key); return ok }

// locate returns the place of a path such as "expect.status[1]" within the
// item, or of the nearest part of it that exists.
func (it item) locate(path string) Position {
	pos, _ := it.place(path)
	return pos
}

// place is locate that also says whether the path exists as a whole.
func (it item) place(path string) (pos Position, exact bool) {
	pos, n := it.pos, it.node
	for path != "" && n != nil {
		path = strings.TrimPrefix(path, ".")
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			var e entry
			if e, path = it.src.longest(n, path); e.value != nil {
				pos, next = it.src.at(e.key), e.value
			}
		case yaml.SequenceNode:
			if next, path = element(n, path); next != nil {
				pos, next = it.src.at(next), resolve(next)
			}
		case yaml.ScalarNode:
			return pos, path == "[0]" // one in place of a list
		}
		n = next
	}
	return pos, n != nil
}

// longest returns the entry whose key path begins with, and the rest of path:
// keys may hold dots.
func (s *source) longest(m *yaml.Node, path string) (best entry, rest string) {
	for _, e := range s.entries(m) {
		r, ok := strings.CutPrefix(path, e.name)
		if ok && (r == "" || r[0] == '.' || r[0] == '[') && (best.value == nil || len(e.name) > len(best.name)) {
			best, rest = e, r
		}
	}
	return best, rest
}

func element(n *yaml.Node, path string) (*yaml.Node, string) {
	num, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	i, err := strconv.Atoi(num)
	if !ok || err != nil || i < 0 || i >= len(n.Content) {
		return nil, ""
	}
	return n.Content[i], rest
}
