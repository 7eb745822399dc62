package reference

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/config"
)

const root = "../.."

// TestSchemaIsCurrent: what is embedded is what the source makes today.
func TestSchemaIsCurrent(t *testing.T) {
	want, _, err := Schema(root, config.Describe())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(config.Schema(), want) {
		t.Errorf("%s is not what the source makes: run make generate", SchemaFile)
	}
}

// compiled returns the schema as a validator, which checks it against its own
// schema.
func compiled(t *testing.T) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decode reads YAML as an editor does, but with ${…} in flow style, which the
// loader takes. It returns an error for what is no YAML.
func decode(text string) (any, error) {
	const marks = "{},[]"
	var there, back []string
	for i, m := range marks {
		there = append(there, string(m), string(rune(0xE000+i)))
		back = append(back, string(rune(0xE000+i)), string(m))
	}
	to, from := strings.NewReplacer(there...), strings.NewReplacer(back...)
	text = regexp.MustCompile(`\$\{[^{}"'\n\r]*\}`).ReplaceAllStringFunc(text, to.Replace)
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		return nil, err
	}
	var unmask func(n *yaml.Node)
	unmask = func(n *yaml.Node) {
		n.Value = from.Replace(n.Value)
		if n.ShortTag() == "!!timestamp" { // YAML 1.2 knows no such thing
			n.Tag = "!!str"
		}
		for _, c := range n.Content {
			unmask(c)
		}
	}
	unmask(&node)
	var v any
	return v, node.Decode(&v)
}

