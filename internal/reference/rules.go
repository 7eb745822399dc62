package reference

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
)

// later lets keys that are not supported yet stand with values that ask for
// nothing, as the loader does, and has no editor offer them.
func (m *maker) later(t reflect.Type) map[string]*jsonschema.Schema {
	all := map[string]*jsonschema.Schema{}
	keys := m.d.NotYet(t)
	if slices.Contains(keys, "exposed") { // true is what holds anyway
		all["^exposed$"] = &jsonschema.Schema{Description: "Not supported yet: exposed is always sent.", Enum: []any{true}}
		keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == "exposed" })
	}
	if len(keys) > 0 {
		all["^("+strings.Join(keys, "|")+")$"] = &jsonschema.Schema{
			Description: "Not supported yet.", Enum: []any{"", "false", "0", "0s", false, 0, nil, []any{}, map[string]any{}},
		}
	}
	return all
}

// standard writes the default of a key into its schema, and lets a choice be
// empty where that is to leave it out.
func (m *maker) standard(p *jsonschema.Schema, v reflect.Value, k check.Key, name string) {
	if v.IsValid() {
		p.Default = m.written(v, name)
	}
	if p.Title == "choice" && p.Default == nil && !k.Required {
		p.AnyOf[len(p.AnyOf)-1].Pattern = "^$|" + reference
	}
}

// written returns a default as YAML has it, nil where it says nothing.
func (m *maker) written(v reflect.Value, name string) any {
	switch {
	case v.Kind() == reflect.Bool || v.Kind() == reflect.Int: // also false and 0
		return v.Interface()
	case v.IsZero():
		return nil
	case v.Kind() == reflect.Slice:
		return m.list(v, name)
	}
	switch x := v.Interface().(type) {
	case time.Duration:
		return config.Span(x)
	case string:
		return x
	case int64:
		if m.d.IsSize(name) {
			return bytesOf(x)
		}
	}
	return nil
}

// list returns the default of a list; one stands for a list of one.
func (m *maker) list(v reflect.Value, name string) any {
	var all []any
	for i := range v.Len() {
		all = append(all, m.written(v.Index(i), name))
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

func bytesOf(n int64) any {
	units := []string{"GiB", "MiB", "KiB"}
	for i, unit := range units {
		if size := int64(1) << (10 * (len(units) - i)); n%size == 0 {
			return fmt.Sprintf("%d%s", n/size, unit)
		}
	}
	return n
}

func when(key, value string) *jsonschema.Schema {
	p := jsonschema.NewProperties()
	p.Set(key, &jsonschema.Schema{Const: value})
	return &jsonschema.Schema{Properties: p}
}

// byType splits a mapping whose keys depend on its `type`: beside what all types
// have, each type offers and takes its own keys alone. if and then, for editors
// complete within the branch that holds.
func byType(s *jsonschema.Schema, keys []check.Key) {
	types, own := dependent(keys)
	if len(own) == 0 {
		return
	}
	all, shared := s.Properties, jsonschema.NewProperties()
	for name, p := range all.FromOldest() {
		if own[name].Path == "" {
			shared.Set(name, p)
		}
	}
	kind, _ := all.Get("type")
	needed := slices.DeleteFunc(s.Required, func(k string) bool { return own[k].Path != "" })
	for _, t := range types.Enum {
		branch := branchOf(s, all, own, t)
		is := when("type", t)
		if kind.Default != t { // what is left out is the default
			is.Required = []string{"type"}
		}
		s.AllOf = append(s.AllOf, &jsonschema.Schema{If: is, Then: branch})
	}
	s.AllOf = append(s.AllOf, unknownType(s, all, types, kind.Default != nil))
	s.Properties, s.Required, s.PatternProperties, s.AdditionalProperties = shared, needed, nil, nil
}

// dependent returns the key that is the type, and those that belong to some types
// alone.
func dependent(keys []check.Key) (types check.Key, own map[string]check.Key) {
	own = map[string]check.Key{}
	for _, k := range keys {
		if k.Path == "type" {
			types = k
		}
		if k.Types != nil {
			own[k.Path] = k
		}
	}
	return types, own
}

func branchOf(s *jsonschema.Schema, all properties, own map[string]check.Key, kind string) *jsonschema.Schema {
	b := &jsonschema.Schema{Properties: jsonschema.NewProperties(), PatternProperties: s.PatternProperties, AdditionalProperties: jsonschema.FalseSchema}
	for name, p := range all.FromOldest() {
		switch k := own[name]; {
		case k.Path == "":
			b.Properties.Set(name, jsonschema.TrueSchema) // the same for all, see above
		case slices.Contains(k.Types, kind):
			b.Properties.Set(name, p)
			condition(b, all, k)
		}
	}
	return b
}

// unknownType is the branch for a type that a reference puts in, or that is
// missing: all keys may stand there, and no others.
func unknownType(s *jsonschema.Schema, all properties, types check.Key, optional bool) *jsonschema.Schema {
	known := &jsonschema.Schema{Properties: jsonschema.NewProperties()}
	one := &jsonschema.Schema{}
	for _, t := range types.Enum {
		one.Enum = append(one.Enum, t)
	}
	known.Properties.Set("type", one)
	if !optional {
		known.Required = []string{"type"}
	}
	any := &jsonschema.Schema{Properties: jsonschema.NewProperties(), PatternProperties: s.PatternProperties, AdditionalProperties: jsonschema.FalseSchema}
	for name := range all.FromOldest() {
		any.Properties.Set(name, jsonschema.TrueSchema)
	}
	return &jsonschema.Schema{If: known, Else: any}
}

// exclusive keeps interval and cron from standing side by side.
func exclusive(s *jsonschema.Schema) {
	no := jsonschema.NewProperties()
	no.Set("cron", jsonschema.FalseSchema)
	s.AllOf = append(s.AllOf, &jsonschema.Schema{If: &jsonschema.Schema{Required: []string{"interval"}}, Then: &jsonschema.Schema{Properties: no}})
}

// labels holds the names of labels to what Prometheus takes.
func labels(s *jsonschema.Schema, own []string) {
	p, _ := s.Properties.Get("labels")
	taken := &jsonschema.Schema{}
	for _, name := range own {
		taken.Enum = append(taken.Enum, name)
	}
	p.PropertyNames = &jsonschema.Schema{Pattern: `^[a-zA-Z_][a-zA-Z0-9_]*$`, Not: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Pattern: "^__"}, taken}}}
}

// inherited lets the defaults give what monitors need, but a name.
func inherited(s *jsonschema.Schema) {
	list, _ := s.Properties.Get("monitors")
	for _, key := range list.Items.Required {
		if key == "name" {
			continue
		}
		given := jsonschema.NewProperties()
		given.Set("defaults", &jsonschema.Schema{Type: "object", Required: []string{key}})
		needed := jsonschema.NewProperties()
		needed.Set("monitors", &jsonschema.Schema{Items: &jsonschema.Schema{Required: []string{key}}})
		s.AllOf = append(s.AllOf, &jsonschema.Schema{
			If: &jsonschema.Schema{Properties: given, Required: []string{"defaults"}}, Else: &jsonschema.Schema{Properties: needed},
		})
	}
	list.Items.Required = slices.DeleteFunc(list.Items.Required, func(k string) bool { return k != "name" })
}
