package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what Load says to the .txt files")

// swordfish is in every secret that the tests put in.
const swordfish = "swordfish"

func setSecrets(t testing.TB) {
	t.Helper()
	for name, value := range map[string]string{
		"SECRET": swordfish + "-secret", "WEBHOOK": "https://hooks.example.com/" + swordfish + "-hook",
		"WORD": swordfish + "-word", "NUMBER": "123456789",
		"AUTHELIA_CLIENT_SECRET": swordfish + "-a", "LEGACY_PASSWORD": swordfish + "-b", "API_TOKEN": swordfish + "-c", "API_KEY": swordfish + "-d",
		"TELEGRAM_BOT_TOKEN": "12345:" + swordfish, "HMAC_KEY": swordfish + "-e",
		"SLACK_WEBHOOK_URL": "https://hooks.slack.example.com/" + swordfish, "DISCORD_WEBHOOK_URL": "https://discord.example.com/api/webhooks/" + swordfish,
		"TEAMS_WEBHOOK_URL": "https://teams.example.com/" + swordfish,
	} {
		t.Setenv(name, value)
	}
}

// TestGolden loads every file and folder of testdata and compares all that is
// said with the .txt beside it.
func TestGolden(t *testing.T) {
	for _, kind := range []string{"good", "bad"} {
		all, err := os.ReadDir(filepath.Join("testdata", kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if filepath.Ext(e.Name()) == ".txt" {
				continue
			}
			t.Run(kind+"/"+e.Name(), func(t *testing.T) { golden(t, filepath.Join("testdata", kind), e.Name()) })
		}
	}
}

func golden(t *testing.T, dir, name string) {
	setSecrets(t)
	want, err := filepath.Abs(filepath.Join(dir, strings.TrimSuffix(name, ".yaml")+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	src, _ := filepath.Abs(filepath.Join(dir, name))
	work := t.TempDir() // the modes of a checkout are nobody's promise
	t.Chdir(work)
	copyTree(t, src, filepath.Join(work, name))
	text, _ := os.ReadFile(name)
	c, ps := Load([]string{name}, LoadOptions{AllowMissingSecrets: bytes.HasPrefix(text, []byte("# allow-missing-secrets"))})
	if bad := strings.HasSuffix(dir, "bad"); ps.HasErrors() != bad || (c == nil) != bad {
		t.Errorf("errors: %t, configuration: %t, in a %s file", ps.HasErrors(), c != nil, filepath.Base(dir))
	}
	got := strings.ReplaceAll(ps.String(), work+string(filepath.Separator), "")
	if strings.Contains(got, swordfish) || strings.Contains(got, "hunter2") {
		t.Errorf("a secret is told:\n%s", got)
	}
	if *update {
		if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if b, err := os.ReadFile(want); err != nil || string(b) != got {
		t.Errorf("%v; got\n%s\nwant\n%s", err, got, b)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if !info.IsDir() {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(b))
		return
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
}
