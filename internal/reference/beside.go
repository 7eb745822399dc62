package reference

import (
	"slices"

	"github.com/invopop/jsonschema"

	"github.com/watchword/watchword/internal/check"
)

// condition says when a key of a branch is needed, and beside what it may stand.
func condition(b *jsonschema.Schema, all properties, k check.Key) {
	switch {
	case k.With.Key != "":
		with(b, all, k)
	case k.Instead != "":
		either(b, k)
	case k.Required:
		b.Required = append(b.Required, k.Path)
	}
}

// with ties a key to values of another. A value of that one that a reference puts
// in is for the loader to judge.
func with(b *jsonschema.Schema, all properties, k check.Key) {
	other, _ := all.Get(k.With.Key)
	own, _ := all.Get(k.Path)
	var rest []string
	for _, v := range other.AnyOf[0].Enum {
		if s, ok := v.(string); ok && !slices.Contains(k.With.Values, s) {
			rest = append(rest, s)
		}
	}
	if k.Required {
		b.AllOf = append(b.AllOf, &jsonschema.Schema{If: oneOf(k.With.Key, other.Default, k.With.Values), Then: &jsonschema.Schema{Required: []string{k.Path}}})
	}
	no := jsonschema.NewProperties()
	no.Set(k.Path, jsonschema.FalseSchema)
	if own.Default != nil { // who writes out what holds anyway says nothing
		no.Set(k.Path, &jsonschema.Schema{Enum: []any{own.Default}})
	}
	b.AllOf = append(b.AllOf, &jsonschema.Schema{If: oneOf(k.With.Key, other.Default, rest), Then: &jsonschema.Schema{Properties: no}})
}

// oneOf is the condition that a key has one of the values.
func oneOf(key string, standard any, values []string) *jsonschema.Schema {
	set := &jsonschema.Schema{}
	isDefault := false
	for _, v := range values {
		set.Enum = append(set.Enum, v)
		isDefault = isDefault || standard == v
	}
	p := jsonschema.NewProperties()
	p.Set(key, set)
	s := &jsonschema.Schema{Properties: p}
	if !isDefault { // what is left out is the default
		s.Required = []string{key}
	}
	return s
}

// either wants one of two keys, and never both.
func either(b *jsonschema.Schema, k check.Key) {
	this, that := &jsonschema.Schema{Required: []string{k.Path}}, &jsonschema.Schema{Required: []string{k.Instead}}
	no := jsonschema.NewProperties()
	no.Set(k.Instead, jsonschema.FalseSchema)
	b.AllOf = append(b.AllOf, &jsonschema.Schema{If: this, Then: &jsonschema.Schema{Properties: no}, Else: that})
}
