package kuma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/watchword/watchword/internal/check"
)

// Summary says in a few lines what came over, what stays and why, what a person
// should look at, and what to type next.
func (d *Document) Summary(p Placed, color bool) string {
	bold := func(s string) string {
		if color {
			return "\x1b[1m" + s + "\x1b[0m"
		}
		return s
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s, %s, %s", bold("From"), d.Source, check.Count(len(d.Monitors), "monitor", "monitors"),
		check.Count(len(d.Credentials), "credential", "credentials"), check.Count(len(d.Notifiers), "notifier", "notifiers"))
	if n := d.windowsLive(); n > 0 {
		b.WriteString(", " + check.Count(n, "maintenance window", "maintenance windows"))
	}
	if n := len(d.Modules); n > 0 {
		b.WriteString(", " + check.Count(n, "module", "modules"))
	}
	b.WriteString("\n")
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			b.WriteString(bold(title) + "\n")
		}
		for _, line := range lines {
			b.WriteString("  " + line + "\n")
		}
	}
	section("Stays where it is:", d.left())
	section("Good to know:", d.Notes)
	section("Look at:", d.Look)
	section("Warnings of check:", few(p.Warnings))
	if len(d.Monitors)+len(d.Modules) > 0 {
		section("Written:", p.written())
		section("Next:", p.next())
	}
	return b.String()
}

func (d *Document) windowsLive() int {
	n := 0
	for _, e := range d.Maintenance {
		if e.Fields != nil {
			n++
		}
	}
	return n
}

// left lists what stays, by reason, not more than a screen of it: the YAML has
// all of it.
func (d *Document) left() []string {
	const most = 8
	var lines []string
	for _, why := range reasons(d.Stays) {
		var names []string
		for _, s := range d.Stays {
			if s.Why == why {
				names = append(names, s.label())
			}
		}
		if n := len(names); n > most {
			names = append(names[:most], fmt.Sprintf("and %d more", n-most))
		}
		lines = append(lines, sentence(why)+": "+strings.Join(names, ", "))
	}
	return lines
}

// few returns not more than a screen of lines.
func few(lines []string) []string {
	const most = 10
	if n := len(lines); n > most {
		return append(slices.Clone(lines[:most]), fmt.Sprintf("and %d more, which watchword check tells", n-most))
	}
	return lines
}

func (p Placed) written() []string {
	var lines []string
	if p.YAML != "" {
		lines = append(lines, p.YAML)
	} else {
		lines = append(lines, "the YAML to stdout: save it in this folder, to which its files are relative")
	}
	if p.Env != "" {
		lines = append(lines, p.Env+"  (secrets, mode 0600)")
	}
	if p.Folder != "" {
		lines = append(lines, p.Folder+"/  (keys, certificates and secrets that no env file can hold)")
	}
	return lines
}

// next is what to type.
func (p Placed) next() []string {
	yaml := p.YAML
	if yaml == "" {
		yaml = "watchword.yaml"
	}
	var lines []string
	if p.Env != "" {
		lines = append(lines, fmt.Sprintf("set -a; . %s; set +a", dotted(p.Env)))
	}
	return append(lines, "watchword check -c "+inShell(yaml))
}
