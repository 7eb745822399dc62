// Command watchword watches services that stand behind a gate: it holds a
// credential of its own, walks in as a real client would, looks for the keyword
// and says which hop failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // zones for cron and messages, on machines without any

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// streams are where a command reads and writes: results go to out, logs and
// errors to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	color    bool
}

// exitError ends the program with a code; an empty message prints nothing.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

// run is the program without the operating system around it.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("watchword"), kong.Description(description), kong.Writers(out, errs),
		kong.UsageOnError(), kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&streams{in: os.Stdin, out: out, err: errs, color: colorful(out)}),
		kong.Vars{"version": version()})
	if err != nil {
		fmt.Fprintln(errs, "watchword:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(errs, "watchword: %v\nTry watchword --help.\n", err)
		return 2
	}
	return report(parsed.Run(&c.Globals), errs)
}

func report(err error, errs io.Writer) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		if exit.message != "" {
			fmt.Fprintln(errs, strings.TrimRight(exit.message, "\n"))
		}
		return exit.code
	}
	fmt.Fprintln(errs, "watchword:", err)
	return 1
}

const description = `Watches services behind a login gate with a credential of its own, and says which hop failed.

Documentation: https://github.com/watchword/watchword`
