package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// parser returns the program's own parser, whose model is what people meet.
func parser(t *testing.T) *kong.Kong {
	t.Helper()
	p, err := kong.New(&commands{}, kong.Name("watchword"), kong.Vars{"version": "0"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHelpShowsExamples: the help of every command holds examples, every one of
// which can be typed, and fits into 80 columns.
func TestHelpShowsExamples(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	example := regexp.MustCompile(`(?m)^    (watchword .*)$`)
	leaves := parser(t).Model.Leaves(true)
	if len(leaves) < 8 {
		t.Fatalf("only %d commands were found", len(leaves))
	}
	for _, c := range leaves {
		path := strings.Fields(c.FullPath())[1:]
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(commandsOf(path), "--help"), &out, &errs); code != 0 {
			t.Errorf("%s --help: exit %d\n%s", c.FullPath(), code, &errs)
		}
		shown := example.FindAllStringSubmatch(out.String(), -1)
		if !strings.Contains(out.String(), "\nExamples:\n\n    watchword ") || len(shown) == 0 {
			t.Errorf("%s --help shows no example: give the command a method Help\n%s", c.FullPath(), &out)
		}
		for _, m := range shown {
			typed, _, _ := strings.Cut(m[1], " >") // the shell's
			args := strings.Fields(typed)[1:]
			got, err := parser(t).Parse(args)
			if err != nil {
				t.Errorf("%s: %v", m[1], err)
			} else if !strings.HasPrefix(got.Command(), strings.Join(commandsOf(path), " ")) {
				t.Errorf("%s: %q is an example of %q", c.FullPath(), m[1], got.Command())
			}
		}
		narrow(t, out.String())
	}
	var out bytes.Buffer
	run(t.Context(), []string{"--help"}, &out, &out)
	narrow(t, out.String())
}

// commandsOf returns the part of a path that is commands, not arguments.
func commandsOf(path []string) []string {
	for i, word := range path {
		if strings.HasPrefix(word, "<") || strings.HasPrefix(word, "[") {
			return path[:i]
		}
	}
	return path
}

func narrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}

// TestCompletionsKnowAll: every command and flag that is shown is in every
// script, and what is hidden in none.
func TestCompletionsKnowAll(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"completion", shell}, &out, &errs); code != 0 {
			t.Fatalf("completion %s: exit %d\n%s", shell, code, &errs)
		}
		for _, c := range typedOf(parser(t).Model) {
			for _, sub := range c.commands {
				if !regexp.MustCompile(`\b` + sub.Name + `\b`).MatchString(out.String()) {
					t.Errorf("%s does not complete the command %q", shell, sub.Name)
				}
			}
			for _, f := range c.flags {
				if !strings.Contains(out.String(), "--"+f.Name) && !strings.Contains(out.String(), "-l "+f.Name) {
					t.Errorf("%s does not complete the flag --%s", shell, f.Name)
				}
			}
		}
		if regexp.MustCompile(`\blab\b|\bbare\b.*loop over`).MatchString(out.String()) {
			t.Errorf("%s completes what is hidden", shell)
		}
	}
}

// TestNestedCommands: commands of commands, negatable flags and files in their
// place are completed, too, although there may be none today.
func TestNestedCommands(t *testing.T) {
	var c struct {
		Maintenance struct {
			Start struct {
				Gentle bool   `negatable:"" help:"Gently: it's [slow]."`
				Until  string `short:"u" help:"When."`
			} `cmd:"" help:"Begin."`
			End struct {
				File string `arg:"" type:"existingfile"`
			} `cmd:"" help:"Stop."`
		} `cmd:"" help:"Maintenance."`
	}
	k, err := kong.New(&c, kong.Name("watchword"))
	if err != nil {
		t.Fatal(err)
	}
	all := typedOf(k.Model)
	for shell, want := range map[string][]string{
		bashScript(all): {`" maintenance start") path=" maintenance start" ;;`, `" maintenance start") words="" flags="-h --help --gentle --no-gentle -u --until" ;;`, `" maintenance end") words="" flags="-h --help" files=1 ;;`},
		zshScript(all):  {`start) _watchword_maintenance_start ;;`, `'(--gentle --no-gentle)--no-gentle[Gently\: it'\''s \[slow\]]'`, `':file:_files'`},
		fishScript(all): {`'maintenance' 'maintenance start' 'maintenance end'`, `'__watchword_at maintenance' -a start -d 'Begin'`, `'__watchword_at maintenance end' -F`},
	} {
		for _, w := range want {
			if !strings.Contains(shell, w) {
				t.Errorf("%q is missing in\n%s", w, shell)
			}
		}
	}
}
