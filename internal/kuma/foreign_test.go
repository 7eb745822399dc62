package kuma_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/kuma"
)

var update = flag.Bool("update", false, "write what the importers make to the .want files")

// imports are the foreign files of testdata, by the file that holds what they
// become.
func imports(t *testing.T) map[string]*kuma.Document {
	t.Helper()
	all := map[string]*kuma.Document{}
	add := func(name string, d *kuma.Document, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = d
	}
	for _, name := range []string{"full.yaml", "odd.yaml", "folder"} {
		d, err := kuma.FromGatus(filepath.Join("testdata/gatus", name))
		add("gatus/"+name, d, err)
	}
	in := func(name string) string { return filepath.Join("testdata/blackbox", name) }
	for name, o := range map[string]kuma.BlackboxOptions{
		"modules":    {},
		"prometheus": {Files: []string{in("prometheus.yml")}},
		"lines":      {Files: []string{in("targets.txt"), in("targets.yml")}, Targets: []string{"https://four.example.com/"}, Module: "http_basic"},
	} {
		d, err := kuma.FromBlackbox(in("blackbox.yml"), o)
		add("blackbox/"+name, d, err)
	}
	d, err := kuma.FromBlackbox(in("odd.yml"), kuma.BlackboxOptions{})
	add("blackbox/odd", d, err)
	d, err = kuma.FromBlackbox(in("odd.yml"), kuma.BlackboxOptions{Targets: []string{"odd.example.com"}})
	add("blackbox/odd-target", d, err)
	d, err = kuma.FromBlackbox(in("head.yml"), kuma.BlackboxOptions{Files: []string{in("same.yml")}})
	add("blackbox/head", d, err)
	return all
}

// TestForeignGolden compares what each foreign file becomes, and what is told of
// it, with the file beside it.
func TestForeignGolden(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range imports(t) {
		got := d.Render("ours.secrets") + "\n---\n" + strings.Join(slices.Concat(d.Notes, d.Look), "\n") + "\n"
		got = strings.ReplaceAll(got, here, "HERE")
		file := filepath.Join("testdata", name+".want")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s became\n%s", name, got)
		}
	}
}

// TestForeignPassesCheck: whatever was imported loads and holds no secret of the
// file that it was made of.
func TestForeignPassesCheck(t *testing.T) {
	kept := 0
	for name, d := range imports(t) {
		out := filepath.Join(t.TempDir(), "ours.yaml")
		if _, err := d.Place(context.Background(), kuma.Target{YAML: out}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"literal-", "literal1234567890", "s3cret-of-"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s: %q stands in the YAML", name, secret)
			}
		}
		kept += len(d.Vault.Values())
		for _, secret := range d.Vault.Values() {
			if strings.Contains(string(text), strings.TrimSpace(secret)) {
				t.Errorf("%s: a secret stands in the YAML", name)
			}
		}
	}
	if kept < 20 {
		t.Errorf("only %d secrets were looked for", kept)
	}
}

// TestForeignTellsWhoIsWrong: of a value that check does not take, the monitor is
// named, for nobody gets to see the YAML.
func TestForeignTellsWhoIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatus.yaml")
	text := `endpoints:
  - {name: Good, url: "http://127.0.0.1", conditions: ["[STATUS] == 200"]}
  - name: Wiki
    url: "http://127.0.0.1"
    conditions: ["[STATUS] == 200"]
    client: {proxy-url: "gopher://127.0.0.1"}
    maintenance-windows: [{start: "25:00", duration: 1h}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := kuma.FromGatus(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Place(t.Context(), kuma.Target{YAML: filepath.Join(t.TempDir(), "ours.yaml")})
	for _, want := range []string{"Set right what is wrong", "\n  Wiki: proxy_url: ", "\n  Maintenance of Wiki: start: "} {
		if got := fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

func TestForeignRefusals(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gatus := func(path string) error { _, err := kuma.FromGatus(path); return err }
	blackbox := func(path string, o kuma.BlackboxOptions) error { _, err := kuma.FromBlackbox(path, o); return err }
	modules := file("b.yml", "modules: {a: {prober: http}, b: {prober: http}, c: {prober: icmp}}")
	file("twice/a.yaml", "metrics: true\nendpoints: []")
	file("twice/b.yaml", "metrics: false")
	for _, c := range []struct {
		err  error
		want string
	}{
		{gatus(filepath.Join(dir, "none.yaml")), "none.yaml"},
		{gatus(file("bad.yaml", "a: [")), "bad.yaml: line 1"},
		{gatus(file("other.yaml", "modules: {}")), "no configuration of Gatus"},
		{gatus(filepath.Join(dir, "twice")), "metrics stands in another file already"},
		{gatus(file("text/readme.txt", "x")), "is no configuration of Gatus"},
		{gatus(filepath.Join(dir, "text")), "there is no *.yaml or *.yml"},
		{blackbox(file("c.yml", "endpoints: []"), kuma.BlackboxOptions{}), "no configuration of blackbox_exporter"},
		{blackbox(file("icmp.yml", "modules: {a: {prober: icmp}}"), kuma.BlackboxOptions{}), "there is no module of prober http"},
		{blackbox(modules, kuma.BlackboxOptions{Targets: []string{"https://a.example.com"}}), "names no module, and there are several"},
		{blackbox(modules, kuma.BlackboxOptions{Targets: []string{"https://a.example.com"}, Module: "z"}), `the module "z", which there is not; there are a, b`},
		{blackbox(modules, kuma.BlackboxOptions{Targets: []string{"a b"}, Module: "a"}), `the target "a b" is no URL`},
		{blackbox(modules, kuma.BlackboxOptions{Files: []string{file("empty.txt", "\n")}}), "there are no targets"},
		{blackbox(modules, kuma.BlackboxOptions{Files: []string{filepath.Join(dir, "none.txt")}}), "none.txt"},
	} {
		if got := fmt.Sprint(c.err); !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
