package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	orderedmap "github.com/pb33f/ordered-map/v2"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
)

// SchemaFile is where the schema lies, in the repository.
const SchemaFile = "internal/config/schema.json"

// Key is one key of the configuration, for people.
type Key struct {
	Section string // the path of the mapping that is documented as a whole: "credentials.NAME"
	Path    string // within it: "tls.ca_file"
	Kind    string // "duration", "list of text"
	Values  []string
	Default string // as it is written in YAML; "" for none
	Needed  bool
	Types   []string // that it belongs to; nil: all
	With    check.With
	Instead string
	Help    string
}

// maker makes a schema and collects the keys on its way.
type maker struct {
	d       config.Description
	section string
	flat    bool // of `defaults`: nothing is needed there, and no key depends on another
	keys    []Key
}

// place is where a mapping stands, and what is known of its keys.
type place struct {
	prefix   string               // of paths within the part
	known    map[string]check.Key // by path
	defaults reflect.Value        // of the struct; invalid if there are none
}

// Schema returns the JSON Schema (draft 2020-12) of the configuration, and its
// keys in the order of the structs. The help texts are the comments in the source
// under root.
func Schema(root string, d config.Description) ([]byte, []Key, error) {
	help := &comments{root: root, fields: map[string]map[string]string{}}
	r := jsonschema.Reflector{FieldNameTag: "koanf", DoNotReference: true, Anonymous: true, RequiredFromJSONSchemaTags: true, Mapper: scalar, LookupComment: help.of}
	s := r.ReflectFromType(d.Document)
	if err := help.err(); err != nil {
		return nil, nil, err
	}
	m := &maker{d: d}
	m.mapping(s, d.Document, place{})
	s.Title = "Configuration of Watchword"
	s.Extras = map[string]any{"type": []string{"object", "null"}}
	s.PatternProperties["^x-"] = &jsonschema.Schema{Description: "Ignored: a home for anchors."}
	inherited(s)
	text, err := pretty(s)
	return text, m.keys, err
}

// pretty writes a schema as people read it: the library escapes for HTML.
func pretty(s *jsonschema.Schema) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(plain), "", "  "); err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// mapping dresses the schema that the library made of a struct.
func (m *maker) mapping(s *jsonschema.Schema, t reflect.Type, at place) {
	if ks, ok := m.d.Keys[t]; ok {
		at.known, at.prefix = map[string]check.Key{}, ""
		for _, k := range ks {
			at.known[k.Path] = k
		}
	}
	if d, ok := m.d.Defaults[t]; ok {
		at.defaults = reflect.ValueOf(d)
	}
	s.Type, s.Extras = "", map[string]any{"type": []string{"object", "null"}}
	s.AdditionalProperties = jsonschema.FalseSchema
	s.PatternProperties = m.later(t)
	for f := range t.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("koanf"), ",")
		if name == "-" {
			continue // no key
		}
		in := at
		if in.defaults.IsValid() {
			in.defaults = at.defaults.FieldByName(f.Name)
		}
		if opts == "squash" {
			m.squash(s, f, in)
		} else {
			m.key(s, f.Type, name, in)
		}
	}
}

// squash takes the keys of an inner struct for those of the outer.
func (m *maker) squash(s *jsonschema.Schema, f reflect.StructField, at place) {
	inner, _ := s.Properties.Get(f.Name)
	s.Properties.Delete(f.Name)
	m.mapping(inner, f.Type, at)
	for k, v := range inner.Properties.FromOldest() {
		s.Properties.Set(k, v)
	}
	maps.Copy(s.PatternProperties, inner.PatternProperties)
	s.Required = append(s.Required, inner.Required...)
}

// key dresses one key of a mapping by its Go type.
func (m *maker) key(s *jsonschema.Schema, t reflect.Type, name string, at place) {
	p, _ := s.Properties.Get(name)
	path := at.prefix + name
	k := at.known[path]
	if outer, _, nested := strings.Cut(path, "."); nested && k.Types == nil {
		k.Types = at.known[outer].Types
	}
	switch {
	case scalar(t) != nil:
		m.limit(p, t, k, name)
		m.standard(p, at.defaults, k, name)
	case t.Kind() == reflect.Slice && scalar(t.Elem()) != nil:
		m.limit(p.Items, t.Elem(), k, name)
		list := orList(p.Items)
		list.Description = p.Description
		*p = *list
		m.standard(p, at.defaults, k, name)
	case t.Kind() == reflect.Struct:
		at.prefix = path + "."
		m.part(p, t, name, at)
		return
	default:
		m.collection(p, t, path)
	}
	if k.Required && !m.flat {
		s.Required = append(s.Required, name)
	}
	m.note(p, path, k)
}

// part dresses a mapping within another, as a section of its own where it stands
// at the top.
func (m *maker) part(p *jsonschema.Schema, t reflect.Type, name string, at place) {
	if m.section != "" {
		m.mapping(p, t, at)
		return
	}
	m.note(p, name, check.Key{})
	m.section, m.flat = name, t == m.d.Monitor
	was := len(m.keys)
	m.mapping(p, t, place{})
	if m.flat { // they are those of a monitor, and documented there
		m.keys = m.keys[:was]
		for _, key := range m.d.NotInDefaults {
			p.Properties.Delete(key)
		}
		exclusive(p)
		labels(p, m.d.OwnLabels)
	}
	m.section, m.flat = "", false
}

// collection dresses a list of mappings, or a mapping whose keys are names of the
// user's.
func (m *maker) collection(p *jsonschema.Schema, t reflect.Type, name string) {
	inner, kind, section := p.Items, "array", name+"[]"
	if t.Kind() == reflect.Map {
		inner, kind, section = p.AdditionalProperties, "object", name+".NAME"
	}
	p.Title, p.Type, p.Extras = "", "", map[string]any{"type": []string{kind, "null"}}
	if scalar(t.Elem()) != nil {
		return
	}
	outer := m.section
	m.section = strings.TrimPrefix(outer+"."+section, ".")
	m.mapping(inner, t.Elem(), place{})
	m.section = outer
	inner.Extras["type"] = "object"
	if kind == "object" {
		one := uint64(1)
		p.PropertyNames = &jsonschema.Schema{MinLength: &one}
	}
	if t.Elem() == m.d.Monitor {
		exclusive(inner)
		labels(inner, m.d.OwnLabels)
	}
	byType(inner, m.d.Keys[t.Elem()])
}

// note keeps a key for the reference.
func (m *maker) note(p *jsonschema.Schema, path string, k check.Key) {
	key := Key{Section: m.section, Path: path, Kind: p.Title, Values: k.Enum, Needed: k.Required, Types: k.Types, With: k.With, Instead: k.Instead, Help: p.Description}
	if p.Title == "" {
		key.Kind = "mapping"
		if kinds, _ := p.Extras["type"].([]string); slices.Contains(kinds, "array") {
			key.Kind = "list of mappings"
		}
	}
	if list, ok := p.Default.([]any); ok {
		key.Default = "[" + strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]") + "]"
	} else if p.Default != nil {
		key.Default = fmt.Sprint(p.Default)
	}
	m.keys = append(m.keys, key)
}

// properties are those of a mapping, in their order.
type properties = *orderedmap.OrderedMap[string, *jsonschema.Schema]
