package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asked is a line that is typed, and what TAB makes of it or offers: all of
// these, and nothing that begins with "!".
type asked struct {
	line string
	want []string
}

func questions(dir string) []asked {
	quick := filepath.Join(dir, "quick start.yaml")
	return []asked{
		{"watchword pro", []string{"probe"}},
		{"watchword l", []string{"!lab"}},
		{"watchword probe --js", []string{"--json"}},
		{"watchword token --sh", []string{"--show"}},
		{"watchword --log-level debug comp", []string{"completion"}},
		{"watchword probe --log-format j", []string{"json"}},
		{"watchword notify --event=rem", []string{"reminder"}},
		{"watchword completion f", []string{"fish", "!zsh"}},
		{"watchword run -c " + dir + "/qu", []string{quick}},
		{"watchword check --config " + dir + "/qu", []string{quick}},
	}
}

// shell returns a folder with the program in it and a file to complete, and asks
// a shell with a script, with the answers between << and >>.
func shell(t *testing.T, name, pkg string) (dir string, ask func(args ...string) []string) {
	t.Helper()
	path := program(t, name, pkg)
	dir = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, "watchword"), "../../cmd/watchword").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	write(t, filepath.Join(dir, "quick start.yaml"), "")
	return dir, func(args ...string) []string {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "TERM=dumb", "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		var answers []string
		for _, part := range strings.Split(string(out), "<<")[1:] {
			answer, _, _ := strings.Cut(part, ">>")
			answers = append(answers, strings.ReplaceAll(answer, `\ `, " "))
		}
		return answers
	}
}

func judge(t *testing.T, all []asked, answers []string) {
	t.Helper()
	if len(answers) != len(all) {
		t.Fatalf("%d answers to %d questions: %q", len(answers), len(all), answers)
	}
	for i, q := range all {
		for _, w := range q.want {
			word, unwanted := strings.CutPrefix(w, "!")
			if strings.Contains(answers[i], word) == unwanted {
				t.Errorf("%s: %q, in %q", q.line, w, answers[i])
			}
		}
	}
}

func TestPeerBash(t *testing.T) {
	dir, ask := shell(t, "bash", "bash")
	all := questions(dir)
	script := `set -u
source <(watchword completion bash)
[[ $(complete -p watchword) == "complete -F _watchword watchword" ]] || exit 3
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=(); _watchword; echo "<<${COMPREPLY[*]-}>>"; }
`
	for _, q := range all {
		words := strings.Fields(strings.Replace(q.line, "=", " = ", 1)) // as bash splits it
		script += "ask '" + strings.Join(words, "' '") + "'\n"
	}
	judge(t, all, ask("--norc", "-c", script))
}

func TestPeerFish(t *testing.T) {
	dir, ask := shell(t, "fish", "fish")
	all := questions(dir)
	script := "watchword completion fish >w.fish; and fish -n w.fish; and source w.fish; or exit 3\n"
	for _, q := range all {
		script += "echo '<<'(complete -C '" + q.line + "' | string join ' ')'>>'\n"
	}
	judge(t, all, ask("--no-config", "-c", script))
}

// TestPeerZsh types into an interactive zsh, for its completion works nowhere
// else.
func TestPeerZsh(t *testing.T) {
	dir, ask := shell(t, "zsh", "zsh")
	all := questions(dir)
	script := `watchword completion zsh >_watchword && zsh -n _watchword || exit 3
zmodload zsh/zpty && zpty w zsh -f -i || exit 4
zpty -w w "fpath=($PWD \$fpath); autoload -Uz compinit; compinit -u -D; show() { print -r -- \"<<\$BUFFER>>\"; BUFFER= }; zle -N show; bindkey '^X' show; print -r -- load''ed"
zpty -r w out $'*loaded\r*'
ask() { zpty -w -n w "$1"$'\t\x18'; zpty -r w out '*<<*>>*'; print -r -- "<<${${out##*<<}%%>>*}>>" }
`
	for _, q := range all {
		script += "ask '" + q.line + "'\n"
	}
	script += "zpty -d w\n"
	judge(t, all, ask("-f", "-c", script))
	sourced := ask("-f", "-c", "autoload -Uz compinit; compinit -u -D; source <(watchword completion zsh); print -r -- \"<<$_comps[watchword]>>\"")
	if strings.Join(sourced, " ") != "_watchword" {
		t.Errorf("sourced, it completes by %q", sourced)
	}
}
