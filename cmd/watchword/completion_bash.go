package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// bashScript completes in bash 3.2, which macOS has, and later. It does not need
// the package bash-completion.
func bashScript(all []typed) string {
	var paths, values, words strings.Builder
	for _, t := range all {
		if t.path != "" {
			fmt.Fprintf(&paths, "        %q) path=%q ;;\n", " "+t.path, " "+t.path)
		}
		at := t.path
		if at != "" {
			at = " " + at
		}
		for _, f := range t.flags {
			if takesValue(f) {
				fmt.Fprintf(&values, "    %s) %s ;;\n", bashCase(at, f), bashValue(f.Value))
			}
		}
		fmt.Fprintf(&words, "    %q) %s ;;\n", at, bashWords(t))
	}
	return fmt.Sprintf(bashTemplate, strings.Join(valued(all), "|"), paths.String(), values.String(), words.String())
}

const bashTemplate = `# bash completion for watchword, made by "watchword completion bash".
_watchword() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= flags= files= word i
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for (( i = 1; i < COMP_CWORD; i++ )); do
        word=${COMP_WORDS[i]}
        case $word in
        %s)
            (( i++ ))
            [[ ${COMP_WORDS[i]} == "=" ]] && (( i++ ))
            continue
            ;;
        esac
        case "$path $word" in
%s        esac
    done
    case "$path|$prev" in
%s    *)
        case $path in
%s        esac
        ;;
    esac
    [[ $cur == -* && -n $flags ]] && words=$flags files=
    if [[ -n $files ]]; then
        local IFS=$'\n'
        compopt -o filenames 2>/dev/null
        COMPREPLY=( $(compgen -f -- "$cur") )
    else
        COMPREPLY=( $(compgen -W "$words" -- "$cur") )
    fi
}
complete -F _watchword watchword
`

// bashCase is the pattern for the word after a flag.
func bashCase(at string, f *kong.Flag) string {
	var ways []string
	for _, way := range spellings(f) {
		ways = append(ways, fmt.Sprintf("%q", at+"|"+way))
	}
	return strings.Join(ways, "|")
}

func bashValue(v *kong.Value) string {
	if isFile(v) {
		return "files=1"
	}
	return fmt.Sprintf("words=%q", strings.Join(v.EnumSlice(), " "))
}

func bashWords(t typed) string {
	words := names(t.commands)
	set := ""
	for _, a := range t.args {
		words = append(words, a.EnumSlice()...)
		if isFile(a) {
			set = " files=1"
		}
	}
	var flags []string
	for _, f := range t.flags {
		flags = append(flags, spellings(f)...)
	}
	return fmt.Sprintf("words=%q flags=%q%s", strings.Join(words, " "), strings.Join(flags, " "), set)
}
