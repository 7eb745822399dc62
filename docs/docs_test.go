// Package docs_test keeps what is written true of the code.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/probes"
)

const root = ".."

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sources returns the Go files of a folder without its tests.
func sources(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	if len(files) == 0 {
		t.Fatalf("%s matches nothing", pattern)
	}
	return files
}

// section returns a page from a heading to the next one of the same level.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(page, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	before, _, _ := strings.Cut(after, "\n"+level+" ")
	return before
}

func TestReadmeHoldsTheQuickstart(t *testing.T) {
	readme, quickstart := read(t, "README.md"), read(t, "examples/quickstart.yaml")
	if !strings.Contains(readme, "```yaml\n"+quickstart+"```\n") {
		t.Error("README.md does not hold the bytes of examples/quickstart.yaml")
	}
	if n := strings.Count(readme, "\n"); n > 150 {
		t.Errorf("README.md has %d lines; 150 are the most", n)
	}
	if n := strings.Count(quickstart, "\n"); n > 14 {
		t.Errorf("examples/quickstart.yaml has %d lines; 14 are the most", n)
	}
}

// TestKeys: every key of the options is documented and shown, and every key
// that is refused is listed.
func TestKeys(t *testing.T) {
	page, full := read(t, "docs/configuration.md"), read(t, "examples/full.yaml")
	tag := regexp.MustCompile(`koanf:"([a-z_]+)`)
	seen := 0
	for _, dir := range []string{"internal/config/*.go", "internal/server/*.go", "internal/schedule/*.go", "internal/transport/*.go", "auth/*.go", "exporters/*.go", "notifiers/*.go", "probes/*.go"} {
		for _, file := range sources(t, dir) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range tag.FindAllStringSubmatch(string(text), -1) {
				seen++
				key := regexp.MustCompile(`(^|[\s\[{#,])` + m[1] + `:`)
				if !key.MatchString(page) {
					t.Errorf("docs/configuration.md does not document %q of %s", m[1], file)
				}
				if !key.MatchString(full) && !strings.Contains(full, m[1]) {
					t.Errorf("examples/full.yaml does not show %q of %s", m[1], file)
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d keys were found in the code: did the tags move?", seen)
	}
	refused := section(t, page, "## Not supported yet")
	for _, key := range literals(t, "internal/config/later.go", "notYet", "laterLogins") {
		if !strings.Contains(refused, "`"+key+"`") {
			t.Errorf("docs/configuration.md does not say that %q is not supported yet", key)
		}
	}
}

// literals returns the string literals of functions.
func literals(t *testing.T, path string, functions ...string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !slices.Contains(functions, f.Name.Name) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil {
					found = append(found, s)
				}
			}
			return true
		})
	}
	if len(found) == 0 {
		t.Fatalf("%s: there is nothing in %v", path, functions)
	}
	return found
}

func TestVerdicts(t *testing.T) {
	page := read(t, "docs/verdicts.md")
	check.EachReason(func(c check.Class, r check.Reason) {
		if !strings.Contains(section(t, page, "## "+string(c)), "`"+string(r)+"`") {
			t.Errorf("docs/verdicts.md does not document %s/%s", c, r)
		}
	})
	first := section(t, read(t, "docs/troubleshooting.md"), "## By verdict")
	check.EachReason(func(c check.Class, r check.Reason) {
		if !strings.Contains(first, "| `"+string(c)+"/"+string(r)+"` | ") {
			t.Errorf("docs/troubleshooting.md does not say where to look first for %s/%s", c, r)
		}
	})
	titles := section(t, page, "## Sign-in pages that are known")
	for _, s := range probes.SignInTitles() {
		row := "| `" + strings.ReplaceAll(s.Title, "|", `\|`) + "` | " + s.Match + " |"
		if !strings.Contains(titles, row) {
			t.Errorf("docs/verdicts.md does not list the title: %s", row)
		}
	}
}

func TestMetrics(t *testing.T) {
	name := regexp.MustCompile(`watchword_[a-z0-9_]+`)
	code := map[string]bool{}
	for _, file := range sources(t, "exporters/*.go") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(watchword_[a-z0-9_]+)"`).FindAllStringSubmatch(string(text), -1) {
			code[m[1]] = true
		}
	}
	kuma, err := os.ReadFile(filepath.Join(root, "exporters/kumametrics.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:kumaFamily\(|name: )"(monitor_[a-z0-9_]+)"`).FindAllStringSubmatch(string(kuma), -1) {
		code[m[1]] = true
	}
	page := read(t, "docs/metrics.md")
	for metric := range code {
		if !strings.Contains(page, "| `"+metric+"` | ") {
			t.Errorf("docs/metrics.md does not document %s", metric)
		}
	}
	for _, file := range []string{"docs/metrics.md", "docs/alerts.yml", "docs/troubleshooting.md", "docs/verdicts.md", "docs/notifiers.md", "README.md"} {
		for _, m := range name.FindAllString(read(t, file), -1) {
			if !code[m] && !code[strings.TrimSuffix(m, "_bucket")] {
				t.Errorf("%s names %s, which no exporter has", file, m)
			}
		}
	}
}

func TestExamplesLoad(t *testing.T) {
	var files []string
	for _, pattern := range []string{"examples/*.yaml", "examples/*/watchword.yaml"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 3 {
		t.Errorf("only %v were found", files)
	}
	for _, file := range files {
		if c, ps := config.Load([]string{file}, config.LoadOptions{AllowMissingSecrets: true}); c == nil || ps.HasErrors() {
			t.Errorf("%s:\n%s", file, ps)
		}
	}
}

// TestConfigurationBlocks: every block of YAML in the documentation that is a
// configuration loads.
func TestConfigurationBlocks(t *testing.T) {
	elsewhere := regexp.MustCompile("there is no (credential|file|monitor)|no monitor (is in the group|has the label)") // in another block
	for _, page := range []string{"docs/configuration.md", "docs/credentials.md", "docs/guard.md", "docs/notifiers.md", "docs/uptime-kuma.md", "docs/dependencies.md", "docs/maintenance.md", "docs/blackbox.md"} {
		for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(read(t, page), -1) {
			text := m[1]
			if strings.Contains(text, "<string>") || strings.Contains(text, "<secret>") || strings.Contains(text, "<duration>") || strings.Contains(text, "<boolean>") ||
				strings.Contains(text, "<list>") || strings.Contains(text, "<filename>") || strings.Contains(text, " | default") {
				continue // a grammar
			}
			if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "identity_providers:") || strings.HasPrefix(text, "scrape_configs:") {
				continue // of the other side
			}
			if regexp.MustCompile(`(?m)^\w+:( \{type|$)`).MatchString(text) && strings.Contains(text, "type:") && !strings.HasPrefix(text, "server:") && !strings.Contains(text, "monitors:") {
				text = "notifiers:\n  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
			}
			file := filepath.Join(t.TempDir(), "block.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, ps := config.Load([]string{file}, config.LoadOptions{AllowMissingSecrets: true})
			for _, p := range ps {
				if !p.Warning && !elsewhere.MatchString(p.Message) {
					t.Errorf("%s: %s in\n%s", page, p.Message, text)
				}
			}
		}
	}
}
