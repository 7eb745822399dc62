package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// zshScript is a function of the completion system: in a file of $fpath, or read
// by source once compinit has run.
func zshScript(all []typed) string {
	var b strings.Builder
	b.WriteString("#compdef watchword\n# zsh completion for watchword, made by \"watchword completion zsh\".\n")
	for _, t := range all {
		fmt.Fprintf(&b, "\n%s() {\n", zshName(t.path))
		if len(t.commands) > 0 {
			zshParent(&b, t)
		} else {
			fmt.Fprintf(&b, "    _arguments -S%s\n", zshSpecs(t))
		}
		b.WriteString("}\n")
	}
	b.WriteString(`
if [[ $funcstack[1] == _watchword ]]; then # loaded from $fpath
    _watchword "$@"
else
    compdef _watchword watchword
fi
`)
	return b.String()
}

func zshName(path string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.TrimSpace("_watchword " + path))
}

// zshParent offers the commands of a command, and hands over to theirs.
func zshParent(b *strings.Builder, t typed) {
	b.WriteString("    local curcontext=$curcontext state line\n    typeset -A opt_args\n")
	fmt.Fprintf(b, "    _arguments -C -S%s \\\n        ': :->command' \\\n        '*:: :->rest'\n", zshSpecs(t))
	b.WriteString("    case $state in\n    command)\n        local -a commands=(\n")
	for _, c := range t.commands {
		fmt.Fprintf(b, "            %s\n", zshQuote(c.Name+":"+brief(c.Help)))
	}
	b.WriteString("        )\n        _describe command commands\n        ;;\n    rest)\n        case $words[1] in\n")
	for _, c := range t.commands {
		fmt.Fprintf(b, "        %s) %s ;;\n", c.Name, zshName(strings.TrimSpace(t.path+" "+c.Name)))
	}
	b.WriteString("        esac\n        ;;\n    esac\n")
}

func zshSpecs(t typed) string {
	var b strings.Builder
	for _, f := range t.flags {
		ways := spellings(f)
		for _, way := range ways {
			fmt.Fprintf(&b, " \\\n        %s", zshQuote(zshFlag(f, way, ways)))
		}
	}
	for _, a := range t.args {
		place := ":"
		switch {
		case a.IsCumulative():
			place = "*:"
		case !a.Required:
			place = "::"
		}
		action := zshAction(a)
		if action == " " { // where a flag may stand as well
			action = `_guard "^-*" ` + a.Name
		}
		fmt.Fprintf(&b, " \\\n        %s", zshQuote(place+a.Name+":"+action))
	}
	return b.String()
}

func zshFlag(f *kong.Flag, way string, ways []string) string {
	spec := "(" + strings.Join(ways, " ") + ")" + way
	if f.IsCumulative() {
		spec = "*" + way
	}
	help := "[" + strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`).Replace(brief(f.Help)) + "]"
	if !takesValue(f) {
		return spec + help
	}
	glue := "="
	if !strings.HasPrefix(way, "--") {
		glue = "+"
	}
	return spec + glue + help + ":" + f.Name + ":" + zshAction(f.Value)
}

// zshAction completes a value.
func zshAction(v *kong.Value) string {
	switch {
	case isFile(v):
		return "_files"
	case v.Enum != "":
		return "(" + strings.Join(v.EnumSlice(), " ") + ")"
	default:
		return " " // says what is wanted
	}
}

func zshQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
