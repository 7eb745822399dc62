package config

import (
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/secret"
)

// hidden stands for every text that may be a secret, as blackbox_exporter writes
// it.
const hidden = "<secret>"

// Shown returns the module as YAML, for people. What may be secret is not in it,
// wherever it stands, and what is empty is left out.
func (m Module) Shown() string {
	k := moduleKeys{Credential: m.Credential, Timeout: m.Timeout, AllowedTargets: m.AllowedTargets, HTTP: m.HTTP}
	k.HTTP.URL = ""
	text, err := yaml.Marshal(shown(reflect.ValueOf(k), ""))
	if err != nil {
		return "# it cannot be shown\n"
	}
	return string(text)
}

// shown returns what a value looks like, nil for what is empty.
func shown(v reflect.Value, key string) *yaml.Node {
	if v.IsZero() {
		return nil
	}
	switch x := v.Interface().(type) {
	case secret.Text:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: hidden}
	case time.Duration:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: span(x)}
	}
	switch v.Kind() {
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		showFields(n, v)
		return filled(n)
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range sortedKeys(asMap(v)) {
			put(n, name, shown(v.MapIndex(reflect.ValueOf(name)), name))
		}
		return filled(n)
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for i := range v.Len() {
			if e := shown(v.Index(i), key); e != nil {
				n.Content = append(n.Content, e)
			}
		}
		return filled(n)
	}
	n := &yaml.Node{}
	x := v.Interface()
	if s, ok := x.(string); ok && strings.HasSuffix(key, "_url") { // a password may be in it
		x = secret.URL(s)
	}
	if n.Encode(x) != nil {
		return nil
	}
	return n
}

func showFields(n *yaml.Node, v reflect.Value) {
	for f, fv := range v.Fields() {
		switch name, opts, _ := strings.Cut(f.Tag.Get("koanf"), ","); {
		case opts == "squash":
			showFields(n, fv)
		case name != "":
			put(n, name, shown(fv, name))
		}
	}
}

func asMap(v reflect.Value) map[string]bool {
	names := map[string]bool{}
	for _, k := range v.MapKeys() {
		names[k.String()] = true
	}
	return names
}

func put(n *yaml.Node, name string, value *yaml.Node) {
	if value != nil {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
	}
}

func filled(n *yaml.Node) *yaml.Node {
	if len(n.Content) == 0 {
		return nil
	}
	return n
}
