package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/watchword/watchword/internal/agent"
	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/kuma"
)

type importCommand struct {
	Kuma     importKumaCommand     `cmd:"" help:"Turn a kuma.db of Uptime Kuma 1.x or 2.x, or a backup of 1.x, into a configuration."`
	Gatus    importGatusCommand    `cmd:"" help:"Turn a configuration of Gatus into one of Watchword."`
	Blackbox importBlackboxCommand `cmd:"" help:"Turn a configuration of blackbox_exporter, with its targets, into one of Watchword."`
}

// importFlags say where what was made goes.
type importFlags struct {
	Output string `short:"o" placeholder:"OUT" help:"Where to write the YAML; beside it come OUT's .env with the secrets and OUT's .secrets with files. Default: the YAML goes to stdout."`
	Env    string `placeholder:"FILE" help:"Where to write the secrets. Default: the name of OUT with .env; watchword.env without -o."`
	Force  bool   `help:"Replace files that are there already."`
}

type importKumaCommand struct {
	File string `arg:"" placeholder:"FILE" help:"The kuma.db, the folder that it is in, or a backup of 1.x (JSON). It is only read, also while Uptime Kuma runs."`
	importFlags
}

func (importKumaCommand) Help() string {
	return `Monitors of type http, keyword and json-query come over with their credentials, groups, tags, notifications and maintenance; what stays in Uptime Kuma is listed at the end of the YAML with the reason. Uptime Kuma is not changed, and may run.

Secrets never go into the YAML: they are written to an env file of mode 0600, and those that no env file can hold to files of their own. What was made is loaded once, as check does, before anything is written.

Ends with 0 if the configuration was written, else with 1.

Examples:

    watchword import kuma /var/lib/uptime-kuma/kuma.db -o watchword.yaml
    watchword import kuma backup.json -o watchword.yaml --force
    watchword import kuma kuma.db --env kuma.env > watchword.yaml`
}

// Run reads an Uptime Kuma and writes a configuration.
func (c *importKumaCommand) Run(ctx context.Context, s *streams) error {
	d, err := kuma.FromKuma(ctx, c.File)
	if err != nil {
		return err
	}
	return c.place(ctx, d, s)
}

// place writes a document and tells on stderr what became of it.
func (f *importFlags) place(ctx context.Context, d *kuma.Document, s *streams) error {
	target := kuma.Target{YAML: f.Output, Out: s.out, Env: f.Env, Force: f.Force, Build: func(cfg *config.Config) error {
		return agent.Check(cfg, agent.Options{Version: version(), Log: slog.New(slog.DiscardHandler)})
	}}
	if target.YAML == "-" {
		target.YAML = ""
	}
	if len(d.Monitors)+len(d.Modules) == 0 {
		fmt.Fprint(s.err, d.Summary(kuma.Placed{}, colorful(s.err)))
		return errors.New("nothing came over, so nothing was written")
	}
	placed, err := d.Place(ctx, target)
	if err != nil {
		return err
	}
	fmt.Fprint(s.err, d.Summary(placed, colorful(s.err)))
	return nil
}
