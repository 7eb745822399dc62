package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/secret"
)

func TestParseAndReveal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s"), []byte("from-file\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WW_SET", "value ${WW_SET}")
	t.Setenv("WW_EMPTY", "")
	for _, tc := range []struct{ name, in, want, wantErr string }{
		{"literal", "plain $ text", "plain $ text", ""},
		{"empty", "", "", ""},
		{"variable, not expanded again", "<${WW_SET}>", "<value ${WW_SET}>", ""},
		{"default of an unset variable", "${WW_NOT_SET:-d}", "d", ""},
		{"default of an empty variable", "${WW_EMPTY:-d}", "d", ""},
		{"empty default", "${WW_NOT_SET:-}", "", ""},
		{"empty variable without default", "${WW_EMPTY}", "", ""},
		{"file, one newline dropped", "${file:s}", "from-file\n", ""},
		{"escape", "$${WW_SET}", "${WW_SET}", ""},
		{"escape and reference", "$${a}${WW_NOT_SET:-b}$", "${a}b$", ""},
		{"unset", "${WW_NOT_SET}", "", "WW_NOT_SET is not set"},
		{"missing file", "${file:nope}", "", "nope"},
		{"unclosed", "${WW_SET", "", "closing"},
		{"bad name", "${a b}", "", "neither"},
		{"reference in a default", "${WW_NOT_SET:-${WW_SET}}", "", "cannot hold another reference"},
		{"no file named", "${file:}", "", "names no file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, err := secret.Parse(tc.in, dir)
			got := ""
			if err == nil {
				got, err = text.Reveal()
			}
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("error %v, want one that says %q", err, tc.wantErr)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestMissingErrorIsTyped(t *testing.T) {
	text, err := secret.Parse("${WW_NOT_SET}", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*secret.MissingError](text.Check()); !ok {
		t.Errorf("Check returned %v, want a MissingError", text.Check())
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	s := secret.Literal("hunter2-hunter2")
	type holder struct{ S secret.Text }
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "h", holder{s})
	j, err := json.Marshal(holder{s})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v", holder{s}, holder{s}, &holder{s}), string(j), log.String(), s.String()} {
		if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the secret was printed: %s", out)
		}
	}
}

func TestScrub(t *testing.T) {
	sec := `p@ss:w+rd/% é=&"<`
	for _, form := range []string{sec, url.QueryEscape(sec), base64.StdEncoding.EncodeToString([]byte(sec)), "p@ss:w+rd/% é=&amp;&#34;&lt;"} {
		got := secret.Scrub("before "+form+" after", sec)
		if got != "before "+secret.Redacted+" after" {
			t.Errorf("scrubbed %q to %q", form, got)
		}
	}
	if got := secret.Scrub("abc", "b"); strings.Contains(got, "abc") {
		t.Errorf("a text with a short secret was given out: %q", got)
	}
}

func TestLineAndURL(t *testing.T) {
	if got := secret.Line("a\r\nb\t c\x00d\u202e", 6); got != "a b c…" {
		t.Errorf("Line gave %q", got)
	}
	if got := secret.URL("https://u:p@h.example/a/b?token=x#f"); got != "https://h.example/a/b" {
		t.Errorf("URL gave %q", got)
	}
	if got := secret.URL("://x"); strings.Contains(got, "x:") {
		t.Errorf("URL gave %q", got)
	}
}
