package main

import (
	"fmt"
	"log/slog"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/check"
	"github.com/watchword/watchword/internal/config"
)

type checkCommand struct {
	configFlag
	AllowMissingSecrets bool `help:"Warn of unset variables and absent secret files instead of failing, for CI."`
}

func (checkCommand) Help() string {
	return `Errors and warnings are written to stderr as file:line:col: message, all at once. Warnings alone are no failure.

Ends with 0 if the configuration can be used, else with 1.

Examples:

    watchword check -c watchword.yaml
    watchword check -c watchword.yaml --allow-missing-secrets`
}

func (c *checkCommand) Run(s *streams) error {
	cfg, problems := config.Load(c.Config, config.LoadOptions{AllowMissingSecrets: c.AllowMissingSecrets})
	for _, p := range problems {
		fmt.Fprintln(s.err, p)
	}
	if cfg == nil {
		return &exitError{code: 1}
	}
	if err := agent.Check(cfg, agent.Options{Version: version(), Log: slog.New(slog.DiscardHandler)}); err != nil {
		return &exitError{1, err.Error()} // it begins with the place
	}
	fmt.Fprintln(s.out, summary(cfg))
	return nil
}

// summary counts what a configuration holds.
func summary(cfg *config.Config) string {
	off := 0
	for _, m := range cfg.Monitors {
		if !m.Enabled {
			off++
		}
	}
	line := fmt.Sprintf("ok: %s, %s, %s", check.Count(len(cfg.Monitors), "monitor", "monitors"), check.Count(len(cfg.Credentials), "credential", "credentials"), check.Count(len(cfg.Notifiers), "notifier", "notifiers"))
	if n := len(cfg.Maintenance); n > 0 {
		line += ", " + check.Count(n, "maintenance window", "maintenance windows")
	}
	if off > 0 {
		line += fmt.Sprintf(" (%d of the monitors not enabled)", off)
	}
	return line
}
