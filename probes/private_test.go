package probes_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/probes"
)

// TestPrivate: whatever may hold a secret is private when it is read from
// elsewhere, also what is added to the options later. The proxy alone sees what is
// in its URL.
func TestPrivate(t *testing.T) {
	t.Parallel()
	kept, err := secret.Parse("${file:token}", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got := probes.DefaultHTTPOptions().Private(); got != "" {
		t.Errorf("the defaults are private: %s", got)
	}
	found := 0
	for i := range reflect.TypeFor[probes.HTTPOptions]().NumField() {
		o := probes.DefaultHTTPOptions()
		field, key := reflect.ValueOf(&o).Elem().Field(i), reflect.TypeFor[probes.HTTPOptions]().Field(i).Tag.Get("koanf")
		switch field.Interface().(type) {
		case secret.Text:
			field.Set(reflect.ValueOf(kept))
		case map[string]secret.Text:
			field.Set(reflect.ValueOf(map[string]secret.Text{"Name": kept}))
		default:
			continue
		}
		found++
		if got := o.Private(); key != "proxy_url" && !strings.HasPrefix(got, key) {
			t.Errorf("%s holds a secret, and what is private is %q", key, got)
		}
	}
	if found < 4 {
		t.Errorf("%d options may hold a secret, want at least headers, body, form and proxy_url", found)
	}
	for name, want := range map[string]string{"password": "form.password", "user": ""} {
		if got := (probes.HTTPOptions{Form: map[string]secret.Text{name: secret.Literal("x")}}).Private(); got != want {
			t.Errorf("a field %q: %q is private, want %q", name, got, want)
		}
	}
}
