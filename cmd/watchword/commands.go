package main

import (
	"log/slog"
	"os"
)

// Globals are the flags of every command.
type Globals struct {
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"Least important messages to log: ${enum}."`
	LogFormat string `enum:"text,json" default:"text" help:"Format of the log on stderr: ${enum}."`
}

type commands struct {
	Globals
	Run         runCommand         `cmd:"" help:"Run the agent until SIGINT or SIGTERM. SIGHUP, a changed file or POST /-/reload reloads."`
	Check       checkCommand       `cmd:"" help:"Load and build everything without sending one request; print every error."`
	Probe       probeCommand       `cmd:"" help:"Run monitors once, now, and explain hop by hop."`
	Token       tokenCommand       `cmd:"" help:"Fetch a token and explain it."`
	Notify      notifyCommand      `cmd:"" help:"Send a sample message and show what the service answered."`
	Maintenance maintenanceCommand `cmd:"" help:"Begin, end or list maintenance at the running agent."`
	Import      importCommand      `cmd:"" help:"Turn the configuration of another program into ours."`
	Health      healthCommand      `cmd:"" help:"Ask /healthz, for a container's health check."`
	Password    passwordCommand    `cmd:"" help:"Read a password from stdin and print its hash, for server.auth."`
	Schema      schemaCommand      `cmd:"" help:"Print the JSON Schema of the configuration, for editors."`
	Completion  completionCommand  `cmd:"" help:"Print a script that completes commands and flags in your shell."`
	Version     versionCommand     `cmd:"" help:"Print version, commit and Go version."`
	Demo        demoCommand        `cmd:"" help:"The agent and a small world for it to watch, on loopback, with failures to switch on."`
	Lab         labCommand         `cmd:"" hidden:"" help:"Serve the small world for watching on loopback."`
	Bench       benchCommand       `cmd:"" help:"How many monitors this machine carries: the agent beside a bare loop."`
}

// configFlag names the configuration of the commands that need one.
type configFlag struct {
	Config []string `short:"c" required:"" sep:"none" env:"WATCHWORD_CONFIG" placeholder:"FILE" help:"Configuration file, or a folder of *.yaml and *.yml. May be repeated."`
}

func (g *Globals) logger(s *streams) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(g.LogLevel)) // kong admits known levels only
	o := &slog.HandlerOptions{Level: level}
	if g.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, o))
	}
	return slog.New(slog.NewTextHandler(s.err, o))
}

// colorful says whether to write colour: only to a terminal, and not where
// NO_COLOR is set (no-color.org).
func colorful(w any) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
