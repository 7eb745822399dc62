package kuma_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/kuma"
)

// small is a document with a bit of everything.
func small() *kuma.Document {
	d := &kuma.Document{Source: "kuma.db", Command: "watchword import kuma", Timezone: "Europe/Berlin"}
	c := &kuma.Entry{Name: "auth.example.com/uptime", Comments: []string{"used by two"}}
	c.Fields.Set("token_url", "https://auth.example.com/token")
	c.Fields.Set("client_id", "uptime")
	c.Fields.Set("client_secret", d.Vault.Secret("auth", "client secret", "s3cret-value"))
	d.Credentials = append(d.Credentials, c)
	n := &kuma.Entry{Name: "ops"}
	n.Fields.Set("type", "slack")
	n.Fields.Set("webhook_url", d.Vault.Secret("ops", "webhook url", "https://hooks.example.com/a?b=1&c=2"))
	other := &kuma.Entry{Name: "other"}
	other.Fields.Set("type", "discord")
	other.Fields.Set("webhook_url", d.Vault.Secret("other", "webhook url", "https://hooks.example.com/d"))
	d.Notifiers = append(d.Notifiers, other, n)
	for i, name := range []string{"Shop", "shop!", "Shop", "店", "Zoo"} {
		m := &kuma.Entry{Name: name, ID: "kuma-7"}
		m.Fields.Set("url", "https://shop.example.com/"+strings.Repeat("x", i))
		m.Fields.Set("interval", 20*time.Second)
		m.Fields.Set("timeout", 8*time.Second)
		m.Fields.Set("retries", i%2)
		m.Fields.Set("notify", []string{"ops"})
		if name == "Zoo" {
			m.Group = "Web / Inner"
			m.Comment("a comment\nof two lines")
			m.Fields.Set("interval", time.Minute)
			m.Fields.Set("notify", []string{})
			m.Fields.Set("expect.keyword", "costs ${5} # or \"so\"")
			m.Fields.Set("body", "one: 1\ntwo: 2\n")
			m.Fields.Set("headers.X-Token", d.Vault.Secret("zoo", "x token", "with 'blanks' $and #signs\n"))
		}
		d.Monitors = append(d.Monitors, m)
	}
	d.Stays = append(d.Stays, kuma.Stay{What: "monitor", Name: "db", Kind: "mysql", Why: "Watchword watches http only"})
	return d
}

func place(t *testing.T, d *kuma.Document) (kuma.Placed, string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "ours.yaml")
	p, err := d.Place(context.Background(), kuma.Target{YAML: out})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return p, string(b)
}

// load loads what was written, with its variables from its env file.
func load(t *testing.T, p kuma.Placed) *config.Config {
	t.Helper()
	if p.Env != "" {
		b, err := os.ReadFile(p.Env)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok && !strings.HasPrefix(line, "#") {
				t.Setenv(name, value)
			}
		}
	}
	cfg, problems := config.Load([]string{p.YAML}, config.LoadOptions{})
	if cfg == nil {
		t.Fatal(problems)
	}
	return cfg
}

