package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/watchword/watchword/auth"
	"github.com/watchword/watchword/internal/secret"
	"github.com/watchword/watchword/notifiers"
	"github.com/watchword/watchword/probes"
)

// TestEveryFieldArrives sets every field of every option struct in YAML and
// looks for it on the other side: a field that koanf or mapstructure leaves
// empty without a word would be a setting, or a secret, that is lost.
func TestEveryFieldArrives(t *testing.T) {
	for _, out := range []any{&Server{}, &Agent{}, &Storage{}, &Alerting{}, &auth.Options{}, &notifiers.Options{}, &monitorKeys{}, &probes.HTTPOptions{}} {
		typ := reflect.TypeOf(out).Elem()
		t.Run(typ.String(), func(t *testing.T) {
			var yaml strings.Builder
			give(t, &yaml, typ, "", "")
			l := newLoader(LoadOptions{})
			s := &source{name: "w.yaml", dir: ".", merged: nil}
			s.root = l.parse(s, []byte(yaml.String()))
			l.one(out, item{src: s, node: s.root, pos: Position{"w.yaml", 1, 1}})
			if len(l.problems) != 0 {
				t.Fatalf("%s\n%s", yaml.String(), l.problems)
			}
			arrived(t, reflect.ValueOf(out).Elem(), "")
		})
	}
}

// fields calls f for each field that has a key, with the key.
func fields(t *testing.T, typ reflect.Type, f func(i int, key string, squash bool)) {
	t.Helper()
	for i := range typ.NumField() {
		key, opts, _ := strings.Cut(typ.Field(i).Tag.Get("koanf"), ",")
		if key == "" && opts != "squash" {
			t.Errorf("%s.%s has no koanf tag", typ, typ.Field(i).Name)
			continue
		}
		f(i, key, opts == "squash")
	}
}

func give(t *testing.T, b *strings.Builder, typ reflect.Type, indent, path string) {
	t.Helper()
	fields(t, typ, func(i int, key string, squash bool) {
		ft := typ.Field(i).Type
		switch {
		case squash:
			give(t, b, ft, indent, path)
		case ft.Kind() == reflect.Struct && ft != reflect.TypeFor[secret.Text]():
			fmt.Fprintf(b, "%s%s:\n", indent, key)
			give(t, b, ft, indent+"  ", path+key+".")
		case ft.Kind() == reflect.Map && ft.Elem().Kind() == reflect.Struct && ft.Elem() != reflect.TypeFor[secret.Text]():
			fmt.Fprintf(b, "%s%s:\n%s  X.Y:\n", indent, key, indent)
			give(t, b, ft.Elem(), indent+"    ", path+key+".X.Y.")
		case ft.Kind() == reflect.Map:
			fmt.Fprintf(b, "%s%s: {X.Y: '%s'}\n", indent, key, path+key)
		case ft == reflect.TypeFor[[]time.Duration]():
			fmt.Fprintf(b, "%s%s: [7s, 7s]\n", indent, key)
		case ft.Kind() == reflect.Slice:
			fmt.Fprintf(b, "%s%s: [one, '%s']\n", indent, key, path+key)
		case ft == reflect.TypeFor[time.Duration]():
			fmt.Fprintf(b, "%s%s: 7s\n", indent, key)
		case ft.Kind() == reflect.Bool:
			fmt.Fprintf(b, "%s%s: true\n", indent, key)
		case ft.Kind() == reflect.Int || ft.Kind() == reflect.Int64:
			fmt.Fprintf(b, "%s%s: 7\n", indent, key)
		default:
			fmt.Fprintf(b, "%s%s: /%s\n", indent, key, path+key)
		}
	})
}

func arrived(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	fields(t, v.Type(), func(i int, key string, squash bool) {
		got := v.Field(i).Interface()
		var want any
		if key = path + key; squash {
			key = path
		}
		switch x := got.(type) {
		case string:
			want = "/" + key
		case time.Duration:
			want = 7 * time.Second
		case bool:
			want = true
		case int:
			want = 7
		case int64:
			want = int64(7)
		case []time.Duration:
			want = []time.Duration{7 * time.Second, 7 * time.Second}
		case []string:
			want = []string{"one", key}
		case map[string]string:
			want = map[string]string{"X.Y": key}
		case secret.Text:
			got, want = reveal(t, x), "/"+key
		case map[string]secret.Text:
			if len(x) != 1 {
				t.Errorf("%s: got %d entries", key, len(x))
			}
			got, want = reveal(t, x["X.Y"]), key
		default:
			if v.Field(i).Kind() == reflect.Map && v.Field(i).Len() == 1 {
				arrived(t, v.Field(i).MapIndex(reflect.ValueOf("X.Y")), key+".X.Y.")
				return
			}
			if v.Field(i).Kind() != reflect.Struct {
				t.Errorf("%s: the test knows no %T", key, got)
			}
			if !squash {
				key += "."
			}
			arrived(t, v.Field(i), key)
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	})
}

// TestLaterKeys: what is refused as not supported yet must not be supported.
func TestLaterKeys(t *testing.T) {
	l := newLoader(LoadOptions{})
	for _, typ := range []reflect.Type{reflect.TypeFor[Agent](), reflect.TypeFor[Alerting](),
		reflect.TypeFor[notifiers.Options]()} {
		s := l.shapeOf(typ)
		if len(s.later) == 0 {
			t.Errorf("%s: nothing is left for later, and its case in notYet is needless", typ)
		}
		for key := range s.later {
			if _, ok := s.fields[key]; ok {
				t.Errorf("%s: %s is both", typ, key)
			}
		}
	}
}

// TestOneOrAList: every list takes a scalar for a list of one.
func TestOneOrAList(t *testing.T) {
	c := load(t, `
credentials: {c: {token_url: "https://a.example.com", client_id: a, client_secret: b, scopes: s, audience: a, resource: "https://r.example.com"}}
notifiers: {n: {type: slack, webhook_url: "https://a.example.com/", events: down}}
monitors: [{name: A, url: "https://a.example.com", notify: n, expect: {status: 204, keyword: k, absent: a, regex: r, absent_regex: b, json: .j, http_version: 2}, credential: c}]
`)
	m, o := c.Monitors[0], c.Credentials["c"]
	got := fmt.Sprint(o.Scopes, o.Audience, o.Resource, c.Notifiers["n"].Events, m.Notify, m.HTTP.Expect)
	if want := "[s] [a] [https://r.example.com] [down] [n] {[204] [k] [a] [r] [b] [.j] map[] map[] 0s false [2] }"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
