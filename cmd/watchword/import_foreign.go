package main

import (
	"context"

	"github.com/watchword/watchword/internal/kuma"
)

type importGatusCommand struct {
	File string `arg:"" placeholder:"FILE" help:"The configuration of Gatus: a YAML file, or a folder of them."`
	importFlags
}

func (importGatusCommand) Help() string {
	return `Endpoints of http and https come over with their conditions, OAuth and TLS settings, alerts, groups, labels and maintenance; what stays in Gatus is listed at the end of the YAML with the reason. A condition that has no counterpart stands above its monitor.

${NAME} stays a variable. Secrets that stand in the file go into an env file of mode 0600, never into the YAML. What was made is loaded once, as check does, before anything is written.

Ends with 0 if the configuration was written, else with 1.

Examples:

    watchword import gatus config.yaml -o watchword.yaml
    watchword import gatus /etc/gatus/ -o watchword.yaml --force`
}

// Run reads a configuration of Gatus and writes ours.
func (c *importGatusCommand) Run(ctx context.Context, s *streams) error {
	d, err := kuma.FromGatus(c.File)
	if err != nil {
		return err
	}
	return c.place(ctx, d, s)
}

type importBlackboxCommand struct {
	File    string   `arg:"" placeholder:"FILE" help:"The configuration of blackbox_exporter."`
	Targets []string `placeholder:"FILE" help:"What is probed: a file with one URL a line, a list of targets and labels as file_sd_configs has it, or a configuration of Prometheus. May be repeated."`
	Target  []string `placeholder:"URL" help:"One URL that is probed. May be repeated."`
	Module  string   `placeholder:"NAME" help:"The module of targets that name none. Default: http_2xx, or the only one of http."`
	importFlags
}

func (importBlackboxCommand) Help() string {
	return `With targets, each becomes a monitor that does what its module does. Without, the modules of http become modules for /probe, which Prometheus goes on asking. Modules of tcp, dns, icmp and grpc stay, and are listed at the end of the YAML.

Files of passwords stay files. Secrets that stand in the file go into an env file of mode 0600, never into the YAML. What was made is loaded once, as check does, before anything is written.

Ends with 0 if the configuration was written, else with 1.

Examples:

    watchword import blackbox blackbox.yml -o watchword.yaml
    watchword import blackbox blackbox.yml --targets prometheus.yml -o w.yaml
    watchword import blackbox blackbox.yml --target https://www.example.com/`
}

// Run reads a configuration of blackbox_exporter and writes ours.
func (c *importBlackboxCommand) Run(ctx context.Context, s *streams) error {
	d, err := kuma.FromBlackbox(c.File, kuma.BlackboxOptions{Targets: c.Target, Files: c.Targets, Module: c.Module})
	if err != nil {
		return err
	}
	return c.place(ctx, d, s)
}