func glob(t *testing.T, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

func valid(t *testing.T, s *validator.Schema, text string) error {
	t.Helper()
	v, err := decode(text)
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGoodFiles: what the loader takes, the schema takes.
func TestGoodFiles(t *testing.T) {
	s := compiled(t)
	files := glob(t, "examples/*.yaml", "examples/*/watchword.yaml", "internal/config/testdata/good/*.yaml")
	if len(files) < 10 {
		t.Fatalf("only %v were found", files)
	}
	for _, file := range files {
		if err := valid(t, s, read(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestBadFiles: what the loader refuses, the schema refuses, unless the mistake
// is not one of form. A schema sees one file, decoded, and nothing else.
func TestBadFiles(t *testing.T) {
	unseen := map[string]string{
		"several/a.yaml":     "it is fine by itself: its names stand in another file, too",
		"two-documents.yaml": "each document is fine by itself",
		"several/b.yml":      "it is fine by itself: its names stand in another file, too",

		"maintenance-several/a.yaml": "it is fine by itself: its names stand in another file, too", "maintenance-several/b.yaml": "names in other places",

		"hidden-name.yaml":  "what a text holds",
		"unseen.yaml":       "what a text holds",
		"auth-metrics.yaml": "keys beside each other", "auth-no-users.yaml": "keys beside each other", "auth-same-name.yaml": "names in other places",
		"tls-half.yaml": "keys beside each other", "tls-not-pem.yaml": "files",
	}
	noYAML := []string{ // editors say so, before they come to a schema
		"alias-in-itself.yaml", "duplicate-key.yaml", "merge-of-text.yaml", "not-utf8.yaml", "several-syntax/2.yaml", "syntax.yaml", "tab.yaml", "unclosed.yaml", "unknown-anchor.yaml",
	}
	s := compiled(t)
	const dir = "internal/config/testdata/bad/"
	files := glob(t, dir+"*.yaml", dir+"*/*.yaml", dir+"*/*.yml")
	if len(files) < 30 {
		t.Fatalf("only %v were found", files)
	}
	for _, file := range files {
		name := strings.TrimPrefix(filepath.ToSlash(file), root+"/"+dir)
		text := read(t, file)
		v, err := decode(text)
		if (err != nil) != slices.Contains(noYAML, name) {
			t.Errorf("%s as YAML: %v", name, err)
		}
		if err != nil {
			continue
		}
		switch err, why := s.Validate(v), unseen[name]; {
		case err == nil && why == "":
			t.Errorf("%s: the schema takes it", name)
		case err != nil && why != "":
			t.Errorf("%s: the schema sees it: %v", name, err)
		}
	}
}

// complaint is a line of what the loader says: where, and what.
var complaint = regexp.MustCompile(`^(\S+):(\d+):(\d+): (.*)$`)

// TestBadLines goes over every single mistake in the bad files: the item that
// holds it is refused by itself, or the mistake is one that no schema can see.
func TestBadLines(t *testing.T) {
	unseen := []struct{ what, why string }{
		{`there is no (credential|notifier|monitor) `, "which names there are"},
		{`there is no monitor with the id|no monitor (is in the group|has th(e|is) label)|each of them belongs to some monitor|is the name of another maintenance window`, "names in other places"},
		{`it says nowhere|it is missing: |every monitor is meant|exclude each other: a window|a window that is once|cron says itself|it is for weekdays`, "keys beside each other"},
		{`is not after .*, when the window begins|without a gap|at most 400d|: 0 is no day of a month`, "when a window is"},
		{`in a circle|depend on itself$|is not enabled: it holds nothing`, "who depends on whom"},
		{`is neither .* nor a credential|nobody is told when`, "which names there are"},
		{`headers\..*: a guard decides|expect\.\w+: a (guard|proxy) |sets this header itself`, "keys within keys that belong to a type"},
		{`an issuer has (no|neither)|name the issuer itself|it is http; Authelia|is that the implementation`, "what is within a URL"},
		{`which fetches no token|it needs a credential to fetch`, "what a credential is"},
		{`the guarded URL itself|a stranger: no user name|there is nothing to try|too many for one guard`, "what a list of a guard holds beside its form"},
		{`holds the control character`, "what a text holds"},
		{`is the name of another monitor at |belongs to another monitor at |is already defined at `, "names in other places"},
		{`no id can be made of this name`, "ids are made by the loader"},
		{`no such file or directory|there is no (file|folder)|holds no certificate but `, "files"},
		{`needs (a username|a password_hash|key_file) as well|either bearer_token, or|with(out)? type:? basic`, "keys beside each other"},
		{`is a user already|a user name has 1 to 128 characters`, "names of users"},
		{`^server.yaml:13:11: `, "a hash that a reference puts in"},
		{`environment variable .* is not set|what \$\{…\} puts in is not|a "\$\{" here is neither`, "what references put in"},
		{`no (regular expression of RE2|query of jq)|the expression is empty|belongs to the connection and cannot be looked at`, "what an expression or a name says"},
		{`has to be less than the (interval|timeout)|it is for max_duration`, "two values beside each other"},
		{`body_type says json|body and form exclude|a form says itself|no body that it could be|CONNECT asks for a tunnel|TRACE sends no body`, "what a body holds, and keys beside each other"},
		{`at least 1s is wanted|more than 0 is wanted|the duration is too long`, "how long a duration is"},
		{`unknown time zone|cron: "|timezone: it is for cron`, "zones, cron expressions, and what the defaults say"},
		{`a client certificate needs key_file`, "whether the defaults have it"},
		{`no body to look in: use GET`, "whether the defaults have the method"},
		{`is not the name of a header|is not an IP address|cannot be parsed as a URL`, "the grammar of names, addresses and URLs"},
		{`a whole decimal number is wanted|the size is too large|^number.yaml:10:44: `, "how a number is written, and how large it is"},
		{`stands here twice|stands within what it names|merges a mapping|a key has to be plain text|the tag .* is not supported|YAML: |a second YAML document`, "YAML itself"},
		{`there is no file `, "files"},
		{`issuer: is (http: |the address of)|is http, where no client certificate`, "what is behind a URL"},
		{`does not sign with a|no effect without certificate_file|needs cert_file and key_file here|params\.client_assertion`, "keys beside each other"},
		{`the credential .* in the clear|is used by no|stands in plain text`, "warnings"},
	}
	s := compiled(t)
	seen := 0
	for _, file := range glob(t, "internal/config/testdata/bad/*.yaml") {
		text := read(t, file)
		v, err := decode(text)
		if err != nil {
			continue // see TestBadFiles
		}
		refused := places(t, s, v)
		for line := range strings.Lines(read(t, strings.TrimSuffix(file, ".yaml")+".txt")) {
			m := complaint.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil || slices.ContainsFunc(unseen, func(u struct{ what, why string }) bool { return regexp.MustCompile(u.what).MatchString(m[0]) }) {
				continue
			}
			seen++
			if at := pathAt(t, text, m[2], m[3]); !slices.ContainsFunc(refused, func(p string) bool {
				return p == at || p == "name "+at[strings.LastIndex(at, "/")+1:] || strings.HasPrefix(p, at+"/") || p == filepath.ToSlash(filepath.Dir(at))
			}) {
				t.Errorf("the schema does not see %s\n\tat %s; it sees %v", strings.TrimSpace(line), at, refused)
			}
		}
	}
	if seen < 80 {
		t.Errorf("only %d mistakes were looked for", seen)
	}
}

// places returns where the schema finds something wrong, as JSON pointers.
func places(t *testing.T, s *validator.Schema, v any) []string {
	t.Helper()
	err := s.Validate(v)
	if err == nil {
		return nil
	}
	var all []string
	var walk func(e *validator.ValidationError)
	walk = func(e *validator.ValidationError) {
		if len(e.Causes) == 0 {
			all = append(all, "/"+strings.Join(e.InstanceLocation, "/"))
		}
		if name, ok := e.ErrorKind.(*kind.PropertyNames); ok { // the library tells the name, and a place that may be another's
			all = append(all, "name "+name.Property)
			return
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	invalid, ok := err.(*validator.ValidationError) //nolint:errorlint // it is not wrapped
	if !ok {
		t.Fatal(err)
	}
	walk(invalid)
	return all
}

// pathAt returns the JSON pointer of what stands at a place of a file: of the
// value, where a key stands there.
func pathAt(t *testing.T, text, line, col string) string {
	t.Helper()
	var node yaml.Node
	masked := regexp.MustCompile(`\$\{[^{}"'\n\r]*\}`).ReplaceAllStringFunc(text, func(m string) string { return strings.Repeat("x", len([]rune(m))) })
	if err := yaml.Unmarshal([]byte(masked), &node); err != nil {
		t.Fatal(err)
	}
	found := ""
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		here := func(n *yaml.Node) bool { return strconv.Itoa(n.Line) == line && strconv.Itoa(n.Column) == col }
		if found == "" && here(n) {
			found = path
		}
		for i, c := range n.Content {
			switch {
			case n.Kind == yaml.DocumentNode:
				walk(c, path)
			case n.Kind == yaml.SequenceNode:
				walk(c, path+"/"+strconv.Itoa(i))
			case i%2 == 0 && here(c):
				found = path + "/" + c.Value
			case i%2 == 1:
				walk(c, path+"/"+n.Content[i-1].Value)
			}
		}
	}
	walk(&node, "")
	return found
}
