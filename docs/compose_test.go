package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composeFile is what is looked at of one.
type composeFile struct {
	Services map[string]struct {
		Image       string   `yaml:"image"`
		Build       string   `yaml:"build"`
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		Ports       []string `yaml:"ports"`
		Volumes     []string `yaml:"volumes"`
		Secrets     []string `yaml:"secrets"`
		DependsOn   []string `yaml:"depends_on"`
		Environment map[string]string
	}
	Volumes map[string]any
	Secrets map[string]struct{ File string }
}

// TestCompose: what people copy opens nothing to others, runs known versions,
// and names nothing that is not there.
func TestCompose(t *testing.T) {
	const folder = "examples/uptime-kuma/"
	var c composeFile
	if err := yaml.Unmarshal([]byte(read(t, folder+"compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 5 || c.Services["watchword"].Build != "../.." {
		t.Errorf("there are the services %v", c.Services)
	}
	for name, s := range c.Services {
		if !regexp.MustCompile(`^[a-z/-]+:(v?[0-9][0-9.]*|local)$`).MatchString(s.Image) {
			t.Errorf("%s: the image %q names no version", name, s.Image)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: the port %s is published off loopback", name, p)
			}
		}
		if name != "uptime-kuma" && (!s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"})) {
			t.Errorf("%s: read_only is %t, cap_drop %v", name, s.ReadOnly, s.CapDrop)
		}
		for _, other := range s.DependsOn {
			if _, ok := c.Services[other]; !ok {
				t.Errorf("%s depends on %q, which is not there", name, other)
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File != "./secrets/"+secret {
				t.Errorf("%s: the secret %s is the file %q", name, secret, c.Secrets[secret].File)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			_, declared := c.Volumes[from]
			if _, err := os.Stat(filepath.Join(root, folder, from)); err != nil && !declared && !strings.HasPrefix(from, "./secrets/") {
				t.Errorf("%s: the volume %s: %v", name, v, err)
			}
		}
	}
	for key, value := range c.Services["authelia"].Environment {
		if file, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !slices.Contains(c.Services["authelia"].Secrets, file) {
			t.Errorf("authelia: %s names the secret %s, which it is not given", key, file)
		}
	}
}

// TestComposeSides: the files of the example agree with one another.
func TestComposeSides(t *testing.T) {
	const folder = "examples/uptime-kuma/"
	authelia := regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAllString(read(t, folder+"authelia/configuration.yml"), "filled")
	var a struct {
		Providers struct {
			OIDC struct {
				Clients []struct {
					ID       string   `yaml:"client_id"`
					Scopes   []string `yaml:"scopes"`
					Audience []string `yaml:"audience"`
				} `yaml:"clients"`
			} `yaml:"oidc"`
		} `yaml:"identity_providers"`
	}
	if err := yaml.Unmarshal([]byte(authelia), &a); err != nil {
		t.Fatal(err)
	}
	var w struct {
		Credentials map[string]struct {
			ID       string   `yaml:"client_id"`
			Secret   string   `yaml:"client_secret"`
			Scopes   []string `yaml:"scopes"`
			Audience []string `yaml:"audience"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, folder+"watchword.yaml")), &w); err != nil {
		t.Fatal(err)
	}
	if len(a.Providers.OIDC.Clients) != 1 {
		t.Fatalf("Authelia has the clients %v", a.Providers.OIDC.Clients)
	}
	client, ours := a.Providers.OIDC.Clients[0], w.Credentials["authelia"]
	if client.ID != ours.ID || !slices.Equal(client.Scopes, ours.Scopes) || !slices.Equal(client.Audience, ours.Audience) {
		t.Errorf("Authelia has %v, Watchword asks as %v", client, ours)
	}
	if ours.Secret != "${file:/run/secrets/client_secret}" {
		t.Errorf("the secret is %q", ours.Secret)
	}
}
