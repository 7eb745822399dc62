package docs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/watchword/watchword/internal/config"
)

// gates are the folders of examples that go from a provider to a page behind a
// gate, step by step.
func gates(t *testing.T) []string {
	t.Helper()
	var dirs []string
	found, err := filepath.Glob(filepath.Join(root, "examples", "*", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		name := filepath.Base(filepath.Dir(f))
		if title, _, _ := strings.Cut(read(t, filepath.Join("examples", name, "README.md")), "\n"); strings.HasSuffix(title, ", step by step") {
			dirs = append(dirs, name)
		}
	}
	if len(dirs) < 6 {
		t.Fatalf("only %v go step by step", dirs)
	}
	return dirs
}

// TestExamplePages: each page of an example names every file beside it, shows
// configurations that load, and has the parts that people look for.
func TestExamplePages(t *testing.T) {
	for _, dir := range gates(t) {
		page := read(t, filepath.Join("examples", dir, "README.md"))
		files, err := os.ReadDir(filepath.Join(root, "examples", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Name() != "README.md" && !strings.Contains(page, "]("+f.Name()+")") {
				t.Errorf("%s/README.md does not name %s", dir, f.Name())
			}
		}
		for _, heading := range []string{"## Traps", "## What a refusal looks like"} {
			section(t, page, heading)
		}
		for _, m := range regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$").FindAllStringSubmatch(page, -1) {
			file := filepath.Join(t.TempDir(), "block.yaml")
			if err := os.WriteFile(file, []byte(m[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			if c, ps := config.Load([]string{file}, config.LoadOptions{AllowMissingSecrets: true}); c == nil || ps.HasErrors() {
				t.Errorf("%s/README.md: %s in\n%s", dir, ps, m[1])
			}
		}
	}
}

// TestExampleFilesParse: the files of the other sides are at least YAML and
// JSON, and no image in them is without a version.
func TestExampleFilesParse(t *testing.T) {
	for _, dir := range gates(t) {
		files, err := filepath.Glob(filepath.Join(root, "examples", dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			switch filepath.Ext(path) {
			case ".yaml", ".yml":
				for _, doc := range documents(t, path) {
					pinned(t, path, doc)
				}
			case ".json":
				if text, err := os.ReadFile(path); err != nil || !json.Valid(text) {
					t.Errorf("%s is no JSON (%v)", path, err)
				}
			}
		}
	}
}

// documents reads a file of YAML; a key given twice is an error.
func documents(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var docs []map[string]any
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc map[string]any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		docs = append(docs, doc)
	}
}

// pinned looks at the images of a compose file.
func pinned(t *testing.T, path string, doc map[string]any) {
	t.Helper()
	services, _ := doc["services"].(map[string]any)
	for name, s := range services {
		image := at(s, "image")
		if image, _ := image.(string); !regexp.MustCompile(`:v?\d+\.\d+\.\d+$|^\$\{`).MatchString(image) {
			t.Errorf("%s: the image %q of %s has no version", path, image, name)
		}
	}
}

// at returns what stands at a path of keys and indices, nil where nothing does.
func at(v any, path ...any) any {
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			l, _ := v.([]any)
			if key >= len(l) {
				return nil
			}
			v = l[key]
		}
	}
	return v
}

// TestKubernetes holds the manifests to each other and to the configuration.
func TestKubernetes(t *testing.T) {
	dir := filepath.Join(root, "examples", "kubernetes")
	one := func(name string) map[string]any { return documents(t, filepath.Join(dir, name))[0] }
	deployment, agent := one("deployment.yaml"), one("watchword.yaml")
	pod := at(deployment, "spec", "template", "spec")
	container := at(pod, "containers", 0)
	want := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	want("read-only root", at(container, "securityContext", "readOnlyRootFilesystem"), true)
	want("non-root", at(pod, "securityContext", "runAsNonRoot"), true)
	want("liveness", at(container, "livenessProbe", "httpGet", "path"), "/healthz")
	want("readiness", at(container, "readinessProbe", "httpGet", "path"), "/readyz")
	want("strategy", at(deployment, "spec", "strategy", "type"), "Recreate")
	want("the address, which is the image's", at(agent, "server", "listen"), nil)
	want("the container's port", at(container, "ports", 0, "containerPort"), 9640)
	want("the service's port", at(one("service.yaml"), "spec", "ports", 0, "targetPort"), at(container, "ports", 0, "name"))
	want("the service account", at(pod, "serviceAccountName"), at(one("serviceaccount.yaml"), "metadata", "name"))
	label := at(deployment, "spec", "template", "metadata", "labels", "app.kubernetes.io/name")
	for what, got := range map[string]any{
		"the deployment": at(deployment, "spec", "selector", "matchLabels"), "the service": at(one("service.yaml"), "spec", "selector"),
		"the policy": at(one("networkpolicy.yaml"), "spec", "podSelector", "matchLabels"), "the monitor": at(one("servicemonitor.yaml"), "spec", "selector", "matchLabels"),
	} {
		want("what "+what+" selects", at(got, "app.kubernetes.io/name"), label)
	}
	want("the assertion", at(agent, "credentials", "pocket-id", "assertion_file"), mounted(t, pod, "token")+"/"+at(volume(pod, "token"), "projected", "sources", 0, "serviceAccountToken", "path").(string))
	for name, path := range map[string]string{"config": "/etc/watchword", "data": "/data"} {
		if got := mounted(t, pod, name); got != path || !strings.Contains(read(t, "Dockerfile"), path) {
			t.Errorf("%s is mounted at %s, which the image knows nothing of", name, got)
		}
	}
	secrets := at(one("secret.yaml"), "stringData").(map[string]any)
	for _, m := range regexp.MustCompile(`\$\{file:([^}]+)\}`).FindAllStringSubmatch(read(t, "examples/kubernetes/watchword.yaml"), -1) {
		if key, ok := strings.CutPrefix(m[1], mounted(t, pod, "secrets")+"/"); !ok || secrets[key] == nil {
			t.Errorf("%s is no key of the Secret where it is mounted", m[1])
		}
	}
}

func volume(pod any, name string) any {
	for _, v := range at(pod, "volumes").([]any) {
		if at(v, "name") == name {
			return v
		}
	}
	return nil
}

// mounted returns where a volume is mounted in the first container.
func mounted(t *testing.T, pod any, name string) string {
	t.Helper()
	for _, m := range at(pod, "containers", 0, "volumeMounts").([]any) {
		if at(m, "name") == name && volume(pod, name) != nil {
			return at(m, "mountPath").(string)
		}
	}
	t.Fatalf("the volume %s is not mounted", name)
	return ""
}

// TestALBRules: the rules of the Ingress are JSON, and the same as Terraform's.
func TestALBRules(t *testing.T) {
	rules := documents(t, filepath.Join(root, "examples", "entra-alb", "ingress.yaml"))
	terraform := read(t, "examples/entra-alb/main.tf")
	parsed := 0
	for _, rule := range rules {
		for key, value := range at(rule, "metadata", "annotations").(map[string]any) {
			text := value.(string)
			if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
				continue
			}
			parsed++
			if !json.Valid([]byte(text)) {
				t.Errorf("%s is no JSON: %s", key, text)
			}
		}
	}
	if parsed != 7 {
		t.Errorf("%d annotations hold JSON, want 7", parsed)
	}
	nobody := at(rules[len(rules)-1], "metadata", "annotations", "alb.ingress.kubernetes.io/actions.nobody").(string)
	if at(rules[len(rules)-1], "spec", "defaultBackend", "service", "name") != "nobody" || !strings.Contains(nobody, `"statusCode": "403"`) || !regexp.MustCompile(`status_code +=\s"403"`).MatchString(terraform) {
		t.Error("what matches no rule is not answered with 403 by both")
	}
	validation := at(rules[0], "metadata", "annotations", "alb.ingress.kubernetes.io/jwt-validation").(string)
	for _, claim := range []string{"aud", "azp"} {
		if !strings.Contains(validation, `"name": "`+claim+`"`) || !regexp.MustCompile(`name +=\s"`+claim+`"`).MatchString(terraform) {
			t.Errorf("the claim %s is not looked at by both", claim)
		}
	}
}
