package config

import (
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/notifiers"
)

// notYet returns the keys that are documented for a mapping and that this
// version does not carry out. They are refused, for to ignore them would be to
// promise what is not done; their empty values say nothing and are taken.
func notYet(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[Agent]():
		return []string{"shard"}
	case reflect.TypeFor[Alerting]():
		return []string{"routes", "fallback", "heartbeat_url"}
	case reflect.TypeFor[notifiers.Options]():
		return []string{"proxy_url", "template", "exposed"}
	}
	return nil
}

// laterLogins are the documented ways to log in that this version does not know.
func laterLogins() []string { return []string{"oidc", "alb"} }

// refuse reports a key that is documented and not supported yet, unless its
// value asks for nothing.
func (l *loader) refuse(at spot, v *yaml.Node) {
	if at.key == "exposed" { // true is what holds anyway, and false would take something away
		if v.Kind == yaml.ScalarNode && v.Value == "true" {
			return
		}
	} else if isEmpty(v) {
		return
	}
	l.complain(at.pos, at.path+" is not supported yet")
	l.refused = true
}

func isEmpty(v *yaml.Node) bool {
	v = resolve(v)
	if v.Kind != yaml.ScalarNode {
		return len(v.Content) == 0
	}
	return v.ShortTag() == "!!null" || slices.Contains([]string{"", "false", "0", "0s"}, v.Value)
}
