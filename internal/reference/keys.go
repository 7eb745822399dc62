package reference

import (
	"fmt"
	"slices"
	"strings"
)

// KeysFile and CommandsFile are where the pages lie, in the repository.
const (
	KeysFile     = "docs/keys.md"
	CommandsFile = "docs/commands.md"
)

// KeysPage returns the page of all keys, in Markdown.
func KeysPage(keys []Key) []byte {
	var b strings.Builder
	b.WriteString("# Keys\n\n<!-- Made by make generate from the options in the source. Do not edit. -->\n\n" +
		"Every key of the configuration with what it takes. How they play together is told in [configuration.md](configuration.md), " +
		"which also says what [durations, sizes and secrets](configuration.md#conventions) look like. " +
		"Every value can hold [`${…}`](configuration.md#-variables-and-secret-files).\n\n" +
		"Editors offer these keys with their help by the [schema](editors.md) that `watchword schema` prints.\n")
	var sections []string
	for _, k := range keys {
		if !slices.Contains(sections, k.Section) {
			sections = append(sections, k.Section)
		}
	}
	slices.SortStableFunc(sections, func(a, b string) int { return rank(a) - rank(b) })
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n| key | takes | default | |\n|---|---|---|---|\n", heading(s))
		for _, k := range keys {
			if k.Section == s {
				b.WriteString(row(k))
			}
		}
	}
	return []byte(b.String())
}

// rank puts the top level first, and leaves the rest as it is.
func rank(section string) int { return min(len(section), 1) }

func heading(section string) string {
	if section == "" {
		return "The top level"
	}
	return "`" + section + "`"
}

func row(k Key) string {
	standard := ""
	switch {
	case k.Instead != "":
		standard = "required, or `" + k.Instead + "`"
	case k.Needed:
		standard = "required"
	case k.Default != "":
		standard = "`" + k.Default + "`"
	}
	help := cell(k.Help)
	if k.Types != nil {
		which := "Type " + quoted(k.Types)
		if k.With.Key != "" {
			which += ", " + k.With.Key + " " + quoted(k.With.Values)
		}
		help = which + ". " + help
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", k.Path, takes(k), standard, help)
}

func takes(k Key) string {
	if len(k.Values) == 0 {
		return k.Kind
	}
	if k.Kind == "list" {
		return "list of " + quoted(k.Values)
	}
	return quoted(k.Values)
}

func quoted(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

// cell writes a text into a table of Markdown.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`).Replace(s)
}