func TestPlace(t *testing.T) {
	p, text := place(t, small())
	want, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if text = strings.ReplaceAll(text, filepath.Dir(p.YAML)+"/", ""); text != string(want) {
		t.Errorf("the YAML differs from testdata/small.yaml:\n%s", text)
	}
	for _, path := range []string{p.Env, filepath.Join(p.Folder, "ops-webhook-url")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if info, err := os.Stat(p.Folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v", p.Folder, info.Mode(), err)
	}
	cfg := load(t, p)
	zoo := cfg.Monitors[len(cfg.Monitors)-1]
	if got := zoo.HTTP.Expect.Keyword[0]; got != `costs ${5} # or "so"` {
		t.Errorf("keyword %q", got)
	}
	if got, err := zoo.HTTP.Headers["X-Token"].Reveal(); got != "with 'blanks' $and #signs\n" || err != nil {
		t.Errorf("header %q, %v", got, err)
	}
	if got, err := cfg.Notifiers["ops"].WebhookURL.Reveal(); got != "https://hooks.example.com/a?b=1&c=2" || err != nil {
		t.Errorf("webhook %q, %v", got, err)
	}
}

// Nothing is replaced unless that is asked for, and what stops half-way leaves
// nothing behind.
func TestPlaceKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "ours.yaml")
	for _, taken := range []string{"ours.yaml", "ours.env", "ours.secrets/x"} {
		path := filepath.Join(dir, taken)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := small().Place(context.Background(), kuma.Target{YAML: out})
		if err == nil || !strings.Contains(err.Error(), "--force") {
			t.Errorf("%s: %v", taken, err)
		}
		all, _ := os.ReadDir(dir)
		if b, err := os.ReadFile(path); string(b) != "mine" || err != nil || len(all) != 1 {
			t.Errorf("%s holds %q, %v; beside it %v", taken, b, err, all)
		}
		if _, err := small().Place(context.Background(), kuma.Target{YAML: out, Force: true}); err != nil {
			t.Errorf("with force: %v", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// Without a file the YAML goes to Out, and the secrets beside the named env file.
func TestPlaceOnOut(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var out bytes.Buffer
	p, err := small().Place(context.Background(), kuma.Target{Out: &out, Env: "w.env"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("saved.yaml", out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p.YAML = "saved.yaml"
	if got := load(t, p); len(got.Monitors) != 5 {
		t.Errorf("%d monitors", len(got.Monitors))
	}
	if strings.Contains(out.String(), "s3cret-value") {
		t.Error("a secret is on Out")
	}
}

// A document that does not load is no configuration, and is not written.
func TestPlaceTriesFirst(t *testing.T) {
	d := small()
	d.Monitors[0].Fields.Set("interval", time.Millisecond)
	out := filepath.Join(t.TempDir(), "ours.yaml")
	_, err := d.Place(context.Background(), kuma.Target{YAML: out})
	if err == nil || !strings.Contains(err.Error(), "interval: at least 1s is wanted") {
		t.Errorf("%v", err)
	}
	if all, _ := os.ReadDir(filepath.Dir(out)); len(all) != 0 {
		t.Errorf("left behind: %v", all)
	}
}

// Every text comes back as it was: in a value, in a list, as a key, as a secret.
func TestTexts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[ -~\n\t$\{\}'"#:,\[\]&*!|>%@-]{0,40}`),
			rapid.SampledFrom([]string{"", "~", "null", "true", "0x1F", "1e3", "1_000", "- a", "a: b", "${X}", "$${X}", "$${", "$", "a\n", "\na", " a", "a ", "2026-11-22", "<<", "=", "a\n  b\n c", "\u0085", "\u2028", "\ufeff", "é ü 店", "a #b", "\r\n", "\x7f", "a\n\n"}),
		).Draw(r, "text")
		d := &kuma.Document{}
		m := &kuma.Entry{Name: "m"}
		m.Fields.Set("url", "https://a.example/")
		m.Fields.Set("expect.keyword", []string{text, text + "x"})
		m.Fields.Set("body", text)
		m.Fields.Set("headers", kuma.Fields{{Key: "X-" + text, Value: d.Vault.Secret("m", "h", text)}})
		d.Monitors = append(d.Monitors, m)
		got := d.Render("files")
		var back struct {
			Monitors []struct {
				Body    string
				Headers map[string]string
				Expect  struct{ Keyword []string }
			}
		}
		if err := yaml.Unmarshal([]byte(got), &back); err != nil {
			r.Fatalf("%v\n%s", err, got)
		}
		b := back.Monitors[0]
		want := string(kuma.Escape(text))
		if b.Body != want || len(b.Expect.Keyword) != 2 || b.Expect.Keyword[0] != want || b.Expect.Keyword[1] != want+"x" {
			r.Fatalf("%q became %q\n%s", text, b, got)
		}
		if _, ok := b.Headers["X-"+text]; !ok {
			r.Fatalf("the key %q became %q\n%s", text, b.Headers, got)
		}
	})
}
