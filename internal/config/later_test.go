package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestUpsideDown makes no sense at a guard, and is not supported yet elsewhere.
func TestUpsideDown(t *testing.T) {
	for typ, says := range map[string]string{"guard": "a guard is up where it is shut", "http": "not supported yet"} {
		for _, text := range []string{"type: %s\nupside_down: true\n", "upside_down: true\ntype: %s\n"} {
			l := newLoader(LoadOptions{})
			s := &source{name: "w.yaml", dir: "."}
			s.root = l.parse(s, []byte(fmt.Sprintf(text, typ)))
			l.buildStruct(s.root, reflect.TypeFor[monitorKeys](), spot{src: s})
			if got := fmt.Sprint(l.problems); len(l.problems) != 1 || !strings.Contains(got, says) {
				t.Errorf("%s: says %s, want %q", typ, got, says)
			}
		}
	}
}
