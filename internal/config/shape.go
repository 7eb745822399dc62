package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/secret"
)

// ref is what koanf carries in place of a scalar: the number of a leaf. koanf
// copies what it carries, and would copy a secret.Text to an empty one.
type ref int

// leaf is a scalar that waits to be parsed into the field it is meant for.
type leaf struct {
	spot
	value *yaml.Node
}

// spot is where a value stands.
type spot struct {
	src    *source
	pos    Position // of its key, or of itself in a list
	path   string   // within its item: "expect.status[1]"
	key    string   // the key it stands under: "status"
	parent string   // the key that one stands under: "expect"
	named  bool     // the key is a name of the user's, so that it says nothing of the value
}

func (s spot) under(e entry) spot {
	path := e.name
	if s.path != "" {
		path = s.path + "." + e.name
	}
	return spot{src: s.src, pos: s.src.at(e.key), path: path, key: e.name, parent: s.key}
}

func (s spot) element(i int, n *yaml.Node) spot {
	s.pos, s.path = s.src.at(n), fmt.Sprintf("%s[%d]", s.path, i)
	return s
}

// shape is what the keys of a mapping may be: the fields of a struct, by their
// koanf tags.
type shape struct {
	fields map[string]reflect.Type
	later  map[string]bool // known, and not supported yet
}

func (l *loader) shapeOf(t reflect.Type) shape {
	if s, ok := l.shapes[t]; ok {
		return s
	}
	s := shape{map[string]reflect.Type{}, map[string]bool{}}
	collect(t, s.fields)
	for _, k := range notYet(t) {
		s.later[k] = true
	}
	l.shapes[t] = s
	return s
}

func collect(t reflect.Type, into map[string]reflect.Type) {
	for f := range t.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("koanf"), ",")
		switch {
		case opts == "squash":
			collect(f.Type, into)
		case name != "" && name != "-":
			into[name] = f.Type
		}
	}
}

// known returns all keys there are, of the future too.
func (s shape) known() []string {
	return slices.Sorted(maps.Keys(s.fields))
}

// build turns a node into what koanf carries, as far as it has the shape of t,
// and reports where it has not. False: there is nothing to carry.
func (l *loader) build(n *yaml.Node, t reflect.Type, at spot) (any, bool) {
	if at.src.budget--; at.src.budget < 0 {
		l.exhausted(at.src)
		return nil, false
	}
	n = resolve(n)
	switch {
	case isScalar(t):
		return l.buildScalar(n, t, at)
	case t.Kind() == reflect.Slice:
		return l.buildList(n, t, at)
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		return nil, false // a section with nothing in it
	case n.Kind != yaml.MappingNode:
		l.complain(at.pos, l.label(at)+"a mapping is wanted, not "+kind(n))
		return nil, false
	case t.Kind() == reflect.Map:
		return l.buildMap(n, t, at), true
	default:
		return l.buildStruct(n, t, at), true
	}
}

func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return true // time.Duration among them
	default:
		return t == reflect.TypeFor[secret.Text]()
	}
}

func (l *loader) exhausted(s *source) {
	l.complain(Position{File: s.name, Line: 1, Col: 1}, "the aliases of this file expand to too much")
}

func (l *loader) label(at spot) string {
	if at.path == "" {
		return ""
	}
	return at.path + ": "
}

func (l *loader) buildScalar(n *yaml.Node, t reflect.Type, at spot) (any, bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		l.complain(at.pos, l.label(at)+wanted(t)+" is wanted, not "+kind(n))
	case n.ShortTag() == "!!null":
		l.complain(at.pos, l.label(at)+"there is no value: write one or leave the key out")
	default:
		l.leaves = append(l.leaves, leaf{at, n})
		return ref(len(l.leaves) - 1), true
	}
	l.spoil(at.pos)
	return nil, false
}

func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String || t.Kind() == reflect.Struct:
		return "text"
	default:
		return "a number"
	}
}

// buildList takes one scalar for a list of one.
func (l *loader) buildList(n *yaml.Node, t reflect.Type, at spot) (any, bool) {
	if n.Kind != yaml.SequenceNode {
		if at.parent == "expect" && at.key == "regex" && n.ShortTag() == "!!str" && n.Value == "" {
			return []any{}, true // regex: '' expects nothing, as body: '' sends nothing
		}
		v, ok := l.buildScalar(n, t.Elem(), at)
		if !ok {
			return nil, false
		}
		return []any{v}, true
	}
	list := make([]any, 0, len(n.Content))
	for i, c := range n.Content {
		if v, ok := l.build(c, t.Elem(), at.element(i, c)); ok {
			list = append(list, v)
		}
	}
	return list, true
}

func (l *loader) buildMap(n *yaml.Node, t reflect.Type, at spot) map[string]any {
	m := map[string]any{}
	for _, e := range at.src.entries(n) {
		sub := at.under(e)
		sub.named = true
		if v, ok := l.build(e.value, t.Elem(), sub); ok {
			m[e.name] = v
		}
	}
	return m
}

func (l *loader) buildStruct(n *yaml.Node, t reflect.Type, at spot) map[string]any {
	s := l.shapeOf(t)
	m := map[string]any{}
	for _, e := range at.src.entries(n) {
		sub := at.under(e)
		ft, ok := s.fields[e.name]
		switch {
		case ok:
			if v, ok := l.build(e.value, ft, sub); ok {
				m[e.name] = v
			}
		case s.later[e.name]:
			l.refuse(sub, e.value)
		default:
			l.unknown(sub, s)
		}
	}
	return m
}

func (l *loader) unknown(at spot, s shape) {
	known := s.known()
	if near := nearest(at.key, slices.Concat(known, slices.Sorted(maps.Keys(s.later)))); near != "" {
		l.complain(at.pos, fmt.Sprintf("unknown key %q, did you mean %q?", at.key, near))
		return
	}
	l.complain(at.pos, fmt.Sprintf("unknown key %q; the keys here are %s", at.key, short(known)))
}

// short lists words, not more than a line takes.
func short(words []string) string {
	const most = 40
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " …"
	}
	return strings.Join(words, ", ")
}
