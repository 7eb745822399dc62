package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/watchword/watchword/internal/demo"
)

type demoCommand struct {
	Listen   string        `placeholder:"ADDRESS" help:"Where the agent listens, by default 127.0.0.1:9640; the small world has 127.0.0.1:9641 to 9644."`
	AnyPorts bool          `help:"Take free ports for the small world, and for the agent without --listen."`
	Tour     bool          `help:"Break one thing after the other, and show what is said of it."`
	Pace     time.Duration `default:"5s" help:"How long the tour stays at what is broken."`
	End      bool          `help:"End after the tour; with code 1 if something was not told as expected."`
	Runs     bool          `help:"Print every run."`
}

func (demoCommand) Help() string {
	return `Serves an identity provider, a gate, applications, public sites and chat services on loopback, and runs the agent that watches them. A page at http://127.0.0.1:9644/control/ breaks things and shows what people are told; the status page is at http://127.0.0.1:9640/. Ctrl-C ends all of it and leaves nothing behind.

Examples:

    watchword demo
    watchword demo --tour
    curl -X POST http://127.0.0.1:9644/control/secret-rotated`
}

func (c *demoCommand) Run(ctx context.Context, s *streams) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE) // it ends with its terminal, or who reads it
	defer stop()
	return demo.Run(ctx, demo.Options{
		Listen: c.Listen, AnyPorts: c.AnyPorts, Version: version(), Revision: revision(),
		Out: s.out, Color: s.color, Size: sizeOf(s.out), Runs: c.Runs, Tour: c.Tour, Pace: c.Pace, End: c.End,
	})
}

// sizeOf returns what tells the size of the terminal that w is; nil for none.
func sizeOf(w any) func() (width, height int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80, 24
		}
		return width, height
	}
}
