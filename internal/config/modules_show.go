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
		return &yaml.Node{Kind: yaml.ScalarNode, Value: Span(x)}
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	switch v.Kind() {
	case reflect.Struct:
		showFields(n, v)
	case reflect.Map:
		for _, name := range sortedKeys(asMap(v)) {
			put(n, name, shown(v.MapIndex(reflect.ValueOf(name)), name))
		}
	case reflect.Slice:
		n.Kind, n.Style = yaml.SequenceNode, yaml.FlowStyle
		for i := range v.Len() {
			n.Content = append(n.Content, shownScalar(v.Index(i).Interface(), key))
		}
	default:
		return shownScalar(v.Interface(), key)
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

func shownScalar(x any, key string) *yaml.Node {
	if s, ok := x.(string); ok && strings.HasSuffix(key, "_url") { // a password may be in it
		x = secret.URL(s)
	}
	n := &yaml.Node{}
	if _, private := x.(secret.Text); private || n.Encode(x) != nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: hidden}
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
