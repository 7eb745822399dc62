package reference

import (
	"reflect"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/config"
)

// TestKeysComeByThemselves: a key that is put into a struct is in the schema,
// and one without a comment is an error.
func TestKeysComeByThemselves(t *testing.T) {
	_, keys, err := Schema(root, config.Describe())
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, k := range keys {
		have[k.Path] = true
		if len(k.Help) < 10 {
			t.Errorf("%s: the help is %q", k.Path, k.Help)
		}
	}
	d := config.Describe()
	var walk func(t reflect.Type) []string
	walk = func(t reflect.Type) []string {
		var missing []string
		for f := range t.Fields() {
			name, opts, _ := strings.Cut(f.Tag.Get("koanf"), ",")
			if opts == "squash" {
				missing = append(missing, walk(f.Type)...)
			} else if f.Type.Kind() != reflect.Struct && !have[name] {
				missing = append(missing, name)
			}
		}
		return missing
	}
	for typ := range d.Defaults {
		if missing := walk(typ); len(missing) > 0 {
			t.Errorf("%s: the schema lacks %v", typ, missing)
		}
	}
	bare := struct {
		New string `koanf:"new"`
	}{}
	if _, _, err := Schema(root, config.Description{Document: reflect.TypeOf(bare), NotYet: d.NotYet, IsSize: d.IsSize, IsFile: d.IsFile}); err == nil || !strings.Contains(err.Error(), `the help of the key "new"`) {
		t.Errorf("a field without a comment: %v", err)
	}
}
