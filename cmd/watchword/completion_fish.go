package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

func fishScript(all []typed) string {
	var paths, lines strings.Builder
	for _, t := range all {
		if t.path != "" {
			fmt.Fprintf(&paths, " %s", fishQuote(t.path))
		}
		at := fmt.Sprintf("complete -c watchword -n '__watchword_at %s'", t.path)
		for _, c := range t.commands {
			fmt.Fprintf(&lines, "%s -a %s -d %s\n", at, c.Name, fishQuote(brief(c.Help)))
		}
		for _, f := range t.flags {
			fmt.Fprintf(&lines, "%s%s\n", at, fishFlag(f))
		}
		for _, a := range t.args {
			switch {
			case isFile(a):
				fmt.Fprintf(&lines, "%s -F\n", at)
			case a.Enum != "":
				fmt.Fprintf(&lines, "%s -a %s\n", at, fishQuote(strings.Join(a.EnumSlice(), " ")))
			}
		}
	}
	return fmt.Sprintf(fishTemplate, strings.Join(valued(all), " "), paths.String(), lines.String())
}

const fishTemplate = `# fish completion for watchword, made by "watchword completion fish".

# Says whether the commands typed so far are those.
function __watchword_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l path
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case %s
                set skip 1
            case '-*'
            case '*'
                set -l longer (string join ' ' $path $word)
                contains -- $longer%s; and set path (string split ' ' $longer)
        end
    end
    test "$path" = "$argv"
end

complete -c watchword -f
%s`

func fishFlag(f *kong.Flag) string {
	var b strings.Builder
	for _, way := range spellings(f) {
		if long, ok := strings.CutPrefix(way, "--"); ok {
			fmt.Fprintf(&b, " -l %s", long)
		} else {
			fmt.Fprintf(&b, " -s %s", way[1:])
		}
	}
	switch {
	case !takesValue(f):
	case isFile(f.Value):
		b.WriteString(" -r -F")
	default:
		fmt.Fprintf(&b, " -x -a %s", fishQuote(strings.Join(f.EnumSlice(), " ")))
	}
	fmt.Fprintf(&b, " -d %s", fishQuote(brief(f.Help)))
	return b.String()
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
