package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/systemd"
)

// leanGC trades a little CPU for memory: the agent lives beside what it watches.
const leanGC = 40

type runCommand struct{ configFlag }

func (runCommand) Help() string {
	return `Results of every run are on the page and in /metrics at server.listen, the log is on stderr. With an error in the configuration nothing is started. With an error in a changed one the old one stays in force.

Ends with 0 after a clean stop, with 1 if it could not start.

Examples:

    watchword run -c watchword.yaml
    watchword run -c /etc/watchword/ --log-format json`
}

func (c *runCommand) Run(ctx context.Context, g *Globals, s *streams) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(leanGC)
	}
	log := g.logger(s)
	early := make(chan os.Signal, 1) // a SIGHUP during the start must not end it: what changed by then is noticed
	signal.Notify(early, syscall.SIGHUP)
	defer signal.Stop(early)
	cfg, problems := config.Load(c.Config, config.LoadOptions{})
	for _, p := range problems {
		fmt.Fprintln(s.err, p)
	}
	if cfg == nil {
		return &exitError{1, fmt.Sprintf("watchword: the configuration has %s; nothing was started", errorCount(problems))}
	}
	a, err := agent.New(ctx, cfg, agent.Options{Paths: c.Config, Version: version(), Revision: revision(), Built: builtAt(), Log: log, Unit: systemd.New(log)})
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // what loading took is not needed again
	dropCode()
	log.Info("watchword runs", "version", version(), "monitors", len(cfg.Monitors), "address", a.URL())
	err = a.Run(ctx)
	log.Log(context.WithoutCancel(ctx), slog.LevelInfo, "watchword has stopped")
	return err
}

func errorCount(ps config.Problems) string {
	n := 0
	for _, p := range ps {
		if !p.Warning {
			n++
		}
	}
	return check.Count(n, "error", "errors")
}
