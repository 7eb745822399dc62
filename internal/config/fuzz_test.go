package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzLoad(f *testing.F) {
	setSecrets(f)
	for _, kind := range []string{"good", "bad"} {
		names, err := filepath.Glob(filepath.Join("testdata", kind, "*.yaml"))
		if err != nil || len(names) == 0 {
			f.Fatal(names, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if strings.Contains(string(b), "/dev") || strings.Contains(string(b), "/proc") {
			return // ${file:/dev/stdin} waits for someone to type
		}
		name := filepath.Join(dir, "w.yaml")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, allow := range []bool{false, true} {
			c, ps := Load([]string{name}, LoadOptions{AllowMissingSecrets: allow})
			if (c == nil) != ps.HasErrors() {
				t.Errorf("configuration: %t, errors: %t", c != nil, ps.HasErrors())
			}
			checkPositions(t, b, ps)
		}
	})
}

func checkPositions(t *testing.T, b []byte, ps Problems) {
	t.Helper()
	lines := linesOf(b)
	whole := notText(b) != "" // then the file is meant, and no place within it
	for _, p := range ps {
		if whole && p.Line == 0 && len(ps) == 1 {
			continue
		}
		if p.Line < 1 || p.Line > len(lines)+1 || p.Col < 1 || p.Line <= len(lines) && p.Col > utf8.RuneCountInString(lines[p.Line-1])+1 {
			t.Errorf("no such place: %s", p)
		}
		if !strings.Contains(string(b), swordfish) && strings.Contains(p.Message, swordfish) {
			t.Errorf("a secret is told: %s", p)
		}
		if strings.ContainsAny(p.Message, "\r\n") || p.Message == "" {
			t.Errorf("not one line: %q", p.Message)
		}
	}
}
