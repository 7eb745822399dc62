package main

import (
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: ${enum}."`
}

func (completionCommand) Help() string {
	return `The script is made from the commands and flags of this very program. Write it to where your shell looks for it, or have bash and zsh read it: source <(watchword completion bash).

Examples:

    watchword completion bash
    watchword completion zsh >"${fpath[1]}/_watchword"
    watchword completion fish >~/.config/fish/completions/watchword.fish`
}

func (c *completionCommand) Run(k *kong.Context, s *streams) error {
	script := map[string]func([]typed) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell]
	_, err := io.WriteString(s.out, script(typedOf(k.Model)))
	return err
}

// typed is what can be typed after a command.
type typed struct {
	path     string // "maintenance start"; "" is the program alone
	commands []*kong.Node
	flags    []*kong.Flag // its own, and those of the commands above it
	args     []*kong.Positional
}

// typedOf returns all commands that are shown, each after the one it belongs to.
func typedOf(app *kong.Application) []typed {
	var all []typed
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		t := typed{path: path, args: n.Positional}
		for _, group := range n.AllFlags(true) {
			t.flags = append(t.flags, group...)
		}
		for _, c := range n.Children {
			if c.Type == kong.CommandNode && !c.Hidden {
				t.commands = append(t.commands, c)
			}
		}
		all = append(all, t)
		for _, c := range t.commands {
			walk(c, strings.TrimSpace(path+" "+c.Name))
		}
	}
	walk(app.Node, "")
	return all
}

// spellings are the ways to write a flag.
func spellings(f *kong.Flag) []string {
	var ways []string
	if f.Short != 0 {
		ways = append(ways, "-"+string(f.Short))
	}
	ways = append(ways, "--"+f.Name)
	switch no := f.Tag.Negatable; no {
	case "":
	case "_": // kong's word for the usual one
		ways = append(ways, "--no-"+f.Name)
	default:
		ways = append(ways, "--"+no)
	}
	return ways
}

// takesValue says whether a flag is followed by a value.
func takesValue(f *kong.Flag) bool { return !f.IsBool() && !f.IsCounter() }

// isFile says whether a value is the name of a file.
func isFile(v *kong.Value) bool {
	return v.Tag.PlaceHolder == "FILE" || strings.HasSuffix(v.Tag.Type, "file") || v.Tag.Type == "path"
}

// valued returns all spellings of flags that are followed by a value.
func valued(all []typed) []string {
	var ways []string
	seen := map[string]bool{}
	for _, t := range all {
		for _, f := range t.flags {
			for _, way := range spellings(f) {
				if takesValue(f) && !seen[way] {
					seen[way] = true
					ways = append(ways, way)
				}
			}
		}
	}
	return ways
}

func names(nodes []*kong.Node) []string {
	all := make([]string, len(nodes))
	for i, n := range nodes {
		all[i] = n.Name
	}
	return all
}

// brief is the first sentence of a help text, without its stop.
func brief(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(first, ".")
}
