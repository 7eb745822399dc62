package reference

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// CommandsPage returns the page of all commands, in Markdown: what the program
// says of itself with --help.
func CommandsPage(ctx context.Context, program string) ([]byte, error) {
	top, err := help(ctx, program)
	if err != nil {
		return nil, err
	}
	names := commandNames(top)
	if len(names) == 0 {
		return nil, errors.New("watchword --help lists no commands")
	}
	var b strings.Builder
	b.WriteString("# Commands\n\n<!-- Made by make generate from what --help prints. Do not edit. -->\n\n" +
		"What `watchword --help` and `watchword COMMAND --help` print. Results go to stdout, logs and errors to stderr. " +
		"Every command ends with 2 where it is used wrongly. TAB completes commands and flags once your shell knows how: see [completion](#completion).\n\n" +
		"```text\n" + top + "```\n")
	for _, name := range names {
		text, err := help(ctx, program, strings.Fields(name)...)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s```\n", name, text)
	}
	return []byte(b.String()), nil
}

// commandNames reads the names of the commands out of the help of the program.
func commandNames(help string) []string {
	_, list, _ := strings.Cut(help, "\nCommands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  (\S+( \S+)*)(   |$)`).FindAllStringSubmatch(list, -1) {
		name, _, _ := strings.Cut(m[1], " <")
		names = append(names, name)
	}
	return names
}

func help(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, append(args, "--help")...)
	cmd.Env = []string{"COLUMNS=80"}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s --help: %w", program, strings.Join(args, " "), err)
	}
	return string(out), nil
}
